"""NetBIOS name service replies: octets to facts, each with tshark's summary above it."""

import struct

import pytest

from . import Facts, assert_cut_tells_less, dns_message, dns_name, dns_record, told

A, NS, NULL, NB, NBSTAT = 0x01, 0x02, 0x0A, 0x20, 0x21


def encoded(name: str, suffix: int) -> bytes:
    """A NetBIOS name as RFC 1001 section 14.1 writes it."""
    octets = name.encode().ljust(15) + bytes([suffix])
    return dns_name(bytes(ord("A") + half for octet in octets for half in divmod(octet, 16)))


ANY_NAME = dns_name(b"CK" + b"A" * 30)


def node_status(mac: str, *names: tuple[bytes, int, int]) -> bytes:
    """The reply to a node status request, RFC 1002 section 4.2.18."""
    table = b"".join(name.ljust(15) + struct.pack("!BH", suffix, flags) for name, suffix, flags in names)
    rdata = bytes([len(names)]) + table + bytes.fromhex(mac.replace(":", "")) + bytes(40)
    return dns_message(0x8400, dns_record(ANY_NAME, NBSTAT, rdata, ttl=0))


REPLIES: dict[str, tuple[bytes, Facts]] = {
    # Name query response NBSTAT (the article's host)
    "article": (
        bytes.fromhex(
            "12348400000000010000000020434b41414141414141414141414141414141414141414141414141414141414100002100"
            "010000000000650301025f5f4d5342524f5753455f5f0201e40051463938452020202020202020202000040051463938"
            "45202020202020202020202004"
            "00" + "00" * 46
        ),
        [
            ("name", "..__MSBROWSE__.<01> group: master browser"),
            ("name", "QF98E<00> unique: workstation"),
            ("name", "QF98E<20> unique: file server"),
        ],
    ),
    # Name query response NBSTAT (Samba 4)
    "samba": (
        bytes.fromhex(
            "80f08400000000010000000020434b414141414141414141414141414141414141414141414141414141414141000021"
            "00010000000000ad0751463938452020202020202020202000040051463938452020202020202020202003040051463938"
            "452020202020202020202020040001025f5f4d5342524f5753455f5f02018400574f524b47524f5550202020202020008400"
            "574f524b47524f55502020202020201d0400574f524b47524f55502020202020201e8400" + "00" * 46
        ),
        [
            ("name", "QF98E<00> unique: workstation"),
            ("name", "QF98E<03> unique: messenger"),
            ("name", "QF98E<20> unique: file server"),
            ("name", "..__MSBROWSE__.<01> group: master browser"),
            ("name", "WORKGROUP<00> group: workgroup"),
            ("name", "WORKGROUP<1d> unique: master browser"),
            ("name", "WORKGROUP<1e> group: browser elections"),
        ],
    ),
    # Name query response NBSTAT
    "with a MAC address": (
        node_status("00:17:f2:df:cd:b3", (b"QF98E", 0x00, 0x6400), (b"WORKGROUP", 0x00, 0xE400)),
        [
            ("name", "QF98E<00> unique: workstation"),
            ("name", "WORKGROUP<00> group: workgroup"),
            ("mac-address", "00:17:f2:df:cd:b3"),
        ],
    ),
    # Name query response NBSTAT
    "rarer names": (
        node_status(
            "00:00:00:00:00:00",
            (b"DOM", 0x1C, 0x8400),
            (b"DOM", 0x1B, 0x0400),
            (b"M\xdcLLER\x1b[2J", 0x03, 0x0C00),
            (b"OLD", 0x20, 0x1400),
            (b"FOO", 0x01, 0x8400),
            (b"BAR", 0x77, 0x0400),
        ),
        [
            ("name", "DOM<1c> group: domain controller"),
            ("name", "DOM<1b> unique: domain master browser"),
            ("name", "M.LLER.[2J<03> unique: messenger, in conflict"),
            ("name", "OLD<20> unique: file server, being released"),
            ("name", "FOO<01> group"),
            ("name", "BAR<77> unique"),
        ],
    ),
    # Name query response NB 198.51.100.10
    "positive": (
        bytes.fromhex(
            "112385800000000100000000204642454744"
            "4a444945464341434143414341434143414341434143414341414100"
            "002000010003f48000060000c633640a"
        ),
        [("name", "QF98E<00> unique: workstation"), ("address", "198.51.100.10")],
    ),
    # Name query response NB 192.0.2.10 (and 198.51.100.7)
    "group": (
        dns_message(0x8580, dns_record(encoded("WORKGROUP", 0), NB, bytes.fromhex("e000c000020ae000c6336407"))),
        [
            ("name", "WORKGROUP<00> group: workgroup"),
            ("address", "192.0.2.10"),
            ("address", "198.51.100.7"),
        ],
    ),
    # Registration response, Name is owned by another node NB 192.0.2.9
    "registration refused": (
        dns_message(0xAD86, dns_record(encoded("QF98E", 0x20), NB, bytes.fromhex("0000c0000209"))),
        [
            ("rcode", "ACT_ERR (another node owns the name)"),
            ("name", "QF98E<20> unique: file server"),
            ("address", "192.0.2.9"),
        ],
    ),
    # Name query response, Requested name does not exist Unknown
    "negative": (
        dns_message(0x8583, dns_record(encoded("NOBODY", 0), NULL, b"")),
        [("rcode", "NAM_ERR (the name does not exist)")],
    ),
    # Name query response NS (with the server's address)
    "redirect": (
        dns_message(
            0x8000,
            dns_record(encoded("QF98E", 0), NS, encoded("WINS", 0)),
            dns_record(encoded("WINS", 0), A, bytes([192, 0, 2, 53])),
        ),
        [("address", "192.0.2.53")],
    ),
    # Wait for acknowledgment response
    "wait": (
        dns_message(0xBC00, dns_record(encoded("QF98E", 0), NB, b"\x29\x10", ttl=60)),
        [("wait", "60 s")],
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("nbns", reply) == facts


@pytest.mark.parametrize("name", REPLIES)
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("nbns", REPLIES[name][0])


def test_snap_length_of_96_octets_leaves_no_name() -> None:
    # Captures of the article's time: Ethernet, IP and UDP take 42 octets of the 96, the record's head 56.
    assert told("nbns", REPLIES["article"][0][: 96 - 42]) == [("malformed", "ends early, after 54 octets")]


def test_names_before_the_cut_are_told() -> None:
    facts = told("nbns", REPLIES["article"][0][: 57 + 18 + 17])
    assert facts == [
        ("name", "..__MSBROWSE__.<01> group: master browser"),
        ("malformed", "ends early, after 92 octets"),
    ]


@pytest.mark.parametrize("label", [b"CKAAAA", b"ZZ" * 16, b"\xff" * 32])
def test_name_in_no_encoding(label: bytes) -> None:
    reply = dns_message(0x8580, dns_record(dns_name(label), NB, bytes(6)))
    assert told("nbns", reply) == [("malformed", "a name that is not an encoded NetBIOS name")]
