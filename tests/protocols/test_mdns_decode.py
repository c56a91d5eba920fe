"""mDNS replies: octets to facts, each with tshark's summary above it."""

import pytest

from capanalyze.disclosures import MAX_OF_KIND

from . import Facts, assert_cut_tells_less, dns_message, dns_name, dns_record, told

A, PTR, HINFO, TXT, AAAA, SRV, NSEC = 1, 12, 13, 16, 28, 33, 47
FLUSH = 0x8001

MAC = dns_name("Jürgen\u2019s Mac. 1. OG", "_ssh", "_tcp", "local")
HOST = dns_name("Jurgens-MacBook", "local")

REPLIES: dict[str, tuple[bytes, Facts]] = {
    # Standard query response 0x0007 PTR _services._dns-sd._udp.local, "QM" question PTR _ssh._tcp.local
    "service types": (
        bytes.fromhex(
            "000785000001000100000000095f7365727669636573075f646e732d7364045f756470056c6f63616c00000c0001095f73"
            "65727669636573075f646e732d7364045f756470056c6f63616c00000c00010000000a0011045f737368045f74637005"
            "6c6f63616c00"
        ),
        [("service", "_ssh._tcp.local")],
    ),
    # Standard query response 0x0000 PTR q._ssh._tcp.local
    "instance": (
        bytes.fromhex(
            "000085000000000100000000045f737368045f746370056c6f63616c00000c00010000119400130171045f737368045f74"
            "6370056c6f63616c00"
        ),
        [("instance", "q._ssh._tcp.local")],
    ),
    # Standard query response 0x0000 PTR qf98e._ssh._tcp.local TXT, cache flush SRV, cache flush 0 0 22
    # qf98e.local AAAA, cache flush 2001:db8:99::10 A, cache flush 203.0.113.10 (Avahi)
    "avahi": (
        bytes.fromhex(
            "000084000000000500000000045f737368045f746370056c6f63616c00000c0001000011940008057166393865c00cc0"
            "270010800100001194000100c0270021800100000078000e000000000016057166393865c016c04e001c800100000078"
            "001020010db8009900000000000000000010c04e00018001000000780004cb00710a"
        ),
        [
            ("instance", "qf98e._ssh._tcp.local"),
            ("endpoint", "qf98e.local:22"),
            ("host-name", "qf98e.local"),
            ("address", "2001:db8:99::10"),
            ("address", "203.0.113.10"),
        ],
    ),
    # Standard query response 0x1234 PTR Jürgen's Mac. 1. OG._ssh._tcp.local NSEC, cache flush …
    # SRV, cache flush 0 0 22 Jurgens-MacBook.local TXT, cache flush AAAA, cache flush
    # fe80::21f:f2ff:fedf:cdb3 A, cache flush 192.0.2.10 PTR Jurgens-MacBook.local HINFO INTEL MACOSX10
    "bonjour": (
        dns_message(
            0x8400,
            dns_record(dns_name("_ssh", "_tcp", "local"), PTR, MAC),
            dns_record(MAC, NSEC, MAC + bytes.fromhex("00050000800040"), rrclass=FLUSH),
            dns_record(MAC, SRV, bytes.fromhex("000000000016") + HOST, rrclass=FLUSH),
            dns_record(MAC, TXT, b"\x0fmodel=MacBook2,\0\4note\6a=\xff\xfe\x1b[", rrclass=FLUSH),
            dns_record(HOST, AAAA, bytes.fromhex("fe80000000000000021ff2fffedfcdb3"), rrclass=FLUSH),
            dns_record(HOST, A, bytes([192, 0, 2, 10]), rrclass=FLUSH),
            dns_record(dns_name("10", "2", "0", "192", "in-addr", "arpa"), PTR, HOST),
            dns_record(HOST, HINFO, b"\5INTEL\x08MACOSX10"),
        ),
        [
            ("instance", "Jürgen\u2019s Mac\\. 1\\. OG._ssh._tcp.local"),
            ("endpoint", "Jurgens-MacBook.local:22"),
            ("attribute", "model=MacBook2,"),
            ("attribute", "note"),
            ("attribute", "a=\ufffd\ufffd\\x1b["),
            ("host-name", "Jurgens-MacBook.local"),
            ("address", "fe80::21f:f2ff:fedf:cdb3"),
            ("address", "192.0.2.10"),
            ("host-info", "INTEL MACOSX10"),
        ],
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("mdns", reply) == facts


@pytest.mark.parametrize("name", REPLIES)
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("mdns", REPLIES[name][0])


def test_attributes_leave_room_for_the_host() -> None:
    attributes = b"".join(b"\4k=%02d" % at for at in range(60))
    reply = dns_message(0x8400, dns_record(MAC, TXT, attributes), dns_record(HOST, A, bytes([192, 0, 2, 10])))
    facts = told("mdns", reply)
    assert [kind for kind, _ in facts].count("attribute") == MAX_OF_KIND
    assert facts[-1] == ("address", "192.0.2.10")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (dns_record(HOST, A, b"\xc0\0\2"), "not permitted as an IPv4 address"),
        (dns_record(MAC, TXT, b"\xffa"), "ends early"),
        (dns_record(MAC, SRV, b"\0\0"), "ends early"),
    ],
)
def test_record_that_is_too_short(record: bytes, reason: str) -> None:
    facts = told("mdns", dns_message(0x8400, dns_record(HOST, A, b"\xc0\0\2\n"), record))
    assert ("address", "192.0.2.10") in facts
    assert facts[-1][0] == "malformed"
    assert reason in facts[-1][1]
