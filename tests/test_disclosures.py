"""The one guard over all decoders, and the line for a table cell."""

import struct
from collections.abc import Iterator

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.disclosures import CLAUSES, DECODERS, MAX_FACTS, MAX_LENGTH, MAX_OF_KIND, MAX_READ, disclose, telling
from capanalyze.model import Disclosure, Fact
from tests.protocols import (
    test_ike_decode,
    test_kerberos_decode,
    test_ldap_decode,
    test_portmap_decode,
    test_quic_decode,
)

SERVICES = st.sampled_from([*DECODERS, "tcp/22", "udp/28524", "icmp", ""])

# NTP Version 4, server; Name query response NBSTAT; Standard query response PTR q._ssh._tcp.local;
# NTP Version 2, control; get-response 1.3.6.1.2.1.1.5.0
SEEDS = [
    bytes.fromhex(octets)
    for octets in (
        "240200e800000000000000007f0000010000000000000000eeae3776ed0b2800eeae3776ed141f93eeae3776ed1931fc",
        "12348400000000010000000020434b4141414141414141414141414141414141414141414141414141414141410000210001"
        "0000000000650301025f5f4d5342524f5753455f5f0201e4005146393845202020202020202020200004005146393845"
        "20202020202020202020200400" + "00" * 46,
        (
            "000085000000000100000000045f737368045f746370056c6f63616c00000c00010000119400130171045f737368045f74"
            "6370056c6f63616c00"
        ),
        "16820001000000000000001476657273696f6e3d226e74706420342e322e3222",
        "302902010104067075626c6963a21c02014d0201000201003011300f06082b0601020101050004036d6163",
    )
]
NAMES = ["ntp", "nbns", "mdns", "control", "snmp", "kerberos", "ldap", "ike", "quic", "portmap"]
SEEDS += [
    test_kerberos_decode.REPLIES["somebody"][0],
    test_ldap_decode.REPLIES["logon"][0],
    test_ike_decode.REPLIES["version 2"][0],
    test_quic_decode.REPLIES["negotiation"][0],
    test_portmap_decode.REPLIES["dump"][0],
]


def facts(**values: str | list[str]) -> list[Disclosure]:
    """Disclosures by kind, underscores for hyphens."""
    return [
        Disclosure(kind=kind.replace("_", "-"), value=value)
        for kind, found in values.items()
        for value in ([found] if isinstance(found, str) else found)
    ]


def decoding(monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, str]], fault: Exception | None = None) -> None:
    """Let the service `made-up` tell these facts, then raise."""

    def decode(_: bytes) -> Iterator[tuple[str, str]]:
        yield from told
        if fault:
            raise fault

    monkeypatch.setitem(DECODERS, "made-up", decode)


@given(SERVICES, st.binary(max_size=2000))
def test_no_octets_raise(service: str, reply: bytes) -> None:
    assert_safe(disclose(service, reply))


@given(SERVICES, st.sampled_from(SEEDS), st.data())
def test_no_damage_raises(service: str, seed: bytes, data: st.DataObject) -> None:
    reply = bytearray(seed)
    for at in data.draw(st.lists(st.integers(0, len(seed) - 1), max_size=8)):
        reply[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(seed)))
    assert_safe(disclose(service, bytes(reply[:cut])))


@pytest.mark.parametrize("service", DECODERS)
@pytest.mark.parametrize("seed", SEEDS, ids=NAMES)
def test_no_cut_raises(service: str, seed: bytes) -> None:
    for length in range(len(seed) + 1):
        assert_safe(disclose(service, seed[:length]))


def assert_safe(found: list[Disclosure]) -> None:
    """Few facts, short and printable, no two the same, and a line that is so too."""
    assert len(found) <= MAX_FACTS
    assert len(set(found)) == len(found)
    for fact in found:
        assert len(fact.value) <= MAX_LENGTH
        assert fact.value.isprintable()
    line = telling(found)
    assert len(line) <= MAX_LENGTH
    assert not line or line.isprintable()


@pytest.mark.parametrize("service", ["udp/28524", "icmp", "echo"])
def test_service_without_a_decoder_tells_nothing(service: str) -> None:
    assert disclose(service, b"anything") == []


@pytest.mark.parametrize("service", DECODERS)
def test_empty_reply(service: str) -> None:
    found = disclose(service, b"")
    assert found in ([], facts(malformed="ends early, after 0 octets"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (dpkt.NeedData("got 3, 48 needed at least"), "ends early, after 5 octets"),
        (EOFError(), "ends early, after 5 octets"),
        (dpkt.UnpackError("odd"), "odd"),
        (dpkt.UnpackError(), "UnpackError"),
        (IndexError("index out of range"), "ends early, after 5 octets"),
        (struct.error("unpack requires"), "ends early, after 5 octets"),
        (ValueError("a pointer\x1b[2J"), "a pointer\\x1b[2J"),
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            "'utf-8' codec can't decode byte 0xff",
        ),
        (RecursionError("maximum recursion depth exceeded"), "maximum recursion"),
    ],
)
def test_fault_becomes_a_fact_after_those_before_it(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, reason: str
) -> None:
    decoding(monkeypatch, [("version", "1")], fault)
    version, malformed = disclose("made-up", b"octet")
    assert version == Disclosure(kind="version", value="1")
    assert malformed.kind == "malformed"
    assert malformed.value.startswith(reason)


def test_a_fault_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding(monkeypatch, [], TypeError("wrong argument"))
    with pytest.raises(TypeError):
        disclose("made-up", b"octet")


def test_facts_are_few_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding(monkeypatch, [(f"kind-{at}", "x" * 1000) for at in range(100)], ValueError("never reached"))
    found = disclose("made-up", b"octet")
    assert len(found) == MAX_FACTS
    assert {len(fact.value) for fact in found} == {MAX_LENGTH}


def test_an_empty_value_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding(monkeypatch, [("software", ""), ("realm", "example.org")])
    assert disclose("made-up", b"octet") == facts(realm="example.org")


def test_one_kind_does_not_crowd_out_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding(monkeypatch, [*(("attribute", str(at)) for at in range(100)), ("address", "192.0.2.10")])
    found = disclose("made-up", b"octet")
    assert len(found) == MAX_OF_KIND + 1
    assert found[-1] == Disclosure(kind="address", value="192.0.2.10")


def test_repeated_facts_count_once_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding(monkeypatch, [*[("address", "192.0.2.10")] * (2 * MAX_READ), ("address", "192.0.2.11")])
    assert disclose("made-up", b"octet") == facts(address="192.0.2.10")


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ([], ""),
        (facts(clock="2007-10-29T10:13:06.945006Z", precision="2^-18 s"), ""),
        (
            facts(version="NTPv4", stratum="2", reference_id="17.72.255.11", root_delay="0.04 s"),
            "follows 17.72.255.11, stratum 2, NTPv4",
        ),
        (
            facts(version="NTPv4", stratum="2", reference_id="127.0.0.1"),
            "follows its own clock (127.0.0.1), stratum 2, NTPv4",
        ),
        (facts(version="NTPv3", stratum="1", reference_id="GPS"), "clock GPS, stratum 1, NTPv3"),
        (
            [
                *facts(version="NTPv4", stratum="0", unsynchronised="leap indicator 3, stratum 0"),
                Disclosure(kind="kiss-o'-death", value="INIT (not yet synchronised)"),
            ],
            "kiss-o'-death INIT (not yet synchronised), stratum 0, unsynchronised, NTPv4",
        ),
        (
            facts(
                ntp_variable=["version=ntpd 4.2.2", "system=UNIX"],
                monlist="6 items",
                client_address="192.0.2.7",
            ),
            "version=ntpd 4.2.2, system=UNIX; client list of 6 items, 192.0.2.7",
        ),
        (
            facts(
                name=[
                    "..__MSBROWSE__.<01> group: master browser",
                    "QF98E<00> unique: workstation",
                    "QF98E<20> unique: file server, in conflict",
                    "WORKGROUP<00> group: workgroup",
                    "WORKGROUP<1d> unique: master browser",
                    "WORKGROUP<1e> group: browser elections",
                ],
                mac_address="00:17:f2:df:cd:b3",
            ),
            "QF98E<00>, WORKGROUP<00> (group), master browser, file server, MAC 00:17:f2:df:cd:b3",
        ),
        (
            facts(
                host_name="qf98e.local",
                address=["192.0.2.10", "2001:db8::10"],
                attribute="txtvers=1",
                endpoint="qf98e.local:22",
                instance="qf98e._ssh._tcp.local",
            ),
            "qf98e._ssh._tcp.local, at qf98e.local:22; qf98e.local, 192.0.2.10, 2001:db8::10",
        ),
        (
            facts(host_name="QF98E", workgroup="WORKGROUP", os_version="6.1", comment="Mac OS X"),
            "system 6.1; QF98E, WORKGROUP (group), Mac OS X",
        ),
        (
            facts(
                instance="Laser", model="HP LaserJet 4", location="ipp://h/printers/laser", printer_location="Hannover"
            ),
            "Laser, HP LaserJet 4; Hannover; ipp://h/printers/laser",
        ),
        (
            facts(external_address="203.0.113.10", mapping="40000 to 5353, 60 s", uptime="7 s", version="PCP"),
            "reached at 203.0.113.10; maps 40000 to 5353, 60 s; up for 7 s; PCP",
        ),
        (facts(offered_address="192.0.2.20", router="192.0.2.1"), "offers 192.0.2.20, router 192.0.2.1"),
        (facts(software="memcached 1.6.18", statistic="pid=1", key="a"), "memcached 1.6.18; key a, pid=1"),
        (facts(time="1970-01-01T00:00:00Z"), "clock 1970-01-01T00:00:00Z"),
        (
            facts(recursion="offered", answer="time.apple.com A 17.72.255.11"),
            "time.apple.com A 17.72.255.11; recursion offered",
        ),
        (
            facts(version="SNMPv2c", community="6 octets, not shown", system_description="Darwin " + "x" * 100),
            "Darwin " + "x" * 52 + "…; SNMPv2c",
        ),
        (
            facts(client_address=[f"192.0.2.{at}" for at in range(6)]),
            ", ".join([*(f"192.0.2.{at}" for at in range(4)), "2 more"]),
        ),
        (facts(malformed="ends early, after 3 octets"), "malformed: ends early, after 3 octets"),
    ],
)
def test_most_telling_facts_first(found: list[Disclosure], line: str) -> None:
    assert telling(found) == line


def test_facts_of_a_finding_are_told_once() -> None:
    found = [Fact(kind="stratum", value="2", capture="a.pcap", frame=frame) for frame in (2, 4)]
    assert telling(found) == "stratum 2"


def test_line_is_safe_whoever_made_the_facts() -> None:
    assert telling(facts(server="\x1b[2J\u202e")) == r"\x1b[2J\u202e"


def test_each_kind_is_told_in_one_place() -> None:
    kinds = [kind for clause in CLAUSES for kind in dict(clause)]
    assert len(kinds) == len(set(kinds))
