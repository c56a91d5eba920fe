"""What a message says to pairing: does it ask or answer, and which value do request and reply have in common.

One function a service: payload and its size on the wire in, `Said` out. What a function cannot read it raises on.
"""

import struct
from collections.abc import Callable, Hashable
from typing import NamedTuple

import dpkt

from capanalyze.protocols import GENERIC_UDP, PROTOCOLS
from capanalyze.protocols import ICMP as ICMP_SERVICE
from capanalyze.protocols import TCP as TCP_SERVICE
from capanalyze.protocols._protocol import Protocol
from capanalyze.reference.frames import ACK, FIN, RST, SYN, Datagram

UDP, TCP, ICMP = PROTOCOLS[GENERIC_UDP], PROTOCOLS[TCP_SERVICE], PROTOCOLS[ICMP_SERVICE]

REQUEST, REPLY, ANNOUNCEMENT = "request", "reply", "announcement"
EITHER = "either"  # only the port tells who asks
CONVERSATION = "conversation"  # nothing but the endpoints tell what belongs together
OTHER = "other"  # it neither asks nor answers
MALFORMED = "malformed"  # on a service's port, but not that service's
ANY = 255  # type of a question for records of all types, RFC 1035 section 3.2.3

Keys = frozenset[Hashable]
NONE: Keys = frozenset()


class Said(NamedTuple):
    """What a message says: `asks` are its keys as a request, `answers` those of the requests that it may answer.

    `weak`: nothing tells it from others. `interim`: more replies follow. `announces`: unanswered, what went to a group
    was an announcement. `service`: the name, where several share a port. `continues`: messages in which this is equal
    are one request.
    """

    role: str
    asks: Keys = NONE
    answers: Keys = NONE
    weak: bool = False
    interim: bool = False
    announces: bool = False
    service: str | None = None
    continues: Hashable = None


def served() -> dict[int, Protocol]:
    """The module of each port; of several the first."""
    return {port: one for one in reversed(PROTOCOLS) if one.transport == "udp" for port in one.ports}


SERVED = served()


def read(protocol: Protocol, payload: bytes, size: int) -> Said:
    """What a service says of a payload. Whatever dpkt throws, the message is malformed; where it was cut, only weak."""
    if size == 0 and not protocol.empty_asks:
        return Said(MALFORMED)
    try:
        return SERVICES[protocol.name](payload, size)
    except Exception:  # noqa: BLE001 - dpkt raises what comes
        return Said(EITHER, weak=True) if len(payload) < size else Said(MALFORMED)


def asks(*keys: Hashable, weak: bool = False, announces: bool = False, service: str | None = None) -> Said:
    """A request; without a key it is weak."""
    return Said(REQUEST, asks=frozenset(keys), weak=weak or not keys, announces=announces, service=service)


def answers(*keys: Hashable, weak: bool = False, interim: bool = False, service: str | None = None) -> Said:
    """A reply; without a key it is weak."""
    return Said(REPLY, answers=frozenset(keys), weak=weak or not keys, interim=interim, service=service)


def ntp(payload: bytes, size: int) -> Said:
    """RFC 5905 section 8: origin = request's transmit (RFC 9769: or receive); version 5: the client's cookie."""
    mode, version = payload[0] & 7, payload[0] >> 3 & 7
    if mode in (6, 7):
        return ntp_control(payload, size, mode)
    if mode == 0 or size < 48:
        return Said(MALFORMED)
    if mode == 5:
        return Said(ANNOUNCEMENT)
    message, zero = dpkt.ntp.NTP(payload), bytes(8)
    origin = {message.originate_time} - {zero}
    if mode not in (1, 3):
        return answers(*origin)
    if version == 5:
        return asks(*origin)
    sent = {message.transmit_time, message.receive_time} - {zero} if message.transmit_time != zero else set()
    said = asks(*sent)
    return said._replace(answers=frozenset(origin)) if mode == 1 and sent else said  # symmetric peers answer alike


def ntp_control(payload: bytes, size: int, mode: int) -> Said:
    """Mode 6, RFC 9327 section 2: opcode and sequence; mode 7: implementation and request code."""
    if size < (12 if mode == 6 else 8):
        return Said(MALFORMED)
    name = "ntp-control" if mode == 6 else "ntp-private"
    first, second, rest = struct.unpack_from("!BBH", payload)
    key = (mode, second & 31, rest) if mode == 6 else (mode, rest)
    is_reply = (second if mode == 6 else first) & 0x80
    return answers(key, interim=True, service=name) if is_reply else asks(key, service=name)


def name_at(payload: bytes, at: int) -> tuple[bytes, int, int]:
    """A name without regard to case, the type behind it, and the offset behind both; RFC 1035 section 4.1.2."""
    name, end = dpkt.dns.unpack_name(payload, at)
    return name.encode().lower(), struct.unpack_from("!H", payload, end)[0], end + 2


def question(payload: bytes) -> tuple[bytes, int] | None:
    """The first question; None where there is none that can be read."""
    try:
        return name_at(payload, 12)[:2]
    except (dpkt.UnpackError, struct.error, UnicodeDecodeError):
        return None


def nbns(payload: bytes, size: int) -> Said:
    """RFC 1002 section 4.2.1: transaction id and name; of a reply without a name the id alone."""
    ident, flags, questions, *_ = struct.unpack_from("!6H", payload)
    found, opcode = question(payload), flags >> 11 & 15
    name = found and found[0]
    if flags & 0x8000:
        return answers((ident, name), interim=opcode == 7)  # "wait for acknowledgement"
    if questions != 1 or (name is None and len(payload) == size):
        return Said(MALFORMED)
    return asks((ident, None), (ident, name), announces=opcode != 0)


def dns(payload: bytes, size: int) -> Said:
    """RFC 1035 section 4.1, RFC 9619: id and question; where one side has no question that can be read, the id."""
    ident, flags, questions, *_ = struct.unpack_from("!6H", payload)
    asked = question(payload) if questions == 1 else None
    if questions and asked is None and len(payload) == size:
        return Said(MALFORMED)
    if flags & 0x8000:
        return answers(*[(ident, asked), (ident, "asked without")] if asked else [(ident, "by id")])
    return asks(*[(ident, asked)] if asked else [(ident, "asked without")], (ident, "by id"), weak=questions == 0)


def mdns(payload: bytes, size: int) -> Said:
    """RFC 6762 section 6: a question is answered by a record of its name and type; the id means nothing."""
    _, flags, questions, records, authorities, _ = struct.unpack_from("!6H", payload)
    if flags & 0x7800:  # section 18.3: another opcode is ignored
        return asks(weak=True)
    names, known, at = set(), set(), 12
    try:
        for _ in range(questions):
            name, kind, at = name_at(payload, at)
            at += 2
            names.add((name, kind))
        for _ in range(records if flags & 0x8000 else 0):
            name, kind, at = name_at(payload, at)
            _, lifetime, length = struct.unpack_from("!HIH", payload, at)
            at += 8 + length
            known.update([(name, kind), (name, ANY)] if lifetime else [])
    except (dpkt.UnpackError, struct.error, UnicodeDecodeError):
        if not (known if flags & 0x8000 else names):
            raise
    if flags & 0x8000:
        return Said(ANNOUNCEMENT) if records and not known else answers(*known)  # section 10.1: goodbye
    return asks(*names, announces=authorities > 0) if names else Said(MALFORMED)  # section 8.1: probes announce


def ber(payload: bytes, at: int) -> tuple[int, int, int]:
    """X.690 section 8.1: tag of the element at an offset, where its contents begin and where they end."""
    tag, length = payload[at], payload[at + 1]
    start = at + 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(payload[at + 2 : start], "big")
    return tag, start, start + length


def snmp(payload: bytes, size: int) -> Said:
    """RFC 3416 section 3: request-id; version 3, RFC 3412 section 6: msgID."""
    _, at, _ = ber(payload, 0)
    _, version, at = ber(payload, at)
    if payload[version] == 3:
        _, ident, head_end = ber(payload, at)
        key = (3, payload[slice(*ber(payload, ident)[1:])])
        tag, start, end = ber(payload, ber(payload, head_end)[2])  # behind the security parameters
        if tag != 0x30:  # encrypted
            return Said(EITHER, asks=frozenset({key}), answers=frozenset({key}))
        pdu = payload[ber(payload, ber(payload, start)[2])[2]]
    else:
        _, _, at = ber(payload, at)
        pdu = payload[at]
        if pdu not in (0xA4, 0xA7):
            key = (0, payload[slice(*ber(payload, ber(payload, at)[1])[1:])])
    if pdu in (0xA4, 0xA7):
        return Said(ANNOUNCEMENT)  # traps
    return answers(key) if pdu in (0xA2, 0xA8) else asks(key)


def header_values(payload: bytes, *names: bytes) -> list[bytes | None]:
    """Values of headers of a text message, blanks left out; None for one that is not there."""
    found = {}
    for line in payload.split(b"\r\n\r\n")[0].split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            found[name.strip().lower()] = b"".join(value.split())
    return [found.get(name) for name in names]


def ssdp(payload: bytes, size: int) -> Said:
    """UPnP Device Architecture 2.0 section 1.3: the search target, which `ssdp:all` asks for whatever it is."""
    target = [one for one in header_values(payload, b"st") if one]
    if payload.startswith(b"M-SE"):
        return asks(*target)
    if payload.startswith(b"HTTP"):
        return answers(*target, *[b"ssdp:all"][: len(target)])
    return Said(ANNOUNCEMENT if payload.startswith(b"NOTI") else MALFORMED)


def dhcp(payload: bytes, size: int) -> Said:
    """RFC 2131 section 4.1: xid; an OFFER answers a DISCOVER, an ACK or NAK also what follows."""
    op, xid, kind, at = payload[0], payload[4:8], 0, 240
    if size < 236 or op not in (1, 2) or len(xid) < 4:
        return Said(MALFORMED)
    while at + 2 < len(payload) and not kind:
        kind = payload[at + 2] if payload[at] == 53 else 0
        at += 1 if payload[at] == 0 else 2 + payload[at + 1]
    if op == 2:
        return answers((xid, "offer" if kind == 2 else "end"))
    return asks((xid, "end"), *[(xid, "offer")][: kind == 1])


def tftp(payload: bytes, size: int) -> Said:
    """RFC 1350 section 4: the answer to a request is the first block, an ACK of block 0, an OACK or an ERROR."""
    opcode = struct.unpack_from("!H", payload)[0]
    if opcode in (1, 2):
        return asks()
    if opcode in (3, 4):
        first = struct.unpack_from("!H", payload, 2)[0] == (1 if opcode == 3 else 0)
        return answers() if first else Said(OTHER)
    return answers() if opcode in (5, 6) else Said(MALFORMED)


def sip(payload: bytes, size: int) -> Said:
    """RFC 3261 section 17.1.3: Call-ID and CSeq; an ACK is not answered."""
    call, short, sequence = header_values(payload, b"call-id", b"i", b"cseq")
    keys = [(call or short, sequence)] if (call or short) and sequence else []
    if not b"A" <= payload[:1] <= b"Z" or size < 8:
        return Said(MALFORMED)
    if payload.startswith(b"SIP/"):
        return answers(*keys, interim=payload[8:9] == b"1")
    return Said(OTHER) if payload.startswith(b"ACK ") else asks(*keys)


def kerberos(payload: bytes, size: int) -> Said:
    """RFC 4120 section 5: no reply says which request it answers, only of which of the two exchanges it is."""
    tag, at, _ = ber(payload, 0)
    version = ber(payload, ber(payload, ber(payload, at)[1])[1])[1]
    if payload[version] != 5:
        return Said(MALFORMED)
    if tag in (0x6A, 0x6C):
        return asks(tag, weak=True)
    keys = {0x6B: [0x6A], 0x6D: [0x6C], 0x7E: [0x6A, 0x6C]}.get(tag)
    return answers(*keys, weak=True) if keys else Said(MALFORMED)


def ldap(payload: bytes, size: int) -> Said:
    """RFC 4511 section 4.1.1: the messageID; entries of a search come before its end."""
    _, start, end = ber(payload, ber(payload, 0)[1])
    at = ber(payload, end)[2] if payload[end] == 4 else end  # RFC 1798 has the user here
    key, operation = payload[start:end], payload[at]
    if operation in (0x60, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50, 0x77):
        return asks(key)
    replies = (0x61, 0x64, 0x65, 0x73, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78, 0x79)
    return answers(key, interim=operation in (0x64, 0x73)) if operation in replies else Said(MALFORMED)


def ike(payload: bytes, size: int) -> Said:
    """RFC 7296 sections 2.1, 2.2: SPI, message id, exchange and who asked; RFC 2408: the initiator's cookie."""
    if size == 1 and payload == b"\xff":  # RFC 3948 section 2.3: keep-alive
        return Said(OTHER)
    if payload[:4] == bytes(4):  # RFC 3948 section 2.2: the marker
        payload, size = payload[4:], size - 4
    spi, other, follows, version, exchange, flags, ident, length = struct.unpack_from("!8s8s4BII", payload)
    if length != size or version < 0x10:
        return Said(CONVERSATION if size > 8 else MALFORMED)  # ESP in UDP
    if version >> 4 == 1:
        return ikev1(spi, other, follows, exchange, flags)
    is_reply, is_initiator = bool(flags & 0x20), bool(flags & 0x08)
    key = (spi, ident, is_initiator != is_reply)
    if is_reply:
        return answers((key, exchange), *[(key, "any"), spi][: 2 if exchange == 37 else 0])
    return asks((key, exchange), (key, "any"), *[spi][: exchange == 34])


def ikev1(spi: bytes, other: bytes, follows: int, exchange: int, flags: int) -> Said:
    """RFC 2408 section 3.1: the first message, what answers it, a notification; the rest is a conversation."""
    if not flags & 1 and exchange == 5 and follows == 11:
        return answers(spi)
    if flags & 1 or exchange not in (1, 2, 3, 4) or follows != 1:
        return Said(CONVERSATION)
    return answers(spi) if any(other) else asks(spi)


def quic(payload: bytes, size: int) -> Said:
    """RFC 9000 section 7.2: what answers goes to the client's source connection ID; RFC 8999 section 5.1."""
    if payload[0] & 0xC0 != 0xC0 and not (payload[0] & 0x80 and payload[1:5] == bytes(4)):
        return Said(CONVERSATION if payload[0] & 0x40 else MALFORMED)  # a short header
    version, at = payload[1:5], 6 + payload[5]
    to, source = payload[6:at], payload[at + 1 : at + 1 + payload[at]]
    kind = payload[0] >> 4 & 3 if version != b"\x6b\x33\x43\xcf" else (payload[0] >> 4) + 3 & 3
    known = version in (b"\0\0\0\1", b"\x6b\x33\x43\xcf") or version[:3] == b"\xff\0\0"
    if len(to) != payload[5] or len(source) != payload[at]:
        return Said(MALFORMED)
    if known and kind in (1, 2):
        return Said(CONVERSATION)  # 0-RTT, Handshake
    length = payload[at + 1 + len(source)] if known and kind == 0 else 0
    rest = payload[at + 1 + len(source) :][: 2 + ((length & 63) << 8) if length > 63 else 1 + length]
    mine, theirs = frozenset({source} - {b""}), frozenset({to} - {b""})
    return Said(EITHER, mine, theirs, weak=not mine, continues=(source, rest) if known and kind == 0 else None)


def portmap(payload: bytes, size: int) -> Said:
    """RFC 5531 section 9: the xid."""
    xid, kind, version = struct.unpack_from("!III", payload)
    if kind == 1 and size >= 20:
        return answers(xid)
    return asks(xid) if kind == 0 and version == 2 and size >= 40 else Said(MALFORMED)


def endpoints_only(payload: bytes, size: int) -> Said:
    """Small servers and Apple Remote Desktop: any datagram asks, any answers."""
    return Said(EITHER, weak=True)


def echo(payload: bytes, size: int) -> Said:
    """RFC 862: the data come back as they were."""
    return Said(EITHER, frozenset({payload}), frozenset({payload}))


def nbdgm(payload: bytes, size: int) -> Said:
    """RFC 1002 section 5.3: DGM_ID; [MS-BRWS] 2.2.4: token; [MS-ADTS] 6.3.5: the mailslot that the answer goes to."""
    kind, ident = payload[0], payload[2:4]
    if size < 10 or not 0x10 <= kind <= 0x16:
        return Said(MALFORMED)
    if kind > 0x12:
        return asks(ident) if kind == 0x14 else answers(ident)
    smb = payload.find(b"\xffSMB")  # [MS-CIFS] 2.2.4.33.1: a transaction, with a name and data
    slot = payload[smb + 69 :].partition(b"\0")[0].upper()
    if smb < 0:
        return asks(ident, announces=True)
    data = payload[smb + struct.unpack_from("<H", payload, smb + 57)[0] :]
    if slot != b"\\MAILSLOT\\BROWSE":
        return netlogon(ident, slot, data)
    token = ("token", data[2:6])
    return asks(ident, token) if data[0] == 9 else answers(token) if data[0] == 10 else asks(ident, announces=True)


def netlogon(ident: bytes, slot: bytes, data: bytes) -> Said:
    """A SAM LOGON request (opcodes 7, 0x12) names the mailslot to which its answer is delivered."""
    opcode = data[0] if data else 0
    if slot.upper().startswith(b"\\MAILSLOT\\NET\\") and opcode in (7, 0x12):
        wide = b"\\\0M\0A\0I\0L\0S\0L\0O\0T\0" in data.upper()
        start = data.upper().find(b"\\\0M\0A\0I" if wide else b"\\MAILSLOT")
        return asks(("slot", slot_name(data[start:])), ident) if start >= 0 else asks(ident)
    if slot.upper().startswith(b"\\MAILSLOT\\NET\\GETDC") or opcode in (0x13, 0x15, 0x17, 0x19):
        return answers(("slot", slot.upper()))
    return asks(ident, announces=True)


def slot_name(octets: bytes) -> bytes:
    """The name of a mailslot, in ASCII."""
    return octets.partition(b"\0")[0].upper()


def ipp(payload: bytes, size: int) -> Said:
    """CUPS browsing: a printer is announced, in words."""
    words = payload.split(b" ")
    int(words[0], 16), int(words[1], 16)
    return asks(announces=True) if words[2].startswith(b"ipp:") else Said(MALFORMED)


def wsdiscovery(payload: bytes, size: int) -> Said:
    """WS-Discovery 1.1 section 4: RelatesTo = the request's MessageID."""
    text = {}
    for element in payload.split(b"<")[1:]:
        tag, _, value = element.partition(b">")
        if tag.startswith(b"/"):
            continue
        text[tag.split()[0].split(b":")[-1]] = b"".join(value.split())
    action = text[b"Action"].split(b"/")[-1]
    if action in (b"Hello", b"Bye"):
        return Said(ANNOUNCEMENT)
    if action in (b"Probe", b"Resolve"):
        return asks(*filter(None, [text.get(b"MessageID")]))
    is_reply = action in (b"ProbeMatches", b"ResolveMatches")
    return answers(*filter(None, [text.get(b"RelatesTo")])) if is_reply else Said(MALFORMED)


def slp(payload: bytes, size: int) -> Said:
    """RFC 2608 section 8: the XID; a DAAdvert with XID 0 is unasked, section 12.2."""
    version, function, xid = payload[0], payload[1], payload[10:12]
    if size < 12 or version not in (1, 2) or not 1 <= function <= 11:
        return Said(MALFORMED)
    if function == 8 and xid == bytes(2):
        return Said(ANNOUNCEMENT)
    return asks(xid) if function in (1, 3, 4, 6, 9) else answers(xid)


def dhcpv6(payload: bytes, size: int) -> Said:
    """RFC 8415 section 16.1: the transaction-id; of what a relay passes on both addresses, section 19.3."""
    kind, ident = payload[0], payload[1:4]
    if size < (34 if kind in (12, 13) else 4) or not 1 <= kind <= 13:
        return Said(MALFORMED)
    if kind in (12, 13):
        return asks(payload[2:34]) if kind == 12 else answers(payload[2:34])
    if kind in (2, 7):
        return answers((ident, kind))
    return Said(ANNOUNCEMENT) if kind == 10 else asks((ident, 7), *[(ident, 2)][: kind == 1])


def natpmp(payload: bytes, size: int) -> Said:
    """RFC 6886 section 3.3: the port to be mapped; RFC 6887 section 11.1: the nonce; a refusal repeats the opcode."""
    version, opcode, is_reply = payload[0], payload[1] & 0x7F, payload[1] >> 7
    if version not in (0, 2) or (version == 0 and opcode > 2):
        return Said(MALFORMED)
    if is_reply and payload[3] == 1:
        return answers(("refused", opcode))
    has_nonce, has_port = version == 2 and opcode in (1, 2), version == 0 and opcode > 0
    told = struct.unpack_from("!12s", payload, 24) if has_nonce else ()
    told = struct.unpack_from("!H", payload, 8 if is_reply else 4) if has_port else told
    key = (version, opcode, told)
    return answers(key) if is_reply else asks(key, ("refused", opcode))


def stun(payload: bytes, size: int) -> Said:
    """RFC 8489 section 5: the transaction id; indications, channel data and media neither ask nor answer."""
    kind = struct.unpack_from("!H", payload)[0]
    if 0x4000 <= kind < 0x8000 or 128 <= kind >> 8 < 192 or kind >> 8 == 23:
        return Said(OTHER)
    message = dpkt.stun.STUN(payload)
    if kind >= 0x4000 or message.len + 20 != size:
        return Said(MALFORMED)
    if kind & 0x0110 == 0:
        return Said(EITHER if kind != 1 else REQUEST, frozenset({message.xid}), frozenset({message.xid}))
    return Said(OTHER) if kind & 0x0110 == 0x0010 else answers(message.xid)


def coap(payload: bytes, size: int) -> Said:
    """RFC 7252 section 5.2: the message ID in an acknowledgement or reset, else the token."""
    head, code, ident = struct.unpack_from("!BBH", payload)
    kind, length = head >> 4 & 3, head & 15
    by_id, by_token = ("id", ident), ("token", payload[4 : 4 + length])
    is_known = code <= 7 or code >> 5 in (2, 4, 5)
    if head >> 6 != 1 or length > 8 or size < 4 + length or not is_known or (code == 0 and (kind == 1 or length)):
        return Said(MALFORMED)
    if code == 0:
        return asks(by_id) if kind == 0 else answers(by_id, interim=kind == 2)
    if code >> 5 == 0:
        return asks(by_id, by_token)
    return answers(by_id if kind == 2 else by_token)


def memcached(payload: bytes, size: int) -> Said:
    """protocol.txt, "UDP protocol": the request id; replies take several datagrams."""
    ident, number, total, _, first = struct.unpack_from("!HHHHB", payload)
    if number >= total:
        return Said(MALFORMED)
    if number or first == 0x81 or chr(first).isdigit() or b"A" <= bytes([first]) <= b"Z":
        return answers(ident, interim=total > 1)
    return asks(ident) if first == 0x80 or b"a" <= bytes([first]) <= b"z" else Said(MALFORMED)


SERVICES: dict[str, Callable[[bytes, int], Said]] = {
    "ntp": ntp, "nbns": nbns, "mdns": mdns, "dns": dns, "llmnr": dns, "snmp": snmp, "ssdp": ssdp, "dhcp": dhcp,
    "tftp": tftp, "sip": sip, "kerberos": kerberos, "ldap": ldap, "ike": ike, "quic": quic, "portmap": portmap,
    "echo": echo, "nbdgm": nbdgm, "ipp": ipp, "wsdiscovery": wsdiscovery, "slp": slp, "dhcpv6": dhcpv6,
    "natpmp": natpmp, "stun": stun, "coap": coap, "memcached": memcached,
}  # fmt: skip
SERVICES.update({one.name: endpoints_only for one in SERVED.values() if one.name not in SERVICES})


def role_of(seen: Datagram) -> tuple[Protocol, int | None, Said]:
    """Which service a datagram is of, and what it says: that of the port asked, unless only the other makes sense."""
    if seen.transport != "udp":
        return (TCP, seen.destination.port, tcp(seen)) if seen.transport == "tcp" else (ICMP, None, icmp(seen))
    to, start = seen.destination.port, seen.source.port
    here, there = SERVED.get(to or -1), SERVED.get(start or -1)
    said = read(here, seen.payload, seen.size) if here else Said(MALFORMED)
    if here and (there in (None, here) or (said.role in (REQUEST, EITHER) and not said.weak)):
        return here, to, said
    from_there = read(there, seen.payload, seen.size) if there else Said(REQUEST)
    if there and (from_there.role in (REPLY, EITHER) or (not here and from_there.role != REQUEST)):
        return there, start, from_there
    return (here, to, said) if here else (UDP, to, Said(CONVERSATION))


def tcp(seen: Datagram) -> Said:
    """RFC 9293 section 3.5: acknowledgement = sequence + 1, with RFC 7413 also what came along with the SYN."""
    is_syn, is_ack = seen.flags & SYN, seen.flags & ACK
    if seen.flags & RST:
        return Said(OTHER, answers=frozenset({seen.acknowledgement} if is_ack else ()))
    if is_syn and is_ack:
        return answers(seen.acknowledgement)
    if is_syn and not seen.flags & FIN:
        return asks(*{(seen.sequence + 1 + data) & 0xFFFFFFFF for data in (0, max(0, seen.size))})
    return Said(OTHER)


def icmp(seen: Datagram) -> Said:
    """RFC 792, RFC 950, RFC 4443 section 4: type, identifier and sequence number."""
    kind, rest = seen.kind[0] if seen.kind else 0, seen.payload[4:8]
    asked = {0: 8, 14: 13, 16: 15, 18: 17, 129: 128}.get(kind)
    if asked is not None:
        return answers((asked, rest))
    return asks((kind, rest)) if kind in (8, 13, 15, 17, 128) else Said(OTHER)
