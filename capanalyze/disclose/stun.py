"""STUN (RFC 8489 section 14): the software, the server's other addresses, its realm, why it refused.

dpkt walks the attributes. The mapped address is the asker's own and tells nothing of the host.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import dpkt

SOFTWARE, REALM, ERROR_CODE = 0x8022, 0x0014, 0x0009
# CHANGED-ADDRESS is OTHER-ADDRESS in RFC 3489; RFC 5780 section 7.4, RFC 8489 section 14.15.
ADDRESSES = {0x0005: "other-address", 0x802C: "other-address", 0x8023: "other-address", 0x0016: "relayed-address"}
RELAYED = 0x0016


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The attributes that tell something of the server."""
    message = dpkt.stun.STUN(reply)
    for kind, value in dpkt.stun.parse_attrs(message.data[: message.len]):
        if kind == SOFTWARE:
            yield "software", value.rstrip(b"\0").decode("utf-8", "replace")
        elif kind == REALM:
            yield "realm", value.decode("utf-8", "replace")
        elif kind == ERROR_CODE:
            group, number = value[2], value[3]
            yield "error", f"{(group & 7) * 100 + number} {value[4:].decode('utf-8', 'replace')}".strip()
        elif kind in ADDRESSES:
            yield ADDRESSES[kind], _endpoint(value, message.xid if kind == RELAYED else bytes(16))
    if len(message.data) < message.len:
        raise dpkt.NeedData


def _endpoint(value: bytes, mask: bytes) -> str:
    """Address and port, section 14.1; XORed with cookie and ID in attributes of section 14.2."""
    _, family, port = struct.unpack_from("!BBH", value)
    octets = bytes(one ^ other for one, other in zip(value[4:], mask, strict=False))
    port ^= int.from_bytes(mask[:2])
    return f"{IPv4Address(octets)}:{port}" if family == 1 else f"[{IPv6Address(octets)}]:{port}"
