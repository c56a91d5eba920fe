"""What a reply repeats of its request is no disclosure; a name that it owns up to is confirmed."""

import pytest

from capanalyze.echoes import told_beyond
from capanalyze.model import Disclosure
from tests.build import dns_message, ntp, question, record
from tests.protocols.test_kerberos_decode import REPLIES as KERBEROS

QUERY = dns_message(0, 0, [question("a.local")])
RESPONSE = dns_message(0, 0x8400, [], [record("a.local", data=bytes([192, 0, 2, 9]))])


def told(service: str, reply: bytes, request: bytes | None) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in told_beyond(service, reply, request)]


def test_a_name_that_was_asked_for_is_confirmed() -> None:
    assert told("mdns", RESPONSE, QUERY) == [("confirmed", "host-name a.local"), ("address", "192.0.2.9")]
    other = dns_message(0, 0, [question("b.local")])
    for request in (other, None):
        assert told("mdns", RESPONSE, request) == [("host-name", "a.local"), ("address", "192.0.2.9")]


def test_the_version_of_a_time_request_tells_nothing() -> None:
    kinds = [kind for kind, _ in told("ntp", ntp(4, origin=1, transmit=9, stratum=2), ntp(transmit=1))]
    assert "stratum" in kinds
    assert "version" not in kinds


def test_a_realm_and_a_principal_of_the_request_are_told_by_what_is_said_of_them() -> None:
    reply, _ = KERBEROS["locked"]
    found = told("kerberos", reply, b"alice\0LKDC.LAB\0krbtgt\0")
    assert ("principal", "alice (exists, is locked)") in found
    assert {"realm", "server-name"}.isdisjoint(kind for kind, _ in found)
    assert ("realm", "LKDC.LAB") in told("kerberos", reply, b"bob")


def test_a_community_is_confirmed_and_a_file_transfer_option_too() -> None:
    assert told("tftp", b"\0\6blksize\x001428\0", b"\0\1f\0octet\0blksize\x001428\0") == [
        ("confirmed", "option blksize=1428")
    ]
    assert told("tftp", b"\0\6tsize\x0042\0", b"\0\1f\0octet\0tsize\x000\0") == [("option", "tsize=42")]


@pytest.mark.parametrize("name", ["QF98E", "qf98e"])
def test_a_netbios_name_is_found_in_half_octets(name: str) -> None:
    from capanalyze.echoes import encoded, holds

    asked = b"\x20" + encoded(name, 0x20) + b"\0"
    assert holds(asked, "QF98E<20> unique: file server")
    assert not holds(asked, "QF98E<00> unique: workstation")


def test_where_a_reply_ends_early_nothing_is_disclosed_by_that() -> None:
    assert Disclosure(kind="malformed", value="ends early, after 12 octets") not in told_beyond(
        "tftp", b"\0\5\0\1File not", None
    )
    assert told("tftp", b"\0\5\0\1File not", None) == []
