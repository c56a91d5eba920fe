"""`pcaps/services`: a capture of each service, its replies paired as tshark's dissection says."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from capanalyze.cli import main
from capanalyze.protocols import MODULES
from tests.build import dissected
from tests.conftest import PCAPS
from tests.lab.services import SERVICES

FOLDER = PCAPS / "services"
MESSAGE_ID = re.compile(rb"<wsa:(MessageID|RelatesTo)>([^<]*)<")
PLAIN = ("frame.number", "ip.src", "ipv6.src", "udp.srcport", "udp.dstport", "udp.payload")


@dataclass(frozen=True)
class Dissection:
    """What in tshark's dissection tells replies, and which fields a request and its replies have in common."""

    reply: str
    common: tuple[str, ...] = ()
    request: str = "udp"
    of_payload: Callable[[bytes], object] = lambda _: None


def message_id(payload: bytes) -> object:
    """tshark takes WS-Discovery for octets: RelatesTo where there is one, else MessageID."""
    found = dict(MESSAGE_ID.findall(payload))
    return found.get(b"RelatesTo", found.get(b"MessageID"))


BY_CAPTURE = {
    "ard": Dissection("udp.srcport == 3283"),
    "coap": Dissection("coap.code >= 64 or (coap.code == 0 and udp.srcport == 5683)", request="coap.code < 32"),
    "dhcp": Dissection("dhcp.type == 2", ("dhcp.id",), "dhcp.type == 1"),
    "dhcpv6": Dissection("dhcpv6.msgtype in {2, 7}", ("dhcpv6.xid",), "not dhcpv6.msgtype in {2, 7}"),
    "ike": Dissection(
        "isakmp.flag_r == 1 or (isakmp.rspi != 00:00:00:00:00:00:00:00 and udp.srcport in {500, 4500})",
        ("isakmp.ispi",),
        "isakmp",
    ),
    "ipp": Dissection("udp.srcport == 631 and udp.dstport != 631"),
    "kerberos": Dissection("udp.srcport == 88"),
    "ldap": Dissection("udp.srcport == 389"),
    "memcached": Dissection("udp.srcport == 11211", of_payload=lambda payload: payload[:2]),
    "natpmp": Dissection(
        "nat-pmp.opcode >= 128 or portcontrol.r == 1",
        ("nat-pmp.internal_port", "portcontrol.map.nonce"),
        "nat-pmp.opcode < 128 or portcontrol.r == 0",
    ),
    "nbdgm": Dissection("browser.command == 10", ("browser.backup.token",), "browser.command == 9"),
    "portmap": Dissection("rpc.msgtyp == 1", ("rpc.xid",), "rpc.msgtyp == 0"),
    "quic": Dissection("udp.srcport == 443 and (quic.version == 0 or quic.long.packet_type == 0)"),
    "sip": Dissection("sip.Status-Code", ("sip.Call-ID", "sip.CSeq"), "sip.Method"),
    "slp": Dissection("srvloc.function in {2, 7}", ("srvloc.xid",), "srvloc.function in {1, 6}"),
    "small": Dissection("udp.srcport < 1024"),
    "snmp": Dissection("udp.srcport == 161", ("snmp.msgID",)),
    "ssdp": Dissection("http.response", (), 'http.request.method == "M-SEARCH"'),
    "tcp": Dissection("tcp.flags == 0x12", ("tcp.stream",), "tcp.flags == 2"),
    "stun": Dissection("udp.srcport == 3478", ("stun.id", "stun.cookie")),
    "tftp": Dissection("tftp.opcode in {3, 5, 6}", (), "tftp.opcode in {1, 2}"),
    "wsdiscovery": Dissection("udp.srcport == 3702", of_payload=message_id, request="udp.dstport == 3702"),
}


# Frames that repeat a reply of a five-tuple without a module: their octets count, they are not listed.
NOT_LISTED = {"tftp": {11}}


def by_tshark(name: str) -> dict[int, set[int]]:
    """Reply → the earlier requests of its addressee that have the same in common; a client may repeat itself."""
    how = BY_CAPTURE[name]
    fields = (*PLAIN, *how.common)
    path = FOLDER / f"{name}.pcap"
    asked, told = (dissected(path, *fields, options=["-Y", wanted]) for wanted in (how.request, how.reply))
    replies = {int(row[0]) for row in told}
    requests = [row for row in asked if int(row[0]) not in replies]
    return {
        int(row[0]): {
            int(one[0])
            for one in requests
            if int(one[0]) < int(row[0]) and one[3] == row[4] and common(one, how) == common(row, how)
        }
        for row in told
    }


def common(row: list[str], how: Dissection) -> tuple[object, ...]:
    return (*row[len(PLAIN) :], how.of_payload(bytes.fromhex(row[5])))


def listed(name: str, *options: str) -> list[dict[str, Any]]:
    """The rows of `exchanges`."""
    result = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", *options, str(FOLDER / f"{name}.pcap")])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def by_rules(name: str) -> dict[int, int]:
    """Reply → request, as `exchanges` lists them; a reply in fragments is its last, as tshark has it."""
    fragments = dissected(FOLDER / f"{name}.pcap", "frame.number", options=["-Y", "ip.flags.mf == 1"])
    rows = [row for row in listed(name) if row["requests"]]
    replied = {
        reply: max(request for request in row["requests"] if request < reply)
        for row in rows
        for reply in row["replies"]
    }
    return {reply: request for reply, request in replied.items() if [str(reply)] not in fragments}


@pytest.mark.parametrize("name", BY_CAPTURE)
def test_replies_are_those_of_the_dissection(name: str) -> None:
    expected = by_tshark(name)
    found = by_rules(name)
    assert found.keys() == expected.keys() - NOT_LISTED.get(name, set())
    assert all(request in expected[reply] for reply, request in found.items())
    assert found or name == "ipp"


def test_a_server_of_tls_discloses_what_the_dissection_shows() -> None:
    """tshark lists the strings of all certificates in their order: the server's own issuer and subject come first."""
    names_of = ("x509ce.dNSName", "x509ce.IPAddress.ipv4", "x509ce.IPAddress.ipv6", "x509sat.uTF8String")
    options = ["-Y", "tls.handshake.type == 2", "-E", "aggregator=|"]
    rows = dissected(FOLDER / "tcp.pcap", "tcp.dstport", "tls.handshake.ciphersuite", *names_of, options=options)
    expected = []
    for port, cipher, *names, strings in rows:
        organisation, authority, own, name = (strings.replace(",", r"\,").split("|") * 4)[:4]
        facts = [("cipher-suite", cipher)]
        if strings:
            facts += [("issuer", f"CN={authority},O={organisation}"), ("subject", f"CN={name},O={own}")]
        facts += [("subject-alt-name", one) for found in names for one in found.split("|") if one]
        expected.append((int(port), facts))
    found = [
        (row["client_port"], [(one["kind"], one["value"]) for one in row["disclosures"][1:]])
        for row in listed("tcp", "--disclosures")
        if row["disclosures"][-1]["kind"] != "alert"
    ]
    assert found == expected
    assert [len(facts) for _, facts in found] == [7, 1, 7]


def test_every_capture_is_checked() -> None:
    assert {path.stem for path in FOLDER.glob("*.pcap")} == set(BY_CAPTURE) == set(SERVICES)


@pytest.mark.parametrize("name", BY_CAPTURE)
def test_a_capture_is_small(name: str) -> None:
    assert (FOLDER / f"{name}.pcap").stat().st_size < 20_000


def test_the_captures_show_all_that_is_served() -> None:
    """A capture each, the small servers all in `small.pcap`."""
    assert set(BY_CAPTURE) <= {module.__name__.rpartition(".")[2] for module in MODULES}


def test_the_readme_lists_every_capture_and_package() -> None:
    listed = (FOLDER / "README.md").read_text()
    packages = {name for service in SERVICES.values() for words in service.programs.values() for name in words.split()}
    assert [name for name in SERVICES if f"| `{name}.pcap` |" not in listed] == []
    assert f"Packages: {', '.join(sorted(packages))}." in listed
