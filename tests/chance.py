"""Captures by chance: few hosts, few ports, few keys, so that all that pairing knows of meets often.

`chance(seed)` is a pcapng file with two Ethernet interfaces; the same seed gives the same octets.
"""

import random
import struct
from collections.abc import Callable
from ipaddress import ip_address

from tests.build import (
    dns,
    dns_message,
    dns_name,
    enhanced,
    ethernet,
    icmp,
    icmp_error,
    interface,
    ipv6,
    ntp,
    question,
    record,
    section,
    tcp,
    udp,
)

START = 1_764_500_000
# Each host with its addresses of both families; the first two are two addresses of one host.
HOSTS = (
    ("192.0.2.10", "2001:db8::10", "020000000010"),
    ("192.0.2.11", "2001:db8::11", "020000000010"),
    ("192.0.2.20", "2001:db8::20", "020000000020"),
    ("198.51.100.7", "2001:db8:7::7", "020000000001"),
)
CLIENT_PORTS = (40000, 40001, 123, 137, 5353, 5060, 161, 53)
PLAIN_PORTS = (7777, 9999, 514, 1812)
STEPS = (0, 1, 40, 900, 1100, 20_000, 400_000, 2_900_000, 3_100_000, 5_100_000, 11_000_000, 31_000_000, 61_000_000)
MULTICAST = {"mdns": ("224.0.0.251", "ff02::fb"), "ssdp": ("239.255.255.250", "ff02::c")}

Make = Callable[[random.Random, int, bool], bytes]


def make_ntp(draw: random.Random, key: int, reply: bool) -> bytes:
    mode = draw.choice((3, 3, 3, 1)) if not reply else draw.choice((4, 4, 4, 2))
    if reply:
        return ntp(mode, origin=key, transmit=draw.randrange(1, 1 << 32), receive=5)
    return ntp(mode, transmit=key, receive=draw.choice((0, 0, key + 1)), origin=draw.choice((0, 1, 2)))


def make_dns(draw: random.Random, key: int, reply: bool) -> bytes:
    name = draw.choice(("a.example", "A.example", "b.example"))
    kind = draw.choice((dns(key, name, response=reply),) * 4 + (dns_message(key, 0x8183 if reply else 0x100),))
    return kind if draw.random() > 0.1 else kind[: draw.randrange(1, len(kind))]


def make_nbns(draw: random.Random, key: int, reply: bool) -> bytes:
    name = "".join(
        chr(65 + (octet >> 4)) + chr(65 + (octet & 15)) for octet in draw.choice((b"*" + bytes(15), b"AB" * 8))
    )
    body = dns_name(name)
    kind = draw.choice((0x20, 0x21))
    if reply:
        return struct.pack(">6H", key, 0x8500, 0, 1, 0, 0) + record(body, kind, data=bytes(6))
    flags = draw.choice((0x0010, 0x0010, 0x2910))
    return struct.pack(">6H", key, flags, 1, 0, 0, 0) + question(body, kind)


def make_mdns(draw: random.Random, key: int, reply: bool) -> bytes:
    names = draw.sample(("a.local", "b.local", "c.local"), draw.choice((1, 1, 2)))
    if reply:
        ttl = draw.choice((120, 120, 120, 0))
        return dns_message(0, 0x8400, answers=[record(name, 1, ttl=ttl) for name in names])
    return dns_message(key, 0, [question(name, draw.choice((1, 1, 255, 12))) for name in names])


def make_ssdp(draw: random.Random, key: int, reply: bool) -> bytes:
    target = ("upnp:rootdevice", "ssdp:all", "urn:x")[key % 3]
    first = "HTTP/1.1 200 OK" if reply else draw.choice(("M-SEARCH * HTTP/1.1",) * 5 + ("NOTIFY * HTTP/1.1",))
    return f"{first}\r\nST: {target}\r\nMX: {draw.choice((1, 2))}\r\n\r\n".encode()


def make_snmp(draw: random.Random, key: int, reply: bool) -> bytes:
    pdu = draw.choice((0xA2,)) if reply else draw.choice((0xA0, 0xA0, 0xA1, 0xA4))
    body = bytes([2, 1, key & 0x7F, 2, 1, 0, 2, 1, 0, 0x30, 0])
    body = bytes([2, 1, 1, 4, 1, 0x70, pdu, len(body)]) + body
    return bytes([0x30, len(body)]) + body


def make_tftp(draw: random.Random, key: int, reply: bool) -> bytes:
    if reply:
        return draw.choice((b"\0\3\0\1data", b"\0\3\0\2data", b"\0\4\0\0", b"\0\5\0\1no\0", b"\0\6a\0b\0"))
    return b"\0\1file%d\0octet\0" % key


def make_dhcp(draw: random.Random, key: int, reply: bool) -> bytes:
    kind = draw.choice((2, 5, 6)) if reply else draw.choice((1, 3, 8))
    head = bytes([2 if reply else 1, 1, 6, 0]) + struct.pack(">I", key) + bytes(228)
    return head + bytes.fromhex("63825363") + bytes([53, 1, kind, 255])


def make_sip(draw: random.Random, key: int, reply: bool) -> bytes:
    first = (
        draw.choice(("SIP/2.0 200 OK", "SIP/2.0 100 Trying"))
        if reply
        else draw.choice(("OPTIONS sip:a SIP/2.0", "INVITE sip:a SIP/2.0", "ACK sip:a SIP/2.0"))
    )
    method = "INVITE" if reply else first.partition(" ")[0]
    return f"{first}\r\nCall-ID: {key}\r\nCSeq: 1 {method}\r\n\r\n".encode()


def make_plain(draw: random.Random, key: int, reply: bool) -> bytes:
    return bytes([key & 0xFF, int(reply)]) * draw.choice((0, 1, 4))


SERVICES: dict[str, tuple[int, Make]] = {
    "ntp": (123, make_ntp),
    "dns": (53, make_dns),
    "nbns": (137, make_nbns),
    "mdns": (5353, make_mdns),
    "ssdp": (1900, make_ssdp),
    "snmp": (161, make_snmp),
    "tftp": (69, make_tftp),
    "dhcp": (67, make_dhcp),
    "sip": (5060, make_sip),
    **{f"plain{port}": (port, make_plain) for port in PLAIN_PORTS},
}


class Talk:
    """A capture that grows frame by frame; what was asked is remembered, to be answered."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.time = 0
        self.ident = 1
        self.frames: list[tuple[int, int, bytes]] = []
        self.asked: list[tuple[str, int, int, int, int, int, int, bytes]] = []
        self.packets: list[tuple[int, bytes]] = []

    def send(self, sender: int, receiver: int | str, family: int, protocol: int, payload: bytes) -> bytes:
        """Put a packet on an interface; sometimes a copy of it on the other, or one hop on."""
        draw = self.draw
        source = HOSTS[sender][family]
        group = isinstance(receiver, str)
        destination = receiver if isinstance(receiver, str) else HOSTS[receiver][family]
        self.ident += draw.choice((1, 1, 1, 0))
        packet = self.packet(source, destination, protocol, payload, 64)
        macs = bytes.fromhex(HOSTS[sender][2]), b"\xff" * 6 if group else bytes.fromhex(HOSTS[int(receiver)][2])
        place = draw.choice((0, 0, 0, 1))
        self.put(place, packet, macs)
        chance = draw.random()
        if chance < 0.05:
            self.time += draw.choice((0, 10, 900))
            self.put(1 - place, packet, macs)
        elif chance < 0.08:
            self.put(place, self.packet(source, destination, protocol, payload, 63), macs)
        return packet

    def packet(self, source: str, destination: str, protocol: int, payload: bytes, ttl: int) -> bytes:
        """An IP packet of either family."""
        if ":" in source:
            return (
                ipv6(source, destination, 58 if protocol == 1 else protocol, payload)[:7]
                + bytes([ttl])
                + (ipv6(source, destination, 58 if protocol == 1 else protocol, payload)[8:])
            )
        head = struct.pack(">2B3H2BH", 0x45, 0, 20 + len(payload), self.ident & 0xFFFF, 0, ttl, protocol, 0)
        return head + ip_address(source).packed + ip_address(destination).packed + payload

    def put(self, place: int, packet: bytes, macs: tuple[bytes, bytes]) -> None:
        """A frame."""
        kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
        self.frames.append((place, self.time, ethernet(packet, kind, *macs)))

    def ask(self) -> None:
        """A request of one of the services, from one of the ports, to a host or a group."""
        draw = self.draw
        name = draw.choice(tuple(SERVICES))
        port, make = SERVICES[name]
        client, server = draw.sample(range(len(HOSTS)), 2)
        client_port, family, key = (
            draw.choice((*CLIENT_PORTS, port)),
            draw.choice((0, 0, 0, 1)),
            draw.choice((0, 1, 2, 3)),
        )
        if name == "dhcp":
            client_port, family = draw.choice((68, 67)), 0
        payload = make(draw, key, False)
        to: int | str = server
        if name in MULTICAST and draw.random() < 0.5:
            to = MULTICAST[name][family]
        elif family == 0 and draw.random() < 0.08:
            to = "255.255.255.255"
        sent = self.send(client, to, family, 17, udp(client_port, port, payload))
        self.asked.append((name, client, client_port, server, port, family, key, payload))
        if isinstance(to, int):
            self.packets.append((server, sent))

    def ask_again(self) -> None:
        """A request once more, or from elsewhere."""
        if not self.asked:
            return
        name, client, client_port, server, port, family, key, payload = self.draw.choice(self.asked[-4:])
        self.send(client, server, family, 17, udp(client_port, port, payload))
        self.asked.append((name, client, client_port, server, port, family, key, payload))

    def answer(self) -> None:
        """A reply to a request: mostly as it should be, sometimes late, twice, with another key or from elsewhere."""
        if not self.asked:
            return
        draw = self.draw
        name, client, client_port, server, port, family, key, _ = draw.choice(self.asked[-5:])
        chance = draw.random()
        if chance < 0.1:
            key = draw.choice((0, 1, 2, 3))
        elif chance < 0.17:
            port = draw.choice((port + 1, 49152))
        elif chance < 0.24:
            server = draw.choice([host for host in range(len(HOSTS)) if host != client])
        elif chance < 0.28:
            client_port = draw.choice(CLIENT_PORTS)
        payload = SERVICES[name][1](draw, key, True)
        if chance > 0.95:
            payload = bytes([draw.randrange(256)]) * draw.choice((1, 9, 60))
        if name == "mdns" and draw.random() < 0.6:
            self.send(server, MULTICAST[name][family], family, 17, udp(5353, 5353, payload))
            return
        self.send(server, client, family, 17, udp(port, client_port, payload))

    def reject(self) -> None:
        """An ICMP error about one of the last requests, of its host or of another one."""
        if not self.packets:
            return
        draw = self.draw
        server, packet = draw.choice(self.packets[-4:])
        kind, code = (
            draw.choice(((3, 3), (3, 13), (3, 4), (11, 0)))
            if packet[0] >> 4 == 4
            else draw.choice(((1, 4), (1, 1), (3, 0)))
        )
        sender = draw.choice((server, server, server, 1, 2))
        family = int(packet[0] >> 4 == 6)
        error = icmp_error(packet, kind, code, sender=HOSTS[sender][family], octets=draw.choice((8, 512)))
        destination = HOSTS[3][2]
        self.put(draw.choice((0, 0, 1)), error, (bytes.fromhex(HOSTS[sender][2]), bytes.fromhex(destination)))

    def connect(self) -> None:
        """A SYN, and some of what may follow it."""
        draw = self.draw
        client, server = draw.sample(range(len(HOSTS)), 2)
        family, port, client_port = draw.choice((0, 0, 1)), draw.choice((22, 80)), draw.choice((50000, 50001))
        sequence, answer = draw.choice((100, 100, 200)), draw.choice((900, 901))
        sent = self.send(client, server, family, 6, tcp(client_port, port, "S", sequence))
        self.packets.append((server, sent))
        steps = {
            "synack": (server, client, tcp(port, client_port, "SA", answer, sequence + 1)),
            "foreign": (server, client, tcp(port, client_port, "SA", answer, 7)),
            "challenge": (server, client, tcp(port, client_port, "A", answer, 7)),
            "refuse": (server, client, tcp(port, client_port, "RA", 0, sequence + 1)),
            "reset": (server, client, tcp(port, client_port, "R", answer)),
            "stranger": (server, client, tcp(port, client_port, "RA", 0, 7)),
            "ack": (client, server, tcp(client_port, port, "A", sequence + 1, answer + 1)),
            "data": (client, server, tcp(client_port, port, "PA", sequence + 1, answer + 1, b"hello")),
            "banner": (server, client, tcp(port, client_port, "PA", answer + 1, sequence + 1, b"220")),
            "give up": (client, server, tcp(client_port, port, "R", sequence + 1)),
            "again": (client, server, tcp(client_port, port, "S", sequence)),
        }
        for name in draw.choices(tuple(steps), (8, 1, 1, 3, 1, 1, 4, 2, 1, 2, 2), k=draw.randrange(4)):
            self.pause()
            sender, receiver, segment = steps[name]
            self.send(sender, receiver, family, 6, segment)

    def ping(self) -> None:
        """An echo request, perhaps with its reply."""
        draw = self.draw
        client, server = draw.sample(range(len(HOSTS)), 2)
        family, rest = draw.choice((0, 0, 1)), struct.pack(">HH", 1, draw.choice((1, 2)))
        sent = self.send(client, server, family, 1, icmp(128 if family else 8, rest=rest))
        self.packets.append((server, sent))
        if draw.random() < 0.6:
            self.pause()
            self.send(server, client, family, 1, icmp(129 if family else 0, rest=rest))

    def probe(self) -> None:
        """First datagrams from a registered port to ephemeral ones, as `nmap -g 53` sends them."""
        draw = self.draw
        client, server = draw.sample(range(len(HOSTS)), 2)
        for port in draw.sample((40000, 40001, 49152, 49153), draw.choice((1, 2, 3))):
            sent = self.send(client, server, 0, 17, udp(draw.choice((514, 1812)), port, b"probe"))
            self.packets.append((server, sent))

    def pause(self) -> None:
        """Time goes on, mostly a little."""
        self.time += self.draw.choices(STEPS, (2, 3, 6, 4, 3, 8, 4, 2, 1, 1, 1, 1, 1))[0]

    def early(self) -> None:
        """The last two frames of one interface change places in the file, not in time."""
        if len(self.frames) > 1 and self.frames[-1][0] == self.frames[-2][0]:
            (place, first, one), (_, second, other) = self.frames[-2:]
            if second - first < 900:
                self.frames[-2:] = [(place, first, other), (place, first, one)]

    def octets(self) -> bytes:
        """The capture."""
        blocks = [section(), interface(1), interface(1)]
        blocks += [enhanced(place, START * 1_000_000 + time, frame) for place, time, frame in self.frames]
        return b"".join(blocks)


def chance(seed: int, steps: int = 24) -> bytes:
    """A capture of about so many steps."""
    talk = Talk(seed)
    acts = (talk.ask, talk.answer, talk.ask_again, talk.reject, talk.connect, talk.ping, talk.probe, talk.early)
    for _ in range(talk.draw.randrange(1, steps)):
        talk.draw.choices(acts, (8, 9, 2, 2, 2, 1, 1, 1))[0]()
        talk.pause()
    return talk.octets()
