"""What a server says first on a connection: octets to facts."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.disclosures import MAX_LENGTH
from tests.disclose import Facts, assert_bounded, told

SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
HTTP = (
    b"HTTP/1.1 401 Unauthorized\r\nDate: Wed, 25 Nov 2026 19:00:00 GMT\r\nServer: CUPS/2.4 IPP/2.1\r\n"
    b'WWW-Authenticate: Basic realm="CUPS"\r\n\r\n<html>'
)
EXTENSIONS = struct.pack(">HHH", 43, 2, 0x0304) + struct.pack(">HHHH32x", 51, 36, 29, 32)
HELLO = b"\3\3" + bytes(32) + bytes([32]) + bytes(32) + struct.pack(">HBH", 0x1302, 0, len(EXTENSIONS)) + EXTENSIONS
OLD_HELLO = b"\3\1" + bytes(32) + b"\0" + struct.pack(">HBH", 0xC014, 0, 0)


def record(kind: int, body: bytes) -> bytes:
    """A TLS record with one handshake message, or an alert."""
    message = bytes([2]) + len(body).to_bytes(3) + body if kind == 22 else body
    return struct.pack(">BHH", kind, 0x0303, len(message)) + message


MYSQL = struct.pack("<I", 74)[:3] + b"\0\x0a8.0.36-0ubuntu0.22.04.1\0" + bytes(20)
RFB = b"RFB 003.889\n"
SMB = (
    struct.pack(">I", 128) + b"\xfeSMB" + struct.pack("<HHIH", 64, 0, 0, 0) + bytes(50)
    + struct.pack("<HHHH", 65, 1, 0x0311, 0) + bytes(range(16)) + bytes(44)
)  # fmt: skip

WHOLE: dict[bytes, Facts] = {
    SSH: [("protocol", "SSH 2.0"), ("software", "OpenSSH_9.2p1 Debian-2+deb12u3")],
    HTTP: [
        ("status", "HTTP/1.1 401 Unauthorized"),
        ("server", "CUPS/2.4 IPP/2.1"),
        ("authentication", 'Basic realm="CUPS"'),
    ],
    record(22, HELLO): [("protocol", "TLS 1.3"), ("cipher-suite", "0x1302")],
    record(22, OLD_HELLO): [("protocol", "TLS 1.0"), ("cipher-suite", "0xc014")],
    record(21, b"\2\x28"): [("protocol", "TLS 1.2"), ("alert", "fatal, 40")],
    MYSQL: [("software", "MySQL protocol 10, 8.0.36-0ubuntu0.22.04.1")],
    RFB: [("protocol", "RFB 003.889")],
    SMB: [("protocol", "SMB2 dialect 0x0311"), ("server-guid", "03020100-0504-0706-0809-0a0b0c0d0e0f")],
}


@pytest.mark.parametrize(("octets", "facts"), WHOLE.items(), ids=lambda one: str(one)[:24])
def test_the_first_words_tell(octets: bytes, facts: Facts) -> None:
    assert told("tcp/4711", octets) == facts


@pytest.mark.parametrize(
    ("octets", "facts"),
    [
        (b"220 mail.example.net ESMTP Postfix\r\n", [("banner", "220 mail.example.net ESMTP Postfix")]),
        (b"+OK Dovecot ready.\r\n", [("banner", "+OK Dovecot ready.")]),
        (b"\r\nlogin: ", [("banner", "login: ")]),
        (b"@RSYNCD: 31.0 sha512\n", [("banner", "@RSYNCD: 31.0 sha512")]),
        (b"\xff\xfd\x18\xff\xfd\x20", [("protocol", "Telnet")]),
        (b"\0\1\2\3", []),
        (b"ok", []),
    ],
)
def test_so_does_any_line_of_text(octets: bytes, facts: Facts) -> None:
    assert told("tcp/1", octets) == facts


@pytest.mark.parametrize("octets", [one for one in WHOLE if one != RFB], ids=lambda one: str(one)[:24])
def test_what_is_cut_tells_less(octets: bytes) -> None:
    for length in range(20, len(octets)):
        facts = told("tcp/1", octets[:length])
        assert set(facts) - {("malformed", f"ends early, after {length} octets")} <= set(WHOLE[octets]), length


@given(st.binary(max_size=120), st.sampled_from([b"", *(one[:9] for one in WHOLE)]))
def test_any_octets_tell_little(octets: bytes, beginning: bytes) -> None:
    assert_bounded(told("tcp/1", beginning + octets))


def test_a_long_line_is_cut() -> None:
    (fact,) = told("tcp/1", b"220 " + b"x" * 5000 + b"\r\n")
    assert len(fact[1]) == MAX_LENGTH
