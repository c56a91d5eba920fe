"""memcached over UDP: the frame header of its protocol.txt has a request ID that the reply's datagrams repeat.

Behind the header stands a command in lower case or what answers it in upper case, or a binary packet, which says by
its first octet what it is. A reply may take several datagrams, numbered.

A reply discloses version, statistics and the keys of values, never the values.
"""

from collections.abc import Iterator

from capanalyze.protocols._protocol import Protocol

HEADER_LEN = 8  # of the frame
BINARY_RESPONSE = 0x81

KINDS = ("command", "reply", "error")

BINARY_HEADER_LEN = 24
VERSION_OPCODE = 0x0B
STATISTICS = ("version", "pid", "uptime", "time", "pointer_size", "curr_connections", "curr_items", "bytes")


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of one datagram of a reply."""
    body = reply[HEADER_LEN:]
    if body[0] == BINARY_RESPONSE:
        yield from _binary(body)
        return
    *lines, rest = body.decode("utf-8", "replace").split("\r\n")
    for line in lines:
        word, _, value = line.partition(" ")
        if word == "VERSION":
            yield "software", f"memcached {value}"
        elif word == "STAT":
            name, _, number = value.partition(" ")
            if name == "version":
                yield "software", f"memcached {number}"
            elif name in STATISTICS:
                yield "statistic", f"{name}={number}"
        elif word == "VALUE":
            yield "key", value.partition(" ")[0]
        elif word in ("ERROR", "CLIENT_ERROR", "SERVER_ERROR"):
            yield "error", line
    if rest:
        raise EOFError


def _binary(body: bytes) -> Iterator[tuple[str, str]]:
    """The version, if that is what was asked for."""
    if body[1] == VERSION_OPCODE:
        length = int.from_bytes(body[8:12])
        version = body[BINARY_HEADER_LEN : BINARY_HEADER_LEN + length]
        if len(version) < length:
            raise EOFError
        yield "software", f"memcached {version.decode('utf-8', 'replace')}"


PROTOCOL = Protocol(
    name="memcached",
    title="memcached",
    decode=decode,
    transport="udp",
    ports=(11211,),
    dissectors=("memcache",),
    kinds=KINDS,
    draws_none=("quiet commands, and those that say noreply (protocol.txt, protocol-binary.txt)",),
)
