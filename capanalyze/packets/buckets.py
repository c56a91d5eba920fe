"""Buckets of the account of frames: what each is called, and whether a service's reply may hide in it.

Numbers and names of EtherTypes and of IP and PPP protocols are IANA's (https://www.iana.org/assignments/ieee-802-numbers,
…/protocol-numbers, …/ppp-numbers) unless they are not assigned.
"""

from collections.abc import Callable
from typing import NamedTuple

from capanalyze.packets.link_names import LINK_NAMES
from capanalyze.packets.steps import (
    AGGREGATED,
    ENCRYPTED,
    LATER_FRAGMENT,
    LEFT_OUT,
    MALFORMED_HEADER,
    MESSAGE,
    NO_INTERFACE,
    NOT_A_PACKET,
    NOT_IP,
    OTHER_ICMP,
    SEGMENT,
    TOO_DEEP,
    TRUNCATED,
    UNREAD_ETHERTYPE,
    UNREAD_FAMILY,
    UNREAD_INSIDE,
    UNREAD_LINK,
    UNREAD_PPP,
    UNREAD_PROTOCOL,
)


class Bucket(NamedTuple):
    """Some frames: what a report calls them, and whether a reply of an IP service may be among them."""

    words: str
    hides: bool


# By the reason why a walk through a frame ends. Those of what is not read are for the numbers that had no room.
BUCKETS: dict[int, Bucket] = {
    MESSAGE: Bucket("messages", hides=False),
    SEGMENT: Bucket("TCP segments without data, inside connections", hides=False),
    NOT_IP: Bucket("not IP (ARP, link control, management)", hides=False),
    OTHER_ICMP: Bucket("ICMP that neither asks nor rejects (neighbour discovery, redirects)", hides=False),
    LATER_FRAGMENT: Bucket("later fragments", hides=False),
    TRUNCATED: Bucket("cut by the snap length before the ports", hides=True),
    MALFORMED_HEADER: Bucket("malformed headers", hides=True),
    TOO_DEEP: Bucket("headers nested too deep", hides=True),
    ENCRYPTED: Bucket("encrypted frames (Wi-Fi, MACsec, DOCSIS)", hides=True),
    AGGREGATED: Bucket("aggregated wireless frames, not read", hides=True),
    UNREAD_INSIDE: Bucket("tunnels and labels around something that is not read", hides=True),
    NO_INTERFACE: Bucket("of an interface that the capture does not describe", hides=True),
    NOT_A_PACKET: Bucket("records without a packet (custom blocks, journal entries)", hides=False),
    LEFT_OUT: Bucket("of interfaces that were not asked for", hides=False),
    UNREAD_LINK: Bucket("other link types, not read", hides=True),
    UNREAD_ETHERTYPE: Bucket("other EtherTypes, not read", hides=True),
    UNREAD_PROTOCOL: Bucket("other IP protocols, not read", hides=True),
    UNREAD_PPP: Bucket("other PPP protocols, not read", hides=True),
    UNREAD_FAMILY: Bucket("other address families, not read", hides=True),
}

# What may carry IP, or a service's replies in another transport.
ETHERTYPES = {
    0x22EB: "ERSPAN III", 0x6559: "frame relay", 0x876B: "compressed TCP/IP", 0x88B5: "local experimental 1",
    0x88B6: "local experimental 2", 0x88B7: "experimental with an OUI", 0x88BE: "ERSPAN", 0xD28B: "Arista time stamp",
}  # fmt: skip
IP_PROTOCOLS = {
    33: "DCCP", 50: "ESP", 55: "minimal encapsulation", 94: "IPIP", 98: "encapsulation", 108: "IPComp", 113: "PGM",
    132: "SCTP", 136: "UDP-Lite", 141: "WESP", 142: "ROHC", 144: "AGGFRAG", 253: "experimental", 254: "experimental",
}  # fmt: skip
PPP_PROTOCOLS = {
    0x0003: "ROHC", 0x0005: "ROHC", 0x002D: "compressed TCP/IP", 0x002F: "uncompressed TCP/IP",
    0x0031: "bridged frames", 0x003D: "multilink", 0x0053: "encrypted", 0x0055: "encrypted link",
    0x00FB: "compressed link", 0x00FD: "compressed",
}  # fmt: skip

# What carries neither: routing, clocks, field buses, storage, networks of their own.
ETHERTYPES_WITHOUT_IP = {
    0x0600: "XNS", 0x0BAD: "VINES", 0x22EA: "stream reservation", 0x22F0: "AVTP", 0x22F4: "L2-IS-IS", 0x6001: "MOP",
    0x6002: "MOP", 0x6003: "DECnet", 0x6004: "LAT", 0x6007: "DEC clusters", 0x80D5: "SNA", 0x809B: "AppleTalk",
    0x80F3: "AppleTalk ARP", 0x8137: "IPX", 0x8892: "PROFINET", 0x8899: "Realtek", 0x88A2: "ATA over Ethernet",
    0x88A4: "EtherCAT", 0x88B8: "GOOSE", 0x88BA: "sampled values", 0x88CA: "TIPC", 0x88CD: "SERCOS", 0x88D9: "LLTD",
    0x88E1: "HomePlug", 0x88E3: "MRP", 0x88F7: "PTP", 0x88FB: "PRP", 0x8902: "connectivity faults", 0x8906: "FCoE",
    0x8914: "FCoE initialisation", 0x8915: "RoCE", 0x8929: "MIRP", 0x893A: "IEEE 1905", 0x8940: "ECP",
}  # fmt: skip
IP_PROTOCOLS_WITHOUT_IP = {
    2: "IGMP", 8: "EGP", 9: "IGP", 46: "RSVP", 54: "NARP", 59: "no next header", 88: "EIGRP", 89: "OSPF", 103: "PIM",
    112: "VRRP", 124: "IS-IS", 133: "Fibre Channel", 138: "MANET", 240: "pfsync",
}  # fmt: skip
PPP_PROTOCOLS_WITHOUT_IP = {0x0023: "OSI", 0x0029: "AppleTalk", 0x002B: "IPX", 0x003F: "NetBIOS"}
LINKS_WITHOUT_IP = {
    number: LINK_NAMES[number] for number in (139, 140, 141, 142, 209, 212, 227, 231, 235, 253, 257, 264, 275)
}


class Numbers(NamedTuple):
    """What is not read of one sort: how a number is written, and the names of those that may hide a reply or cannot."""

    written: Callable[[int], str]
    may_hide: dict[int, str]
    cannot: dict[int, str]


NUMBERS: dict[int, Numbers] = {
    UNREAD_LINK: Numbers("link type {}".format, LINK_NAMES, LINKS_WITHOUT_IP),
    UNREAD_ETHERTYPE: Numbers("EtherType 0x{:04x}".format, ETHERTYPES, ETHERTYPES_WITHOUT_IP),
    UNREAD_PROTOCOL: Numbers("IP protocol {}".format, IP_PROTOCOLS, IP_PROTOCOLS_WITHOUT_IP),
    UNREAD_PPP: Numbers("PPP protocol 0x{:04x}".format, PPP_PROTOCOLS, PPP_PROTOCOLS_WITHOUT_IP),
    UNREAD_FAMILY: Numbers("address family {}".format, {}, {}),
}


def numbered(reason: int, number: int) -> Bucket:
    """The bucket of what is not read under this number. A number that nobody knows may hide anything."""
    sort = NUMBERS[reason]
    name = sort.cannot.get(number) or sort.may_hide.get(number)
    aside = f" ({name})" if name else ""
    return Bucket(f"{sort.written(number)}{aside}, not read", hides=number not in sort.cannot)
