"""What a message says to pairing: whether it asks or answers, and the keys that a request and its reply share.

One function a service: a payload and its size on the wire in, `Said` out. Services that are not here are not read.
"""

import re
import struct
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import NamedTuple

import dpkt

from capanalyze.protocols import GENERIC_UDP, ICMP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import Protocol
from capanalyze.reference.frames import ACK, FIN, RST, SYN, Message, UnreadError

REQUEST, REPLY, ANNOUNCEMENT = "request", "reply", "announcement"
EITHER = "either"  # only the port tells who asks
CONVERSATION = "conversation"  # nothing but the endpoints tell what belongs together
OTHER, MALFORMED, UNREAD = "other", "malformed", "unread"  # neither of both; not that service's; not of this reference

Unpack = struct.unpack_from
SERVED = {port: one for one in reversed(PROTOCOLS) if one.transport == "udp" for port in one.ports}
BY_TRANSPORT = {"udp": PROTOCOLS[GENERIC_UDP], "tcp": PROTOCOLS[TCP], "icmp": PROTOCOLS[ICMP]}

# Messages that draw no reply, by their first octets (`silence.BY_PAYLOAD` has the sources).
RTCP, PTP, RIP = rb"[\x80-\x9f][\xc8\xc9].{6}", rb"[\0\1\3\x08-\x0b\x10\x11\x13\x18-\x1b][\2\x12].{2}", rb"\x02.{3}"
ART_NET, MNDP = rb"Art-Net\0\0[\x50-\x52]", rb".{4}\0\x01\0\x06"
TOLD_ON = {162: rb".", 319: PTP, 320: PTP, 520: RIP, 521: RIP, 5004: rb"[\x80-\xbf].{11}", 5678: MNDP, 6454: ART_NET}


class Said(NamedTuple):
    """What a message says: `asks` are its keys as a request, `answers` those of requests that it may answer.

    `weak`: no key tells it from others. `interim`: more replies follow. `announces`: unanswered, what went to a group
    was an announcement. `service`: its name, where several share a port. `known`: records that it does not ask for.
    """

    role: str
    asks: frozenset[Hashable] = frozenset()
    answers: frozenset[Hashable] = frozenset()
    weak: bool = False
    interim: bool = False
    announces: bool = False
    service: str = ""
    known: frozenset[Hashable] = frozenset()

    @property
    def is_keyless(self) -> bool:
        """Whether no key tells a request from others of its endpoints."""
        return self.weak or not self.asks


def said(role: str, *keys: Hashable, weak: bool = False, announces: bool = False, interim: bool = False) -> Said:
    """A request or a reply with these keys; without any it is weak."""
    asks, answers = keys if role != REPLY else (), keys if role != REQUEST else ()
    return Said(role, frozenset(asks), frozenset(answers), weak or not keys, interim, announces)


def needs(condition: object) -> None:
    """Refuse a message unless this holds: it is not that service's."""
    if not condition:
        raise ValueError


def read(protocol: Protocol, payload: bytes, size: int) -> Said:
    """What a service says of a payload. Whatever dpkt throws, the message is malformed; a cut one is only weak."""
    if protocol.name not in SERVICES:
        return Said(UNREAD)
    try:
        needs(size or protocol.empty_asks)
        return SERVICES[protocol.name](payload, size)
    except ValueError:
        return Said(MALFORMED)
    except Exception:  # noqa: BLE001 - dpkt raises what comes
        return Said(EITHER, weak=True) if len(payload) < size else Said(MALFORMED)


def tell(one: Message) -> None:
    """Note which service a message is of: that of the port asked, unless only the other end's makes sense of it."""
    one.port, ports = one.destination.port, SERVED if one.transport == "udp" else {}
    here, there = ports.get(one.port or 0), ports.get(one.source.port or 0)
    one.protocol, one.said = here or BY_TRANSPORT[one.transport], alone(one)
    if here or not ports:
        one.said = read(here, one.payload, one.size) if here else tcp(one) if one.transport == "tcp" else icmp(one)
    if there not in (None, here) and not (here and one.said.role in (REQUEST, EITHER) and not one.said.weak):
        back = read(there, one.payload, one.size)
        if back.role in (REPLY, EITHER, UNREAD) or (not here and back.role != REQUEST):
            one.protocol, one.port, one.said = there, one.source.port, back
    if one.said.role == UNREAD:
        raise UnreadError(one.protocol.name)
    if one.quoted:
        tell(one.quoted)


def alone(one: Message) -> Said:
    """UDP of which only endpoints tell; what its port is only told announces itself to a group."""
    rules = [TOLD_ON.get(one.destination.port or 0), RTCP] if one.transport == "udp" else []
    return Said(CONVERSATION, announces=any(rule and re.match(rule, one.payload, re.DOTALL) for rule in rules))


def service_of(one: Message, port: int | None) -> str:
    """The name of a message's service; without a module it is called by the port."""
    by_port = SERVED.get(port or 0) if one.transport == "udp" else None
    module = one.protocol if one.protocol.ports or port is None else by_port
    return one.said.service or (module.name if module else f"{one.transport}/{port}")


def tcp(one: Message) -> Said:
    """RFC 9293 section 3.5: acknowledgement = sequence + 1; RFC 7413: or what came along with the SYN, too."""
    flags, sequence, acknowledgement = one.tcp
    kind = flags & (SYN | ACK | FIN | RST)
    if kind & ~FIN == SYN | ACK:
        return said(REPLY, acknowledgement)
    if kind == SYN:
        return said(REQUEST, *{(sequence + 1 + data) & 0xFFFFFFFF for data in (0, max(0, one.size))})
    return Said(OTHER, answers=frozenset([acknowledgement] if kind & ACK else []))


def icmp(one: Message) -> Said:
    """RFC 792, RFC 950, RFC 4443 section 4: the type that asks, identifier and sequence number."""
    kind, rest = one.icmp[0], one.payload[4:8]
    if kind in (8, 13, 15, 17, 128):
        return said(REQUEST, (kind, rest))
    asked = {0: 8, 14: 13, 16: 15, 18: 17, 129: 128}.get(kind)
    return said(REPLY, (asked, rest)) if asked else Said(OTHER)


def ntp(payload: bytes, size: int) -> Said:
    """RFC 5905 section 8: origin = transmit (RFC 9769: or receive); version 5: the cookie; modes 6, 7: RFC 9327."""
    mode, version = payload[0] & 7, payload[0] >> 3 & 7
    if mode in (6, 7):
        needs(size >= (12 if mode == 6 else 8))
        first, second, rest = Unpack("!BBH", payload)
        role = REPLY if (second if mode == 6 else first) & 0x80 else REQUEST
        one = said(role, (mode, second & 31 if mode == 6 else 0, rest), interim=role == REPLY)
        return one._replace(service="ntp-control" if mode == 6 else "ntp-private")
    needs(mode and size >= 48)
    message, zero = dpkt.ntp.NTP(payload), bytes(8)
    origin = {message.originate_time} - {zero}
    if mode not in (1, 3):
        return Said(ANNOUNCEMENT) if mode == 5 else said(REPLY, *origin)
    sent = {message.transmit_time, message.receive_time} - {zero} if message.transmit_time != zero else set()
    asks = said(REQUEST, *(origin if version == 5 else sent))
    return asks._replace(answers=frozenset(origin)) if mode == 1 and sent else asks  # peers answer by asking


def names(payload: bytes) -> tuple[list[tuple[str, int, int]], list[tuple[str, int, Hashable, int]]]:
    """RFC 1035 section 4.1: questions (name, type, class), answers (name, type, data, lifetime), as far as is read."""
    _, _, questions, answers, *_ = Unpack("!6H", payload)
    asked, told, at = [], [], 12
    with suppress(dpkt.UnpackError, struct.error, UnicodeDecodeError):
        for number in range(questions + answers):
            text, at = dpkt.dns.unpack_name(payload, at)
            kind, group = Unpack("!HH", payload, at)
            if number < questions:
                asked.append((text.lower(), kind, group & 0x7FFF))
                at += 4
            else:
                lifetime, length = Unpack("!IH", payload, at + 4)
                data = dpkt.dns.unpack_name(payload, at + 10)[0] if kind in (2, 5, 12) else payload[at + 10 :][:length]
                told.append((text.lower(), kind, data, lifetime))
                at += 10 + length
    return asked, told


def nbns(payload: bytes, size: int) -> Said:
    """RFC 1002 section 4.2.1: transaction id and name; the id alone where the reply has no name."""
    ident, flags, questions, *_ = Unpack("!6H", payload)
    (asked, told), opcode = names(payload), flags >> 11 & 15
    name = [one[0] for one in asked + told][:1]
    if flags & 0x8000:
        return said(REPLY, (ident, *name), interim=opcode == 7)  # 7: wait for acknowledgement
    needs(questions == 1 and (name or len(payload) < size))
    return said(REQUEST, (ident,), (ident, *name), announces=opcode != 0)


def dns(payload: bytes, size: int) -> Said:
    """RFC 1035 section 4.1, RFC 9619: id and question; the id where one side has no question."""
    ident, flags, questions, *_ = Unpack("!6H", payload)
    asked = [one[:2] for one in names(payload)[0]] if questions == 1 else []
    needs(asked or not questions or len(payload) < size)
    if flags & 0x8000:
        return said(REPLY, *[(ident, asked[0]), (ident, "nothing")] if asked else [(ident, "anything")])
    return said(REQUEST, (ident, "anything"), (ident, asked[0] if asked else "nothing"), weak=not questions)


def mdns(payload: bytes, size: int) -> Said:
    """RFC 6762 section 6: a question is answered by a record of its name and type, or of any (255)."""
    _, flags, questions, records, authorities, _ = Unpack("!6H", payload)
    asked, told = names(payload)
    if flags & 0x7800:  # section 18.3: another opcode is ignored
        return said(REQUEST)
    known = frozenset(one[:3] for one in told if one[3])  # section 10.1: without a lifetime it is a goodbye
    if flags & 0x8000:
        needs(told or len(asked) == questions + records)
        keys = {(name, each) for name, kind, _ in known for each in (kind, 255)}
        alone = known if len(known) == 1 else frozenset()
        return Said(ANNOUNCEMENT) if records and not known else said(REPLY, *keys)._replace(known=alone)
    needs(asked)
    wanted = {(name, kind) for name, kind, group in asked if group in (1, 255)}  # the Internet's, or any class
    return said(REQUEST, *wanted, announces=authorities > 0)._replace(known=known)  # section 8.1: a probe


def kerberos(payload: bytes, size: int) -> Said:
    """RFC 4120 section 5: there is no key; no reply says which request it answers."""
    needs(payload[0] in b"\x6a\x6c\x6b\x6d\x7e")
    return said(REQUEST if payload[0] in b"\x6a\x6c" else REPLY)


def ssdp(payload: bytes, size: int) -> Said:
    """UPnP Device Architecture 2.0 section 1.3: the search target, which `ssdp:all` asks for whatever it is."""
    lines = [line.partition(b":") for line in payload.split(b"\r\n\r\n")[0].split(b"\n")[1:]]
    target = [b"".join(value.split()).lower() for name, _, value in lines if name.strip().lower() == b"st"][:1]
    if payload[:4] in (b"M-SE", b"NOTI"):
        return said(REQUEST, *target) if payload[:1] == b"M" else Said(ANNOUNCEMENT)
    needs(payload[:4] == b"HTTP")
    return said(REPLY, *target, *[b"ssdp:all" for _ in target])


def dhcp(payload: bytes, size: int) -> Said:
    """RFC 2131 section 4.1: the xid; an OFFER answers a DISCOVER, an ACK or NAK also what follows."""
    op, xid, kind = payload[0], payload[4:8], payload[240:].partition(b"\x35\1")[2][:1]  # option 53, an octet
    needs(size >= 236 and op in (1, 2))
    if op == 2:
        return said(REPLY, (xid, "offer" if kind == b"\2" else "end"))
    return said(REQUEST, (xid, "end"), *[(xid, "offer")][: kind == b"\1"])


def tftp(payload: bytes, size: int) -> Said:
    """RFC 1350 section 4: the first block, an ACK of block 0, an OACK or an ERROR answers; there is no key."""
    opcode, block = Unpack("!HH", payload)
    needs(1 <= opcode <= 6)
    is_later = (opcode == 3 and block != 1) or (opcode == 4 and block != 0)
    return said(CONVERSATION if is_later else REQUEST if opcode < 3 else REPLY)


SERVICES: dict[str, Callable[[bytes, int], Said]] = {
    **{one.__name__: one for one in (ntp, nbns, mdns, dns, kerberos, ssdp, dhcp, tftp)}, "llmnr": dns,
    # RFC 863 to 868, Apple Remote Desktop: any datagram asks, any answers.
    **dict.fromkeys(("discard", "daytime", "qotd", "chargen", "time", "ard"), lambda *_: said(EITHER)),
}  # fmt: skip
