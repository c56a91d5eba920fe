"""DNS and LLMNR replies: octets to facts, each with tshark's summary above it."""

import time

import pytest

from capanalyze.protocols._names import labels

from . import Facts, assert_cut_tells_less, dns_message, dns_name, dns_record, told

A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA, HTTPS = 1, 2, 5, 6, 12, 13, 15, 16, 28, 65
CHAOS, ANY = 3, 255

APPLE = dns_name("time", "apple", "com")
VERSION = dns_name("version", "bind")

REPLIES: dict[str, tuple[bytes, Facts]] = {
    # Standard query response 0xb161 A time.apple.com A 203.0.113.123
    "address": (
        bytes.fromhex(
            "b161858000010001000000000474696d65056170706c6503636f6d0000010001c00c000100010000003c0004cb00717b"
        ),
        [("recursion", "offered"), ("answer", "time.apple.com A 203.0.113.123")],
    ),
    # Standard query response 0x1234 TXT version.bind TXT
    "version": (
        dns_message(
            0x8400,
            dns_record(VERSION, TXT, b"\x0c9.18.24-1+de", rrclass=CHAOS),
            questions=(VERSION + bytes.fromhex("00100003"),),
        ),
        [("software", "9.18.24-1+de")],
    ),
    # Standard query response 0x1234 TXT
    "identity": (
        dns_message(0x8400, dns_record(dns_name("ID", "Server"), TXT, b"\x05ns1-a", rrclass=CHAOS)),
        [("host-name", "ns1-a")],
    ),
    # Standard query response 0x1234 Refused A time.apple.com
    "refused": (
        dns_message(0x8105, questions=(APPLE + bytes.fromhex("00010001"),)),
        [("rcode", "REFUSED (refused by policy)")],
    ),
    # Standard query response 0x1234 No such name A time.apple.com
    "no such name": (
        dns_message(0x8183, questions=(APPLE + bytes.fromhex("00010001"),)),
        [("rcode", "NXDOMAIN (the name does not exist)"), ("recursion", "offered")],
    ),
    # Standard query response 0x1234 CNAME time-osx.g.aaplimg.com MX 10 mail.example.com NS ns.example.com
    # SOA a.root-servers.net HTTPS HINFO ARMv7 Linux PTR h.example
    "every type": (
        dns_message(
            0x8000,
            dns_record(APPLE, CNAME, dns_name("time-osx", "g", "aaplimg", "com")),
            dns_record(dns_name("example", "com"), MX, b"\0\x0a" + dns_name("mail", "example", "com")),
            dns_record(dns_name("example", "com"), NS, dns_name("ns", "example", "com")),
            dns_record(dns_name(), SOA, dns_name("a", "root-servers", "net") + dns_name("nstld") + bytes(20)),
            dns_record(dns_name("example", "com"), HTTPS, b"\0\1\0"),
            dns_record(dns_name("host"), HINFO, b"\5ARMv7\5Linux"),
            dns_record(dns_name("7", "2", "0", "192", "in-addr", "arpa"), PTR, dns_name("h", "example")),
        ),
        [
            ("answer", "time.apple.com CNAME time-osx.g.aaplimg.com"),
            ("answer", "example.com MX mail.example.com"),
            ("answer", "example.com NS ns.example.com"),
            ("answer", ". SOA a.root-servers.net"),
            ("answer", "host HINFO ARMv7 Linux"),
            ("answer", "7.2.0.192.in-addr.arpa PTR h.example"),
        ],
    ),
    # Dynamic update response 0x1234 AAAA
    "update": (dns_message(0xA800, dns_record(APPLE, AAAA, b"", rrclass=ANY)), []),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("dns", reply) == facts


@pytest.mark.parametrize("name", REPLIES)
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("dns", REPLIES[name][0])


def test_llmnr_is_read_likewise() -> None:
    # Standard query response 0x1234 A qf98e A 192.0.2.10
    name = dns_name("qf98e")
    reply = dns_message(0x8000, dns_record(name, A, b"\xc0\0\2\n"), questions=(name + b"\0\1\0\1",))
    assert told("llmnr", reply) == [("answer", "qf98e A 192.0.2.10")]


def test_names_are_unicode_with_dots_escaped() -> None:
    reply = dns_message(0x8000, dns_record(dns_name("a.b\\", "Jürgen", b"\xff\x1b"), A, bytes(4)))
    assert told("dns", reply) == [("answer", "a\\.b\\\\.Jürgen.\ufffd\\x1b A 0.0.0.0")]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\xc0\x00", "lead back"),
        (b"\xc0\x05" + bytes(4), "lead back"),
        (b"\x40" + bytes(100), "longer than"),
        (b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 3 + b"\0", "longer than"),
    ],
)
def test_name_that_breaks_the_rules(octets: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        labels(octets, 0)


def test_chain_of_pointers_ends() -> None:
    chain = b"\0" + b"".join((0xC000 + max(0, at - 2)).to_bytes(2) for at in range(1, 16000, 2))
    with pytest.raises(ValueError, match="too many"):
        labels(chain, len(chain) - 2)


def test_largest_datagram_of_hostile_names_is_read_in_time() -> None:
    # The data of the first record are names that each point to the one before; all others point to the last.
    at = 12 + len(dns_record(dns_name(), HTTPS, b""))
    deep = b"\1a\0\0" + b"".join(b"\1a" + (0xC000 + at + back).to_bytes(2) for back in range(0, 200, 4))
    last = (0xC000 + at + len(deep) - 4).to_bytes(2)
    records = [dns_record(last, PTR, last)] * ((65507 - at - len(deep)) // 14)
    reply = dns_message(0x8000, dns_record(dns_name(), HTTPS, deep), *records)
    start = time.process_time()
    name = ".".join("a" * 51)
    assert told("dns", reply) == [("answer", f"{name} PTR {name[:93]}…")]
    assert told("mdns", reply) == [("instance", name)]
    # Generous by a factor of ten; a reader that follows every name takes longer.
    assert time.process_time() - start < 1
