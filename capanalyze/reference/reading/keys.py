"""What a message says to pairing: whether it asks or answers, and the value that a request and its reply share.

One function a service: a payload and its size on the wire in, `Said` out; what is not that service's is refused.
"""

import struct
from collections.abc import Callable, Hashable
from typing import NamedTuple

import dpkt

from capanalyze.protocols import GENERIC_UDP, ICMP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import Protocol
from capanalyze.reference.reading.frames import ACK, FIN, RST, SYN, Datagram

REQUEST, REPLY, ANNOUNCEMENT = "request", "reply", "announcement"
EITHER = "either"  # only the port tells who asks
CONVERSATION = "conversation"  # nothing but the endpoints tell what belongs together
OTHER, MALFORMED = "other", "malformed"  # it neither asks nor answers; it is not that service's

Unpack = struct.unpack_from
SERVED = {port: one for one in reversed(PROTOCOLS) if one.transport == "udp" for port in one.ports}
BY_TRANSPORT = {"udp": PROTOCOLS[GENERIC_UDP], "tcp": PROTOCOLS[TCP], "icmp": PROTOCOLS[ICMP]}
UNREADABLE = (dpkt.UnpackError, struct.error, UnicodeDecodeError)


class Said(NamedTuple):
    """What a message says: `asks` are its keys as a request, `answers` those of requests that it may answer.

    `weak`: no key tells it from others. `interim`: more replies follow. `announces`: unanswered, what went to a group
    was an announcement. `service`: its name, where several share a port. `continues`: more of a request with its keys.
    """

    role: str
    asks: frozenset[Hashable] = frozenset()
    answers: frozenset[Hashable] = frozenset()
    weak: bool = False
    interim: bool = False
    announces: bool = False
    service: str = ""
    continues: bool = False


class RefusedError(Exception):
    """It is not a message of this service."""


def said(
    role: str, *keys: Hashable, weak: bool = False, interim: bool = False, announces: bool = False, service: str = ""
) -> Said:
    """A request or a reply with these keys; without any it is weak."""
    asks = frozenset(keys if role in (REQUEST, EITHER) else ())
    answers = frozenset(keys if role in (REPLY, EITHER) else ())
    return Said(role, asks, answers, weak or not keys, interim, announces, service)


def needs(condition: object) -> None:
    """Refuse a message unless this holds."""
    if not condition:
        raise RefusedError


def read(protocol: Protocol, payload: bytes, size: int) -> Said:
    """What a service says of a payload. Whatever dpkt throws, the message is malformed; a cut one is only weak."""
    try:
        needs(size or protocol.empty_asks)
        return SERVICES.get(protocol.name, endpoints_only)(payload, size)
    except RefusedError:
        return Said(MALFORMED)
    except Exception:  # noqa: BLE001 - dpkt raises what comes
        return Said(EITHER, weak=True) if len(payload) < size else Said(MALFORMED)


def tell(seen: Datagram) -> None:
    """Note which service a datagram is of: that of the port asked, unless only the other end's makes sense of it."""
    to, start = seen.destination.port, seen.source.port
    seen.protocol, seen.port, seen.said = BY_TRANSPORT[seen.transport], to, Said(CONVERSATION)
    if seen.transport != "udp":
        seen.said = tcp(seen) if seen.transport == "tcp" else icmp(seen)
        return
    here, there = SERVED.get(to or 0), SERVED.get(start or 0)
    if here:
        seen.protocol, seen.said = here, read(here, seen.payload, seen.size)
        if there in (None, here) or (seen.said.role in (REQUEST, EITHER) and not seen.said.weak):
            return
    back = read(there, seen.payload, seen.size) if there else Said(REQUEST)
    if there and (back.role in (REPLY, EITHER) or (not here and back.role != REQUEST)):
        seen.protocol, seen.port, seen.said = there, start, back


def tcp(seen: Datagram) -> Said:
    """RFC 9293 section 3.5: acknowledgement = sequence + 1; RFC 7413: or what came along with the SYN, too."""
    flags, sequence, acknowledgement = seen.tcp
    kind = flags & (SYN | ACK | FIN | RST)
    if kind & ~FIN == SYN | ACK:
        return said(REPLY, acknowledgement)
    if kind == SYN:
        return said(REQUEST, *{(sequence + 1 + data) & 0xFFFFFFFF for data in (0, max(0, seen.size))})
    return Said(OTHER, answers=frozenset([acknowledgement] if kind & ACK else []))


def icmp(seen: Datagram) -> Said:
    """RFC 792, RFC 950, RFC 4443 section 4: the type that asks, identifier and sequence number."""
    kind, rest = seen.icmp[0], seen.payload[4:8]
    asked = {0: 8, 14: 13, 16: 15, 18: 17, 129: 128}.get(kind)
    if asked is not None:
        return said(REPLY, (asked, rest))
    return said(REQUEST, (kind, rest)) if kind in (8, 13, 15, 17, 128) else Said(OTHER)


def endpoints_only(payload: bytes, size: int) -> Said:
    """Small servers, Apple Remote Desktop: any datagram asks, any answers."""
    return said(EITHER)


def echo(payload: bytes, size: int) -> Said:
    """RFC 862: the data come back as they were."""
    return said(EITHER, payload)


def ntp(payload: bytes, size: int) -> Said:
    """RFC 5905 section 8: origin = transmit (RFC 9769: or receive); version 5: the cookie; modes 6, 7: RFC 9327."""
    mode, version = payload[0] & 7, payload[0] >> 3 & 7
    if mode in (6, 7):
        needs(size >= (12 if mode == 6 else 8))
        first, second, rest = Unpack("!BBH", payload)
        role = REPLY if (second if mode == 6 else first) & 0x80 else REQUEST
        name = "ntp-control" if mode == 6 else "ntp-private"
        return said(role, (mode, second & 31 if mode == 6 else 0, rest), interim=role == REPLY, service=name)
    needs(mode and size >= 48)
    message, zero = dpkt.ntp.NTP(payload), bytes(8)
    origin = {message.originate_time} - {zero}
    if mode not in (1, 3):
        return Said(ANNOUNCEMENT) if mode == 5 else said(REPLY, *origin)
    sent = {message.transmit_time, message.receive_time} - {zero} if message.transmit_time != zero else set()
    asks = said(REQUEST, *(origin if version == 5 else sent))
    return asks._replace(answers=frozenset(origin)) if mode == 1 and sent else asks  # peers answer by asking


def name_at(payload: bytes, at: int) -> tuple[bytes, int, int]:
    """A name without regard to case, the type and the offset behind it; RFC 1035 section 4.1.2."""
    name, end = dpkt.dns.unpack_name(payload, at)
    return name.encode().lower(), Unpack("!H", payload, end)[0], end + 2


def question(payload: bytes) -> tuple[bytes, int] | None:
    """The first question; None where there is none that can be read."""
    try:
        return name_at(payload, 12)[:2]
    except UNREADABLE:
        return None


def nbns(payload: bytes, size: int) -> Said:
    """RFC 1002 section 4.2.1: transaction id and name; the id alone where the reply has no name."""
    ident, flags, questions, *_ = Unpack("!6H", payload)
    found, opcode = question(payload), flags >> 11 & 15
    if flags & 0x8000:
        return said(REPLY, (ident, found and found[0]), interim=opcode == 7)  # 7: wait for acknowledgement
    needs(questions == 1 and (found or len(payload) < size))
    return said(REQUEST, (ident, None), (ident, found and found[0]), announces=opcode != 0)


def dns(payload: bytes, size: int) -> Said:
    """RFC 1035 section 4.1, RFC 9619: id and question; the id where one side has no question."""
    ident, flags, questions, *_ = Unpack("!6H", payload)
    asked = question(payload) if questions == 1 else None
    needs(asked or not questions or len(payload) < size)
    if flags & 0x8000:
        return said(REPLY, *[(ident, asked), (ident, "no question asked")] if asked else [(ident, "id")])
    return said(REQUEST, (ident, "id"), (ident, asked or "no question asked"), weak=questions == 0)


def mdns(payload: bytes, size: int) -> Said:
    """RFC 6762 section 6: a question is answered by a record of its name and type, or of any (255)."""
    _, flags, questions, records, authorities, _ = Unpack("!6H", payload)
    if flags & 0x7800:  # section 18.3: another opcode is ignored
        return said(REQUEST)
    is_reply, names, known, classes, at = flags & 0x8000, set(), set(), set(), 12
    try:
        for number in range(questions + (records if is_reply else 0)):
            name, kind, at = name_at(payload, at)
            if number < questions:
                names.add((name, kind))
                classes.add(Unpack("!H", payload, at)[0] & 0x7FFF)
                at += 2
                continue
            _, lifetime, length = Unpack("!HIH", payload, at)
            at += 8 + length
            known |= {(name, kind), (name, 255)} if lifetime else set()
    except UNREADABLE:
        if not (known if is_reply else names):
            raise
    needs(is_reply or names)
    if is_reply:
        return Said(ANNOUNCEMENT) if records and not known else said(REPLY, *known)  # section 10.1: goodbye
    is_other = classes.isdisjoint({1, 255})  # of a class that no responder has
    return said(REQUEST, *names, weak=is_other, announces=authorities > 0)  # section 8.1: a probe


def ber(payload: bytes, at: int) -> tuple[int, int, int]:
    """X.690 section 8.1: the tag of the element at an offset, where its contents begin and where they end."""
    start, length = at + 2, payload[at + 1]
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(payload[at + 2 : start], "big")
    return payload[at], start, start + length


def snmp(payload: bytes, size: int) -> Said:
    """RFC 3416 section 3: request-id; version 3, RFC 3412 section 6: msgID."""
    (tag, at, _), kinds = ber(payload, 0), range(0xA0, 0xA9)
    kind, version, second = ber(payload, at)
    needs((tag, kind) == (0x30, 0x02))
    _, start, at = ber(payload, second)
    if is_3 := payload[version] == 3:
        tag, scoped, _ = ber(payload, ber(payload, at)[2])  # behind the security parameters
        if tag != 0x30:  # encrypted
            return said(EITHER, (True, payload[slice(*ber(payload, start)[1:])]))
        at = ber(payload, ber(payload, scoped)[2])[2]
    if payload[at] in (0xA4, 0xA7):
        return Said(ANNOUNCEMENT)  # traps
    ident = ber(payload, start if is_3 else ber(payload, at)[1])
    needs(payload[at] in kinds and ident[0] == 0x02 and ident[1] < ident[2])
    return said(REPLY if payload[at] in (0xA2, 0xA8) else REQUEST, (is_3, payload[ident[1] : ident[2]]))


def kerberos(payload: bytes, size: int) -> Said:
    """RFC 4120 section 5: no reply says which request it answers, only of which of the two exchanges it is."""
    tag, at, _ = ber(payload, 0)
    members = ber(payload, at)
    needs(members[0] == 0x30 and payload[ber(payload, ber(payload, members[1])[1])[1]] == 5)
    if tag in (0x6A, 0x6C):
        return said(REQUEST, tag, weak=True)
    return said(REPLY, *{0x6B: [0x6A], 0x6D: [0x6C], 0x7E: [0x6A, 0x6C]}[tag], weak=True)


def ldap(payload: bytes, size: int) -> Said:
    """RFC 4511 section 4.1.1: the messageID; entries of a search come before its end."""
    tag, start, end = ber(payload, ber(payload, 0)[1])
    needs(payload[0] == 0x30 and tag == 0x02)
    operation = payload[ber(payload, end)[2] if payload[end] == 4 else end]  # RFC 1798 has the user in between
    if operation in b"\x60\x42\x63\x66\x68\x4a\x6c\x6e\x50\x77":
        return said(REQUEST, payload[start:end])
    needs(operation in b"\x61\x64\x65\x73\x67\x69\x6b\x6d\x6f\x78\x79")
    return said(REPLY, payload[start:end], interim=operation in b"\x64\x73")


def headers(payload: bytes) -> dict[bytes, bytes]:
    """The headers of a text message, blanks left out."""
    lines = [line.partition(b":") for line in payload.split(b"\r\n\r\n")[0].split(b"\n")[1:]]
    return {name.strip().lower(): b"".join(value.split()) for name, _, value in reversed(lines)}  # the first counts


def ssdp(payload: bytes, size: int) -> Said:
    """UPnP Device Architecture 2.0 section 1.3: the search target, which `ssdp:all` asks for whatever it is."""
    target = [one.lower() for one in [headers(payload).get(b"st")] if one]
    if payload[:4] in (b"M-SE", b"NOTI"):
        return said(REQUEST, *target) if payload[:1] == b"M" else Said(ANNOUNCEMENT)
    needs(payload[:4] == b"HTTP")
    return said(REPLY, *target, *[b"ssdp:all" for _ in target])


def sip(payload: bytes, size: int) -> Said:
    """RFC 3261 section 17.1.3: Call-ID, CSeq and branch; an ACK continues the INVITE, section 17.1.1.3."""
    needs(size >= 8 and b"A" <= payload[:1] <= b"Z")
    found, is_ack = headers(payload), payload[:4] == b"ACK "
    call, sequence = found.get(b"call-id") or found.get(b"i"), found.get(b"cseq", b"").lower()
    via = (found.get(b"via") or found.get(b"v") or b"").partition(b",")[0].split(b";")[1:]
    branch = next((one[7:] for one in via if one.lower().startswith(b"branch=")), b"")
    key = call, sequence.replace(b"ack", b"invite") if is_ack else sequence, branch
    role = REPLY if payload[:4] == b"SIP/" else REQUEST
    one = said(role, *[key] if call and sequence else [], interim=role == REPLY and payload[8:9] == b"1")
    return one._replace(continues=is_ack)


def dhcp(payload: bytes, size: int) -> Said:
    """RFC 2131 section 4.1: the xid; an OFFER answers a DISCOVER, an ACK or NAK also what follows."""
    op, xid, kind, at = payload[0], payload[4:8], 0, 240
    needs(size >= 236 and op in (1, 2) and len(xid) == 4)
    while at + 2 < len(payload) and not kind:
        kind = payload[at + 2] if payload[at] == 53 else 0
        at += 1 if payload[at] == 0 else 2 + payload[at + 1]
    if op == 2:
        return said(REPLY, (xid, "offer" if kind == 2 else "end"))
    return said(REQUEST, (xid, "end"), *[(xid, "offer")][: kind == 1])


def dhcpv6(payload: bytes, size: int) -> Said:
    """RFC 8415 section 16.1: the transaction-id; section 19.3: of what a relay passes on, both addresses."""
    kind, ident = payload[0], payload[1:4]
    needs(size >= (34 if kind in (12, 13) else 4) and 1 <= kind <= 13)
    if kind in (2, 7, 12, 13):
        return said(REQUEST if kind == 12 else REPLY, payload[2:34] if kind > 7 else (ident, kind))
    return Said(ANNOUNCEMENT) if kind == 10 else said(REQUEST, (ident, 7), *[(ident, 2)][: kind == 1])


def tftp(payload: bytes, size: int) -> Said:
    """RFC 1350 section 4: the first block, an ACK of block 0, an OACK or an ERROR answers; there is no key."""
    opcode, block = Unpack("!HH", payload)
    needs(1 <= opcode <= 6)
    is_later = (opcode == 3 and block != 1) or (opcode == 4 and block != 0)
    return said(EITHER if is_later else REQUEST if opcode < 3 else REPLY)


def ike(payload: bytes, size: int) -> Said:
    """RFC 7296 sections 2.1, 2.2: SPI, message id, exchange, who asked; RFC 2408: the initiator's cookie."""
    if size == 1 and payload == b"\xff":  # RFC 3948 section 2.3: keep-alive
        return Said(CONVERSATION)
    if payload[:4] == bytes(4):  # RFC 3948 section 2.2: the marker; without it, it is ESP
        payload, size = payload[4:], size - 4
    needs(size > 8)
    spi, other, follows, version, exchange, flags, ident, length = Unpack("!8s8s4BII", payload.ljust(28, b"\0"))
    if version >> 4 == 1 and length == size and not flags & 1:
        if exchange in (1, 2, 3, 4) and follows == 1:
            return said(REPLY if any(other) else REQUEST, spi)
        return said(REPLY, spi) if (exchange, follows) == (5, 11) else Said(CONVERSATION)
    if version < 0x20 or length != size:
        return Said(CONVERSATION)
    is_reply = bool(flags & 0x20)
    key = (spi, ident, bool(flags & 8) != is_reply)
    if is_reply:
        return said(REPLY, (key, exchange), *[(key, "any"), spi][: 2 * (exchange == 37)])
    return said(REQUEST, (key, exchange), (key, "any"), *[spi][: exchange == 34])


def quic(payload: bytes, size: int) -> Said:
    """RFC 9000 section 7.2: what answers goes to the client's source ID; section 17.2.5: a Retry brings a token."""
    needs(payload[0] & 0x40 or (payload[0] & 0x80 and payload[1:5] == bytes(4)))
    version, at = payload[1:5], 6 + payload[5]
    is_2 = version == b"\x6b\x33\x43\xcf"
    is_known = is_2 or version == b"\0\0\0\1" or version[:3] == b"\xff\0\0"
    kind = ((payload[0] >> 4) + 3 * is_2) & 3
    if not payload[0] & 0x80 or (is_known and kind in (1, 2)):
        return Said(CONVERSATION)  # a short header, 0-RTT, Handshake
    end = at + 1 + payload[at]
    needs(end <= size)
    source, to = payload[at + 1 : end], payload[6:at]
    token = payload[end : end + 1 + payload[end]] if is_known and kind == 0 and 0 < payload[end] < 64 else b""
    mine = frozenset({source, (source, token)}) if source else frozenset()
    return Said(EITHER, mine, frozenset({to} - {b""}), weak=not source, continues=True)


def portmap(payload: bytes, size: int) -> Said:
    """RFC 5531 section 9: the xid."""
    xid, kind, version = Unpack("!III", payload)
    needs((kind == 1 and size >= 20) or (kind == 0 and version == 2 and size >= 40))
    return said(REPLY if kind else REQUEST, xid)


def nbdgm(payload: bytes, size: int) -> Said:
    """RFC 1002 section 5.3: DGM_ID; [MS-BRWS] 2.2.4: token; [MS-ADTS] 6.3.5: the mailslot that the answer goes to."""
    kind, ident, smb = payload[0], payload[2:4], payload.find(b"\xffSMB")
    needs(size >= 10 and 0x10 <= kind <= 0x16)
    if kind > 0x12 or smb < 0:
        return said(REPLY if kind in (0x13, 0x15, 0x16) else REQUEST, ident, announces=kind <= 0x12)
    slot = payload[smb + 69 :].partition(b"\0")[0].upper()  # [MS-CIFS] 2.2.4.33.1: a transaction, with a name and data
    data = payload[smb + Unpack("<H", payload, smb + 57)[0] :]
    if slot == b"\\MAILSLOT\\BROWSE" and data[0] in (9, 10):
        token = ("token", data[2:6])
        return said(REQUEST, ident, token) if data[0] == 9 else said(REPLY, token)
    if slot.startswith(b"\\MAILSLOT\\NET\\") and data[0] in (7, 0x12):  # a SAM LOGON request names a mailslot
        name = data.upper()[data.upper().find(b"\\MAILSLOT") :].partition(b"\0")[0]
        return said(REQUEST, ident, ("slot", name))
    if slot.startswith(b"\\MAILSLOT\\NET\\") or data[:1] in b"\x13\x15\x17\x19":
        return said(REPLY, ("slot", slot))
    return said(REQUEST, ident, announces=True)


def ipp(payload: bytes, size: int) -> Said:
    """CUPS browsing: a printer is announced, in words."""
    kind, state, address = payload.split(b" ")[:3]
    needs(int(kind, 16) >= 0 and int(state, 16) >= 0 and address.startswith(b"ipp:"))
    return said(REQUEST, announces=True)


def wsdiscovery(payload: bytes, size: int) -> Said:
    """WS-Discovery 1.1 section 4: RelatesTo = the request's MessageID."""
    parts = [element.partition(b">") for element in payload.split(b"<")[1:] if element[:1] != b"/"]
    text = {tag.split()[0].split(b":")[-1]: b"".join(value.split()) for tag, _, value in parts}
    action = text[b"Action"].split(b"/")[-1]
    if action in (b"Hello", b"Bye"):
        return Said(ANNOUNCEMENT)
    needs(action in (b"Probe", b"Resolve", b"ProbeMatches", b"ResolveMatches"))
    role, key = (REPLY, b"RelatesTo") if action.endswith(b"Matches") else (REQUEST, b"MessageID")
    return said(role, *[text[key]] if key in text else [])


def slp(payload: bytes, size: int) -> Said:
    """RFC 2608 section 8: the XID; section 12.2: a DAAdvert with XID 0 is unasked."""
    version, function, xid = payload[0], payload[1], payload[10:12]
    needs(size >= 12 and version in (1, 2) and 1 <= function <= 11)
    if function == 8 and xid == bytes(2):
        return Said(ANNOUNCEMENT)
    return said(REQUEST if function in (1, 3, 4, 6, 9) else REPLY, xid)


def natpmp(payload: bytes, size: int) -> Said:
    """RFC 6886 section 3.3: the port to be mapped; RFC 6887 section 11.1: the nonce; a refusal has the opcode alone."""
    version, opcode, is_reply = payload[0], payload[1] & 0x7F, payload[1] >> 7
    needs(version == 2 or (version == 0 and opcode <= 2))
    if is_reply and payload[3] == 1:
        return said(REPLY, ("refused", opcode))
    told = Unpack("!12s", payload, 24) if version == 2 and opcode in (1, 2) else ()
    told = Unpack("!H", payload, 8 if is_reply else 4) if version == 0 and opcode else told
    key = (version, opcode, told)
    return said(REPLY, key) if is_reply else said(REQUEST, key, ("refused", opcode))


def stun(payload: bytes, size: int) -> Said:
    """RFC 8489 section 5: the transaction id; indications, channel data and media have none."""
    message = dpkt.stun.STUN(payload.ljust(20, b"\0"))
    if 0x4000 <= message.type < 0x8000 or 128 <= message.type >> 8 < 192 or message.type >> 8 == 23:
        return said(EITHER)
    needs(message.type < 0x4000 and message.len + 20 == size)
    if message.type & 0x0110 == 0x0010:
        return said(EITHER)
    return said(REPLY if message.type & 0x0110 else REQUEST if message.type == 1 else EITHER, message.xid)


def coap(payload: bytes, size: int) -> Said:
    """RFC 7252 section 5.2: the message ID in an acknowledgement or reset, else the token."""
    head, code, ident = Unpack("!BBH", payload)
    kind, length = head >> 4 & 3, head & 15
    needs(head >> 6 == 1 and length <= 8 and size >= 4 + length and (code <= 7 or code >> 5 in (2, 4, 5)))
    needs(code or (kind != 1 and not length))
    by_id, by_token = ("id", ident), ("token", payload[4 : 4 + length])
    if code == 0:
        return said(REPLY if kind else REQUEST, by_id, interim=kind == 2)
    return said(REQUEST, by_id, by_token) if code <= 7 else said(REPLY, by_id if kind == 2 else by_token)


def memcached(payload: bytes, size: int) -> Said:
    """protocol.txt, "UDP protocol": the request id; replies take several datagrams."""
    ident, number, total, _, first = Unpack("!4Hc", payload)
    needs(number < total)
    if number or first == b"\x81" or b"0" <= first <= b"9" or b"A" <= first <= b"Z":
        return said(REPLY, ident, interim=total > 1)
    needs(first == b"\x80" or b"a" <= first <= b"z")
    return said(REQUEST, ident)


SERVICES: dict[str, Callable[[bytes, int], Said]] = {
    "ntp": ntp, "nbns": nbns, "mdns": mdns, "dns": dns, "llmnr": dns, "snmp": snmp, "ssdp": ssdp, "dhcp": dhcp,
    "tftp": tftp, "sip": sip, "kerberos": kerberos, "ldap": ldap, "ike": ike, "quic": quic, "portmap": portmap,
    "echo": echo, "nbdgm": nbdgm, "ipp": ipp, "wsdiscovery": wsdiscovery, "slp": slp, "dhcpv6": dhcpv6,
    "natpmp": natpmp, "stun": stun, "coap": coap, "memcached": memcached,
}  # fmt: skip
