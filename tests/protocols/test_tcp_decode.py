"""What a server says first on a connection: octets to facts."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.disclosures import MAX_LENGTH
from tests.ber import OCTETS, SEQUENCE, SET, ber, integer, numbered

from . import Facts, assert_bounded, told

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


CN, O, COUNTRY, ALT_NAMES, KEY_USAGE = (
    bytes.fromhex(one) for one in ("550403", "55040a", "550406", "551d11", "551d0f")
)
UTF8, PRINTABLE, BMP, DNS_NAME, EMAIL, IP_ADDRESS = 0x0C, 0x13, 0x1E, 0x82, 0x81, 0x87
OID, UTC_TIME = 6, 0x17


def named(*attributes: tuple[bytes, int, bytes]) -> bytes:
    """Name, RFC 5280 section 4.1.2.4: each attribute a set of its own."""
    return ber(SEQUENCE, *(ber(SET, ber(SEQUENCE, ber(OID, kind), ber(tag, text))) for kind, tag, text in attributes))


def extension(kind: bytes, *contents: bytes) -> bytes:
    """An extension that is critical."""
    return ber(SEQUENCE, ber(OID, kind), ber(1, b"\xff"), ber(OCTETS, ber(SEQUENCE, *contents)))


def certificate(subject: bytes, *extensions: bytes, version: bytes = numbered(0, integer(2))) -> bytes:
    """Certificate, RFC 5280 section 4.1; key and signature are octets like any other."""
    issuer = named((COUNTRY, PRINTABLE, b"DE"), (O, UTF8, b"Lab"), (CN, UTF8, b"Lab authority"))
    algorithm, validity = ber(SEQUENCE, ber(OID, b"\x2a")), ber(SEQUENCE, *[ber(UTC_TIME, b"071029101306Z")] * 2)
    key = ber(SEQUENCE, algorithm, ber(3, bytes(90)))
    tail = numbered(3, ber(SEQUENCE, *extensions)) if extensions else b""
    signed = ber(SEQUENCE, version, integer(1 << 60), algorithm, issuer, validity, subject, key, tail)
    return ber(SEQUENCE, signed, algorithm, ber(3, bytes(70)))


def flight(*certificates: bytes) -> bytes:
    """ServerHello and Certificate in records of their own, RFC 5246 section 7.3; what follows is not looked at."""
    listed = b"".join(len(one).to_bytes(3) + one for one in certificates)
    message = bytes([11]) + (len(listed) + 3).to_bytes(3) + len(listed).to_bytes(3) + listed
    half = len(message) // 2  # a message may be in several records (section 6.2.1)
    parts = [struct.pack(">BHH", 22, 0x0303, len(part)) + part for part in (message[:half], message[half:])]
    return b"".join([record(22, OLD_HELLO), *parts, record(22, bytes(80))])


OLD = [("protocol", "TLS 1.0"), ("cipher-suite", "0xc014")]
ISSUER = ("issuer", "CN=Lab authority,O=Lab")
ALTERNATIVES = extension(
    ALT_NAMES,
    ber(DNS_NAME, b"qf98e.lab.example"),
    ber(EMAIL, b"root@lab.example"),
    ber(IP_ADDRESS, bytes([192, 0, 2, 10])),
    ber(IP_ADDRESS, bytes.fromhex("20010db8000000000000000000000010")),
)
CERTIFIED = flight(certificate(named((O, UTF8, b"Lab"), (CN, UTF8, b"qf98e")), extension(KEY_USAGE), ALTERNATIVES))
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
    CERTIFIED: [
        *OLD,
        ISSUER,
        ("subject", "CN=qf98e,O=Lab"),
        ("subject-alt-name", "qf98e.lab.example"),
        ("subject-alt-name", "192.0.2.10"),
        ("subject-alt-name", "2001:db8::10"),
    ],
    record(21, b"\2\x28"): [("protocol", "TLS 1.2"), ("alert", "fatal, 40")],
    MYSQL: [("software", "MySQL protocol 10, 8.0.36-0ubuntu0.22.04.1")],
    RFB: [("protocol", "RFB 003.889")],
    SMB: [("protocol", "SMB2 dialect 0x0311"), ("server-guid", bytes(range(16)).hex())],
}


@pytest.mark.parametrize(("octets", "facts"), WHOLE.items(), ids=lambda one: str(one)[:24])
def test_the_first_words_tell(octets: bytes, facts: Facts) -> None:
    assert told("tcp/4711", octets) == facts


@pytest.mark.parametrize(
    ("octets", "facts"),
    [
        (flight(certificate(named((CN, UTF8, b"first"))), certificate(named((CN, UTF8, b"second")))), ["CN=first"]),
        (flight(certificate(named((CN, BMP, "büro".encode("utf-16-be"))))), ["CN=büro"]),
        (flight(certificate(named((CN, PRINTABLE, b"x, O=Apple")))), [r"CN=x\, O=Apple"]),
        (flight(certificate(named((CN, UTF8, b"old")), version=b"")), ["CN=old"]),
        (flight(certificate(named((COUNTRY, PRINTABLE, b"DE")))), []),
    ],
)
def test_a_certificate_names_its_subject(octets: bytes, facts: list[str]) -> None:
    found = told("tcp/443", octets)
    assert found[:3] == [*OLD, ISSUER]
    assert [value for kind, value in found if kind == "subject"] == facts


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (b"", "ends early"),
        (ber(SEQUENCE, ber(SEQUENCE, integer(1), ber(SEQUENCE), ber(SEQUENCE, ber(SET, ber(SEQUENCE))))), "not enough"),
        (b"\x30\x82\xff\xff\x30\x10", "ends early"),
        (ber(SEQUENCE, ber(SEQUENCE, b"\x02\x7f")), "a value longer than the one that holds it"),
    ],
)
def test_a_certificate_that_is_none_says_why(certificate: bytes, reason: str) -> None:
    *facts, (kind, value) = told("tcp/443", flight(certificate))
    assert (facts, kind) == (OLD, "malformed")
    assert reason in value


@given(st.data())
def test_any_octets_in_a_certificate_tell_little(data: st.DataObject) -> None:
    octets = bytearray(CERTIFIED)
    for at in data.draw(st.lists(st.integers(60, len(CERTIFIED) - 1), min_size=1, max_size=8)):
        octets[at] = data.draw(st.integers(0, 255))
    assert_bounded(told("tcp/443", bytes(octets)))


@given(st.binary(max_size=400))
def test_any_octets_for_a_certificate_tell_little(octets: bytes) -> None:
    assert_bounded(told("tcp/443", flight(octets)))


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
