"""Network Time Protocol, RFC 5905 (modes 6 and 7: RFC 9327 and ntpd's ntp_request.h).

A reply's origin timestamp is the request's transmit timestamp (section 8), or its receive timestamp in
interleaved mode (RFC 9769). Silence to a symmetric active peer proves nothing: a daemon that has no association with it
may ignore it (sections 3 and 9.2). In version 5 (draft-ietf-ntp-ntpv5) a cookie stands where version 4 has the origin
timestamp, in request and reply. Control messages pair by opcode and sequence, mode 7 by implementation and
request code; both may draw several replies.

What asks for the time is one service, what asks about the daemon is another, for each of the two modes.

A reply discloses where the time comes from, a control or private message variables and clients. dpkt reads the header
of the time modes; of modes 6 and 7 it knows nothing, so a few fields are read here.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from capanalyze.packets.message import KIND
from capanalyze.protocols._protocol import Protocol

HEADER_LEN = 48  # RFC 5905 figure 8
CONTROL, PRIVATE = 6, 7  # modes, RFC 5905 figure 10

KISS = 5 * KIND
CONTROL_REQUEST = 8 * KIND
CONTROL_REPLY = 9 * KIND
PRIVATE_REQUEST = 10 * KIND
PRIVATE_REPLY = 11 * KIND
UNSYNCHRONISED = 13 * KIND
KINDS = (
    "client request",
    "server reply",
    "kiss-o'-death",
    "symmetric request",
    "symmetric reply",
    "control request",
    "control reply",
    "private request (mode 7)",
    "private reply (mode 7)",
    "broadcast",
    "server reply, unsynchronised",
    "client request (version 5)",
    "server reply (version 5)",
)

# RFC 5905 figure 8: the timestamps begin at octet 16, eight octets each.
TIMESTAMPS = 16
TIME_MODES = (1, 2, 4, 5)

# draft-ietf-ntp-ntpv5: delays have four bits of seconds, 28 of fractions; no reference ID and no reference time.
VERSION_5 = 5
HEADER_5 = struct.Struct("!BBbbIIBBH24xQ")
TIME32 = 1 << 28
UTC_TIMESCALE = 0
ERAS = 2  # of 2^32 seconds, up to 2172

UNKNOWN_LEAP = 3
LEAP_SECONDS = {1: "the day's last minute has 61 seconds", 2: "the day's last minute has 59 seconds"}
NO_STRATUM = 16

# RFC 5905 figure 13, RFC 8915 section 5.7.
KISS_MEANINGS = {
    "ACST": "a unicast server",
    "AUTH": "authentication failed",
    "AUTO": "Autokey failed",
    "BCST": "a broadcast server",
    "CRYP": "cryptographic authentication failed",
    "DENY": "access denied by the server",
    "DROP": "peer lost",
    "RSTR": "access denied by local policy",
    "INIT": "not yet synchronised",
    "MCST": "a dynamically discovered server",
    "NKEY": "no key",
    "NTSN": "not authenticated by NTS",
    "RATE": "rate exceeded",
    "RMOT": "altered from a remote host",
    "STEP": "time stepped, not yet synchronised",
}

# RFC 9327 sections 2 and 3 (header, status words); operations above 7 are those of ntpd's ntp_control.h.
CONTROL_HEADER = struct.Struct("!BBHHHHH")
RESPONSE_BIT = 0x80
ERROR_BIT = 0x40
READ_STATUS = 1
OPERATIONS = {
    1: "read status",
    2: "read variables",
    3: "write variables",
    4: "read clock variables",
    5: "write clock variables",
    6: "set trap",
    7: "trap",
    8: "configure",
    9: "save configuration",
    10: "read client list",
    11: "read ordered list",
    12: "request nonce",
    31: "unset trap",
}
CONTROL_ERRORS = {
    1: "authentication failed",
    2: "invalid message length or format",
    3: "invalid operation",
    4: "unknown association",
    5: "unknown variable",
    6: "invalid variable value",
    7: "administratively prohibited",
}
VARIABLE = re.compile(r'\s*([^\s=,"]+)\s*(?:=("[^"]*"\s*|[^,"]*))?,')
TELLING_VARIABLES = ("version", "system", "processor", "refid", "stratum", "peer")

# ntp_request.h: struct resp_pkt; where struct info_monitor and info_monitor_1 hold v6_flag and addr6.
PRIVATE_HEADER = struct.Struct("!BBBBHH")
CLIENT_ADDRESS = 16
CLIENT_LISTS = {20: (24, 32), 42: (32, 40)}
PRIVATE_ERRORS = {
    1: "incompatible implementation",
    2: "unknown request code",
    3: "format error",
    4: "no data",
    7: "authentication failed",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a reply of any mode."""
    mode = reply[0] & 0b111
    if mode in TIME_MODES and reply[0] >> 3 & 0b111 == VERSION_5:
        yield from _time_5(reply)
    elif mode in TIME_MODES:
        yield from _time(reply)
    elif mode == CONTROL:
        yield from _control(reply)
    elif mode == PRIVATE:
        yield from _private(reply)


def _time(reply: bytes) -> Iterator[tuple[str, str]]:
    """A time server's header, RFC 5905 section 7.3. A field left at zero tells nothing."""
    from dpkt.ntp import NTP

    octets = reply[:HEADER_LEN]
    if len(octets) >= TIMESTAMPS:
        # Where the snap length cut a timestamp it is unset, as zeros say of a whole one.
        octets = octets[: len(octets) // 8 * 8].ljust(HEADER_LEN, b"\0")
    ntp = NTP(octets)
    yield "version", f"NTPv{ntp.v}"
    yield "stratum", str(ntp.stratum)
    yield from _source(ntp)
    if ntp.precision:
        yield "precision", f"2^{ntp.precision - (ntp.precision > 127) * 256} s"
    for kind, short in (("root-delay", ntp.delay), ("root-dispersion", ntp.dispersion)):
        if short:
            yield kind, f"{short / 65536:.6f} s"
    for kind, stamp in (("reference-time", ntp.update_time), ("clock", ntp.transmit_time)):
        if any(stamp):
            yield kind, _utc(stamp)
    if len(reply) < HEADER_LEN:
        raise EOFError


def _time_5(reply: bytes) -> Iterator[tuple[str, str]]:
    """A header of version 5; of the timescales only UTC is a clock as in version 4."""
    bits, stratum, _, precision, delay, dispersion, timescale, era, _, transmit = HEADER_5.unpack_from(reply)
    yield "version", "NTPv5"
    yield "stratum", str(stratum)
    if stratum == 0 or stratum >= NO_STRATUM:
        yield "unsynchronised", f"leap indicator {bits >> 6}, stratum {stratum}"
    if precision:
        yield "precision", f"2^{precision} s"
    for kind, short in (("root-delay", delay), ("root-dispersion", dispersion)):
        if short:
            yield kind, f"{short / TIME32:.6f} s"
    if transmit and timescale == UTC_TIMESCALE and era < ERAS:
        yield "clock", _iso((era << 32) + (transmit >> 32), transmit & 0xFFFFFFFF)


def _source(ntp: Any) -> Iterator[tuple[str, str]]:
    """Where the server has its time from, RFC 5905 figures 9, 11, 12 and section 7.4."""
    if ntp.li == UNKNOWN_LEAP or ntp.stratum == 0 or ntp.stratum >= NO_STRATUM:
        yield "unsynchronised", f"leap indicator {ntp.li}, stratum {ntp.stratum}"
    elif ntp.li in LEAP_SECONDS:
        yield "leap-second", LEAP_SECONDS[ntp.li]
    code = ntp.id.rstrip(b"\0").decode("ascii", "backslashreplace")
    if not code or ntp.stratum >= NO_STRATUM:
        return
    if ntp.stratum == 0:
        yield "kiss-o'-death", f"{code} ({KISS_MEANINGS[code]})" if code in KISS_MEANINGS else code
    elif ntp.stratum == 1:
        yield "reference-id", code
    else:
        # An upstream server reached over IPv6 stands here as a hash; nothing in the packet tells which.
        yield "reference-id", str(IPv4Address(ntp.id))


def _utc(stamp: bytes) -> str:
    """A timestamp as UTC. Seconds below 2^31 are of era 1, from 2036 on (RFC 4330 section 3)."""
    seconds, fraction = struct.unpack("!II", stamp)
    if seconds < 1 << 31:
        seconds += 1 << 32
    return _iso(seconds, fraction)


def _iso(seconds: int, fraction: int) -> str:
    """Seconds since 1900, and 2^-32 parts of one, as UTC."""
    era = datetime(1900, 1, 1, tzinfo=UTC)
    time = era + timedelta(seconds=seconds, microseconds=fraction * 1_000_000 >> 32)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _control(reply: bytes) -> Iterator[tuple[str, str]]:
    """A control message, RFC 9327 section 2: what was read, and the variables or an error."""
    _, bits, _, status, association, offset, count = CONTROL_HEADER.unpack_from(reply)
    if not bits & RESPONSE_BIT:
        return
    operation = bits & 0x1F
    yield "ntp-control", OPERATIONS.get(operation, f"operation {operation}")
    if bits & ERROR_BIT:
        yield "error", CONTROL_ERRORS.get(status >> 8, f"error {status >> 8}")
        return
    data = reply[CONTROL_HEADER.size :][:count]
    if operation == READ_STATUS:
        if association == 0 and count:
            yield "associations", str(count // 4)
    else:
        text = data.decode("utf-8", "replace")
        yield from _variables(text if len(data) < count else f"{text},", begun=offset > 0)
    if len(data) < count:
        raise EOFError


def _variables(text: str, *, begun: bool) -> list[tuple[str, str]]:
    """The variables of a list, each ended by a comma (RFC 9327 section 4); the telling ones first.

    `begun`: the list began in an earlier datagram, and so may its first variable.
    """
    found = []
    match = VARIABLE.match(text, text.find(",") + 1 if begun else 0)
    while match:
        name, value = match[1], (match[2] or "").strip().strip('"')
        if value:
            found.append((name, value))
        match = VARIABLE.match(text, match.end())
    found.sort(key=lambda one: TELLING_VARIABLES.index(one[0]) if one[0] in TELLING_VARIABLES else 99)
    return [("ntp-variable", f"{name}={value}") for name, value in found]


def _private(reply: bytes) -> Iterator[tuple[str, str]]:
    """A private message, ntp_request.h: how much was told, and of a client list (monlist) who."""
    bits, _, _, code, counted, sized = PRIVATE_HEADER.unpack_from(reply)
    if not bits & RESPONSE_BIT:
        return
    error, items, size = counted >> 12, counted & 0xFFF, sized & 0xFFF
    kind = "monlist" if code in CLIENT_LISTS else "ntp-private"
    told = "1 item" if items == 1 else f"{items} items"
    yield kind, told if code in CLIENT_LISTS else f"request code {code}: {told} of {size} octets"
    if error:
        yield "error", PRIVATE_ERRORS.get(error, f"error {error}")
    elif code in CLIENT_LISTS and size:
        yield from _clients(reply, items, size, *CLIENT_LISTS[code])


def _clients(reply: bytes, items: int, size: int, v6_flag: int, v6_address: int) -> Iterator[tuple[str, str]]:
    """The addresses in a client list; those left at zero tell nothing."""
    start = PRIVATE_HEADER.size
    for at in range(start, start + items * size, size):
        client = reply[at : at + size]
        if len(client) < size:
            raise EOFError
        address: IPv4Address | IPv6Address = IPv4Address(client[CLIENT_ADDRESS : CLIENT_ADDRESS + 4])
        if any(client[v6_flag : v6_flag + 4]):
            address = IPv6Address(client[v6_address : v6_address + 16])
        if not address.is_unspecified:
            yield "client-address", str(address)


PROTOCOL = Protocol(
    name="ntp",
    title="NTP",
    decode=decode,
    dissectors=("ntp",),
    transport="udp",
    ports=(123,),
    kinds=KINDS,
    draws_none=(
        "symmetric active requests of whom the daemon does not know (RFC 5905 section 9.2)",
        "client requests of a version that was never there (section 7.3)",
    ),
)
CONTROL_PROTOCOL = replace(
    PROTOCOL,
    name="ntp-control",
    title="NTP mode 6",
    draws_none=(),
    apart=(CONTROL_REQUEST // KIND, CONTROL_REPLY // KIND),
)
PRIVATE_PROTOCOL = replace(
    PROTOCOL,
    name="ntp-private",
    title="NTP mode 7",
    draws_none=(),
    apart=(PRIVATE_REQUEST // KIND, PRIVATE_REPLY // KIND),
)
PROTOCOLS = (PROTOCOL, CONTROL_PROTOCOL, PRIVATE_PROTOCOL)
