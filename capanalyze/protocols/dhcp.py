"""Dynamic Host Configuration Protocol, RFC 2131: reply and request share the transaction id xid (section 2).

The client has no address yet, and is answered by broadcast or at the address it is about to get: the
key alone finds the request.

A reply discloses what its options (RFC 2132) say of the server and of the network. dpkt walks them.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address

from capanalyze.protocols._protocol import SECOND, Protocol

YIADDR = 16  # its offset, RFC 2131 figure 1: of a message that is cut before its options dpkt reads nothing
MESSAGE_TYPE, NAK = 53, 6  # RFC 2132 section 9.6

KINDS = ("request", "reply")

# RFC 2132 sections 3.5, 3.8, 3.17, 8.3, 8.5, 9.7; the host name of section 3.14 is the client's own.
ADDRESSES = {3: "router", 6: "name-server", 42: "time-server", 44: "netbios-name-server", 54: "server-id"}
TEXTS = {15: "domain", 66: "tftp-server", 67: "boot-file", 56: "error"}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The address that is offered, then the options that speak of the network."""
    from dpkt.dhcp import DHCP

    (offered,) = struct.unpack_from("!I", reply, YIADDR)
    if offered:
        yield "offered-address", str(IPv4Address(offered))
    message = DHCP(reply)
    for field, kind in ((message.sname, "host-name"), (message.file, "boot-file")):
        text = field.partition(b"\0")[0].decode("latin-1")
        if text.isprintable() and text:
            yield kind, text
    for code, value in message.opts:
        if code in ADDRESSES:
            for at in range(0, len(value), 4):
                yield ADDRESSES[code], str(IPv4Address(value[at : at + 4]))
        elif code in TEXTS and value:
            yield TEXTS[code], value.rstrip(b"\0").decode("utf-8", "replace")
        elif code == MESSAGE_TYPE and value[:1] == bytes([NAK]):
            yield "error", "NAK"


PROTOCOL = Protocol(
    name="dhcp",
    title="DHCP",
    decode=decode,
    transport="udp",
    ports=(67, 68),
    dissectors=("dhcp", "bootp"),
    kinds=KINDS,
    draws_none=(
        "DECLINE and RELEASE (RFC 2131 sections 4.3.3, 4.3.4)",
        "a REQUEST for an address of old, at a server that does not know it (section 4.3.2)",
    ),
    window=10 * SECOND,
    by_key_alone=True,
)
