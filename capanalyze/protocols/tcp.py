"""TCP connection attempts, RFC 9293 section 3.5: who answers a SYN acknowledges its sequence number plus one.

Behind the handshake only a few things matter here: the first data or close of either side, and a reset.

What a server says first on a connection discloses: its banner, or the answer to the client's first words. It is known
by its content, as services run on any port. SSH: RFC 4253 section 4.2. SMTP, FTP, POP3, IMAP: RFC 5321 section 4.2, RFC
959 section 4.2, RFC 1939 section 3, RFC 3501 section 7.1. HTTP: RFC 9110 section 10.2.4. RFB: RFC 6143 section 7.1.1.
TLS: RFC 8446 sections 4.1.3 and 6, RFC 5246 section 7.4.2. Telnet: RFC 854. MySQL:
Protocol::HandshakeV10. SMB: MS-SMB2 2.2.1.
"""

import re
import struct
from collections.abc import Callable, Iterator
from uuid import UUID

from capanalyze.packets.message import KIND
from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.protocols._x509 import names

CLOSE = 6 * KIND
KINDS = ("SYN", "SYN/ACK", "RST", "FIN")

Facts = Iterator[tuple[str, str]]

ALERT, HANDSHAKE = 21, 22
FATAL, SERVER_HELLO, CERTIFICATE, SUPPORTED_VERSIONS = 2, 2, 11, 43
NEGOTIATE = 0
TLS_VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
HEADERS = {"server": "server", "x-powered-by": "software", "www-authenticate": "authentication", "location": "location"}
TEXT = re.compile(rb"[\t -~\x80-\xff]{3,}")


def decode(octets: bytes) -> Facts:
    """The facts in the first octets that a server sent, as far as they are there."""
    for beginning, reader in READERS:
        if beginning.match(octets):
            yield from reader(octets)
            return
    yield from text(octets)


def text(octets: bytes) -> Facts:
    """The first line of anything that is text."""
    line = octets.lstrip(b"\r\n").split(b"\n")[0].rstrip(b"\r")
    if TEXT.fullmatch(line):
        yield "banner", line.decode("utf-8", "replace")


def ssh(octets: bytes) -> Facts:
    """Protocol version and software."""
    line, end, _ = octets.partition(b"\n")
    if not end:
        raise EOFError
    _, version, software = line.rstrip(b"\r").decode("utf-8", "replace").split("-", 2)
    yield "protocol", f"SSH {version}"
    yield "software", software


def http(octets: bytes) -> Facts:
    """The status, and the headers that name software or place; whole lines only."""
    head, end, _ = octets.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n") if end else octets.split(b"\r\n")[:-1] or [b""]
    if status:
        yield "status", status.decode("latin-1")
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        if (kind := HEADERS.get(name.strip().lower())) and value.strip():
            yield kind, value.strip()
    if not end:
        raise EOFError


def tls(octets: bytes) -> Facts:
    """The version and cipher suite that the server chose and the names in its certificate, or what it alerts to."""
    if octets[0] == ALERT:
        version, _, level, description = struct.unpack_from(">HHBB", octets, 1)
        yield "protocol", TLS_VERSIONS.get(version, "TLS")
        yield "alert", f"{'fatal' if level == FATAL else 'warning'}, {description}"
    elif octets[5] == SERVER_HELLO:
        version, cipher = chosen(octets)
        yield "protocol", TLS_VERSIONS.get(version, f"TLS version {version:#06x}")
        yield "cipher-suite", f"{cipher:#06x}"
        for kind, body in handshake(octets):
            if kind == CERTIFICATE:  # in clear up to TLS 1.2; the first of its list is the server's own
                yield from names(body[6 : 6 + int.from_bytes(body[3:6])])
                return


def chosen(octets: bytes) -> tuple[int, int]:
    """Version and cipher suite of a ServerHello."""
    (version,) = struct.unpack_from(">H", octets, 9)
    at = 44 + octets[43]
    cipher, _, size = struct.unpack_from(">HBH", octets, at)
    at += 5
    end = at + size
    while at < end:
        kind, size = struct.unpack_from(">HH", octets, at)
        if kind == SUPPORTED_VERSIONS:
            (version,) = struct.unpack_from(">H", octets, at + 4)
        at += 4 + size
    return version, cipher


def handshake(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """The handshake messages, RFC 5246 sections 6.2.1 and 7.4: type and body, the last of them perhaps cut."""
    messages, at = bytearray(), 0
    while at < len(octets) and octets[at] == HANDSHAKE:
        (size,) = struct.unpack_from(">H", octets, at + 3)
        messages += octets[at + 5 : at + 5 + size]
        at += 5 + size
    at = 0
    while at < len(messages):
        kind, size = messages[at], int.from_bytes(messages[at + 1 : at + 4])
        yield kind, bytes(messages[at + 4 : at + 4 + size])
        at += 4 + size


def mysql(octets: bytes) -> Facts:
    """The server's version."""
    version, end, _ = octets[5:].partition(b"\0")
    if not end:
        raise EOFError
    yield "software", f"MySQL protocol 10, {version.decode('latin-1')}"


def smb(octets: bytes) -> Facts:
    """The dialect, and the server's identifier, of a negotiate response."""
    (command,) = struct.unpack_from("<H", octets, 16)
    if command != NEGOTIATE:
        yield "protocol", "SMB2"
        return
    dialect, identifier = struct.unpack_from("<H2x16s", octets, 72)
    yield "protocol", f"SMB2 dialect {dialect:#06x}"
    yield "server-guid", str(UUID(bytes_le=identifier))


def rfb(octets: bytes) -> Facts:
    """The protocol version of a remote frame buffer."""
    yield "protocol", octets[:11].decode("ascii", "replace")


def named(name: str) -> Callable[[bytes], Facts]:
    """What tells nothing but the protocol's name."""
    return lambda _: iter([("protocol", name)])


READERS: tuple[tuple[re.Pattern[bytes], Callable[[bytes], Facts]], ...] = (
    (re.compile(rb"SSH-[^-\n]+-"), ssh),
    (re.compile(rb"HTTP/[0-9]"), http),
    (re.compile(rb"[\x15\x16]\x03[\0-\x04]", re.DOTALL), tls),
    (re.compile(rb"RFB [0-9]{3}\.[0-9]{3}\n"), rfb),
    (re.compile(rb"...\0\x0a[0-9]", re.DOTALL), mysql),
    (re.compile(rb"\0...\xfeSMB", re.DOTALL), smb),
    (re.compile(rb"\xff[\xfb-\xfe]", re.DOTALL), named("Telnet")),
)

# A SYN is sent again after 1, 3, 7, 15, 31 and 63 seconds (RFC 6298 section 5, with six retries).
PROTOCOL = Protocol(name="tcp", decode=decode, transport="tcp", ports=(), kinds=KINDS, resends=64 * SECOND)
