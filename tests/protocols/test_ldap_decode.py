"""LDAP responses: octets to facts, each with tshark's summary above it."""

import struct

import pytest

from tests.ber import ENUMERATED, OCTETS, SEQUENCE, SET, ber, integer

from . import Facts, assert_cut_tells_less, dns_name, told

ENTRY, DONE = 0x64, 0x65


def entry(**attributes: str | bytes | list[str]) -> bytes:
    """searchResEntry, RFC 4511 section 4.5.2."""
    found = []
    for name, value in attributes.items():
        values = [
            one.encode() if isinstance(one, str) else one for one in (value if isinstance(value, list) else [value])
        ]
        found.append(ber(SEQUENCE, ber(OCTETS, name.encode()), ber(SET, *(ber(OCTETS, one) for one in values))))
    return ber(SEQUENCE, integer(1), ber(ENTRY, ber(OCTETS), ber(SEQUENCE, *found)))


def done(code: int = 0, said: str = "") -> bytes:
    """searchResDone, RFC 4511 section 4.1.9."""
    return ber(SEQUENCE, integer(1), ber(DONE, integer(code, ENUMERATED), ber(OCTETS), ber(OCTETS, said.encode())))


def logon() -> bytes:
    """NETLOGON_SAM_LOGON_RESPONSE_EX, MS-ADTS 6.3.1.9; names after the first point back."""
    head = struct.pack("<HHI", 23, 0, 0x1FD) + bytes(range(16))
    forest = dns_name("lab", "example")
    back = bytes([0xC0, len(head)])
    names = forest + back + b"\x05qf98e" + back + dns_name("LAB") + dns_name("QF98E") + dns_name("")
    site = dns_name("Default")
    return head + names + site + bytes([0xC0, len(head) + len(names)]) + struct.pack("<IHH", 5, 0xFFFF, 0xFFFF)


REPLIES: dict[str, tuple[bytes, Facts]] = {
    # searchResEntry(1) "<ROOT>"  | searchResDone(1) success
    "rootDSE": (
        entry(
            defaultNamingContext="DC=lab,DC=example",
            dnsHostName="qf98e.lab.example",
            vendorName="Samba Team",
            currentTime="20071029101306.0Z",
            supportedLDAPVersion=["2", "3"],
        )
        + done(),
        [
            ("naming-context", "DC=lab,DC=example"),
            ("host-name", "qf98e.lab.example"),
            ("software", "Samba Team"),
            ("clock", "2007-10-29T10:13:06Z"),
            ("attribute", "supportedLDAPVersion=2"),
            ("attribute", "supportedLDAPVersion=3"),
        ],
    ),
    # searchResEntry(1) "<ROOT>"  | searchResDone(1) success
    "logon": (
        entry(Netlogon=logon()) + done(),
        [
            ("domain-guid", "03020100-0504-0706-0809-0a0b0c0d0e0f"),
            ("forest", "lab.example"),
            ("domain", "lab.example"),
            ("host-name", "qf98e.lab.example"),
            ("netbios-domain", "LAB"),
            ("netbios-name", "QF98E"),
            ("site", "Default"),
        ],
    ),
    # searchResEntry(1) "<ROOT>"
    "logon of an older form": (
        entry(netlogon=struct.pack("<H", 19) + "\\\\QF98E\0\0LAB\0".encode("utf-16-le")),
        [("netbios-name", "QF98E"), ("netbios-domain", "LAB")],
    ),
    # searchResEntry(1) "<ROOT>"
    "logon of no known form": (entry(netlogon=b"\x63\0"), []),
    # searchResDone(1) unwillingToPerform (no such thing)
    "refusal": (done(53, "no such thing"), [("error", "unwillingToPerform"), ("text", "no such thing")]),
    # searchResDone(1) Unknown (99)
    "unknown": (done(99), [("error", "result code 99")]),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_tells(kind: str) -> None:
    reply, facts = REPLIES[kind]
    assert told("ldap", reply) == facts


@pytest.mark.parametrize("kind", ["rootDSE", "logon", "refusal"])
def test_cut_reply_tells_less(kind: str) -> None:
    assert_cut_tells_less("ldap", REPLIES[kind][0])
