"""NetBIOS datagrams: octets to facts."""

import struct

import pytest

from tests.protocols.test_nbdgm import (
    GETDC,
    HOST,
    NEGATIVE,
    SAMPLES,
    announcement,
    backup,
    browser,
    carried,
    controller,
    header,
    name,
    wide,
)

from . import Facts, assert_cut_tells_less, told

# [MS-ADTS] section 6.3.1.9: names are compressed as in DNS.
EXTENDED = (
    struct.pack("<HHI", 23, 0, 0x13FD)
    + bytes(range(16))
    + b"\x07example\x03com\0\xc0\x18\x03dc1\xc0\x18\x07EXAMPLE\0\x03DC1\0\0\x04Here\0\0"
)

TELLING: dict[str, tuple[bytes, Facts]] = {
    "host": (
        HOST,
        [
            ("host-name", "QF98E"),
            ("workgroup", "WORKGROUP"),
            ("os-version", "6.1"),
            ("role", "print server, master browser"),
            ("comment", "Mac OS X"),
        ],
    ),
    "host without a comment": (
        carried(browser(announcement(15, comment=""))),
        [
            ("host-name", "QF98E"),
            ("workgroup", "WORKGROUP"),
            ("os-version", "6.1"),
            ("role", "print server, master browser"),
        ],
    ),
    "workgroup": (
        carried(browser(announcement(12, "WORKGROUP", "QF98E"))),
        [("host-name", "QF98E"), ("workgroup", "WORKGROUP"), ("master-browser", "QF98E")],
    ),
    "backup browsers": (carried(browser(backup(10, 7))), [("host-name", "QF98E"), ("backup-browser", "QF98E")]),
    "domain controller": (
        controller(),
        [("host-name", "QF98E"), ("netbios-name", "DC1"), ("netbios-domain", "EXAMPLE")],
    ),
    "domain controller's names in DNS": (
        carried(browser(EXTENDED, GETDC)),
        [
            ("host-name", "QF98E"),
            ("domain-guid", "03020100-0504-0706-0809-0a0b0c0d0e0f"),
            ("forest", "example.com"),
            ("domain", "example.com"),
            ("host-name", "dc1.example.com"),
            ("netbios-domain", "EXAMPLE"),
            ("netbios-name", "DC1"),
            ("site", "Here"),
        ],
    ),
    "primary domain controller": (
        carried(browser(b"\x0c\0DC10\0\0" + wide("DC10") + wide("EXAMPLE"), GETDC)),
        [("host-name", "QF98E"), ("netbios-name", "DC10"), ("netbios-domain", "EXAMPLE")],
    ),
    "request for a domain controller": (SAMPLES["NETLOGON request"], [("host-name", "QF98E")]),
    "another mailslot": (carried(browser(b"\x13\0", b"\\MAILSLOT\\LANMAN")), [("host-name", "QF98E")]),
    "other data": (carried(b"x"), [("host-name", "QF98E")]),
    "error": (SAMPLES["datagram error"], [("error", "destination name not present")]),
    "unknown error": (SAMPLES["datagram error"][:-1] + b"\x99", [("error", "error 153")]),
    "answer": (header(NEGATIVE, 1) + name("X", 0), [("text", "the name is not known")]),
}


@pytest.mark.parametrize("name", TELLING)
def test_datagram_tells(name: str) -> None:
    octets, facts = TELLING[name]
    assert told("nbdgm", octets) == facts


@pytest.mark.parametrize("at", [15, 46, 49, 80], ids=["source", "its end", "destination", "its end too"])
def test_a_name_in_no_encoding(at: int) -> None:
    damaged = HOST[:at] + b"\xd6" + HOST[at + 1 :]
    facts = [("host-name", "QF98E")] if at > 48 else []
    assert told("nbdgm", damaged) == [*facts, ("malformed", "a name that is not an encoded NetBIOS name")]


@pytest.mark.parametrize("name", ["host", "workgroup", "backup browsers"])
def test_cut_datagram_tells_less(name: str) -> None:
    octets = TELLING[name][0]
    for length in range(1, len(octets)):
        facts = told("nbdgm", octets[:length])
        assert {fact for fact in facts if fact[0] != "malformed"} <= set(TELLING[name][1]), length


def test_cut_host_announcement_says_so() -> None:
    assert_cut_tells_less("nbdgm", carried(b""))
    assert told("nbdgm", HOST[:-1])[-1] == ("malformed", f"ends early, after {len(HOST) - 1} octets")
