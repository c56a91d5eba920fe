"""Messages that no client's program sends, by hand: what `tests.lab.services` asks and lets the target answer."""

import struct

from tests.ber import ENUMERATED, OCTETS, SEQUENCE, ber, integer
from tests.lab.places import LAN

BOOLEAN, SEARCH_REQUEST = 1, 0x63
AND, EQUALITY, PRESENT = 0xA0, 0xA3, 0x87  # of filters


def sip(method: str, number: int) -> bytes:
    """A request of SIP, RFC 3261 section 7.1."""
    to = f"sip:x@{LAN.target}"
    lines = (
        f"{method} {to} SIP/2.0",
        f"Via: SIP/2.0/UDP {LAN.client}:5060;branch=z9hG4bK{number}",
        f"From: <sip:y@{LAN.client}>;tag={number}",
        f"To: <{to}>",
        f"Call-ID: {number}@{LAN.client}",
        f"CSeq: {number} {method}",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def wsd_message(action: str, number: int, body: str) -> bytes:
    """A message of WS-Discovery from a client."""
    address = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
    names = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
        f'xmlns:wsa="{address}" xmlns:wsd="{names}" xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof">'
        "<soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>"
        f"<wsa:Action>{names}/{action}</wsa:Action><wsa:MessageID>urn:uuid:{number:032x}</wsa:MessageID>"
        f"</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def backup_request() -> bytes:
    """A request for backup browsers, [MS-BRWS] section 2.2.3, to the master browser of the workgroup."""

    def name(text: str, suffix: int) -> bytes:
        octets = text.encode().ljust(15) + bytes([suffix])
        return b"\x20" + bytes(ord("A") + half for octet in octets for half in divmod(octet, 16)) + b"\0"

    slot, frame = b"\\MAILSLOT\\BROWSE\0", struct.pack("<BBI", 9, 4, 0x01020304)
    words = struct.pack(
        "<4HBBHIHHHHHBBHHH", 0, len(frame), 0, 0, 0, 0, 0, 0, 0, 0, 0, len(frame), 69 + len(slot), 3, 0, 1, 1, 2
    )
    smb = b"\xffSMB\x25" + bytes(27) + bytes([17]) + words + struct.pack("<H", len(slot) + len(frame)) + slot + frame
    names = name("CLIENT", 0) + name("WORKGROUP", 0x1D)
    own = bytes(map(int, LAN.client.split(".")))
    return struct.pack(">BBH4sHHH", 0x11, 0x02, 0x1234, own, 138, len(names) + len(smb), 0) + names + smb


def search(ident: int, filters: bytes, *attributes: bytes) -> bytes:
    """SearchRequest for the root's own entry, RFC 4511 section 4.5.1."""
    scope, aliases = (ber(ENUMERATED, b"\0") for _ in range(2))
    size, seconds = (integer(0) for _ in range(2))
    names = ber(SEQUENCE, *(ber(OCTETS, name) for name in attributes))
    request = ber(SEARCH_REQUEST, ber(OCTETS), scope, aliases, size, seconds, ber(BOOLEAN, b"\0"), filters, names)
    return ber(SEQUENCE, integer(ident), request)


def equals(name: str, value: bytes) -> bytes:
    """An equality in a filter."""
    return ber(EQUALITY, ber(OCTETS, name.encode()), ber(OCTETS, value))


def ike_sa_init(spi: bytes, group: int, encryption: int = 12) -> bytes:
    """IKE_SA_INIT with one proposal, RFC 7296 section 1.2; the public value is a number like any other."""
    key = struct.pack(">4H2H", 0x0300, 12, 0x0100, encryption, 0x800E, 256)
    rest = [struct.pack(">2BH2BH", 3 if kind < 4 else 0, 0, 8, kind, 0, number) for kind, number in ((2, 5), (3, 12))]
    transforms = key + b"".join(rest) + struct.pack(">2BH2BH", 0, 0, 8, 4, 0, group)
    proposal = struct.pack(">2BH4B", 0, 0, 8 + len(transforms), 1, 1, 0, 4) + transforms
    public = bytes([2]) * (256 if group == 14 else 32)
    payloads = struct.pack(">2BH", 34, 0, 4 + len(proposal)) + proposal
    payloads += struct.pack(">2B3H", 40, 0, 8 + len(public), group, 0) + public
    payloads += struct.pack(">2BH", 0, 0, 36) + bytes(range(32))
    return spi + bytes(8) + struct.pack(">4B2I", 33, 0x20, 34, 8, 0, 28 + len(payloads)) + payloads


def rpc_call(xid: int, version: int, procedure: int, arguments: bytes = b"") -> bytes:
    """A call without credentials, RFC 5531 section 9."""
    return struct.pack(">10I", 0x1AB00 + xid, 0, 2, 100000, version, procedure, 0, 0, 0, 0) + arguments
