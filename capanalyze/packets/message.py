"""A message as a row of numbers: what the core's scan writes (its struct `Message`) and the pairing reads.

All fields are signed 64-bit; an address is two of them (IPv4 as ::ffff:a.b.c.d).
"""

from ipaddress import IPv4Address, IPv6Address

# What a match function says of a message: role + flags + kind * KIND.
(
    OTHER,  # of no concern to pairing
    REQUEST,
    REPLY,
    ANNOUNCEMENT,  # nobody asked for it
    MALFORMED,  # on a service's port, but not that service's
    FLOW,  # no module knows it: the first of a five-tuple asks, the first one back answers
    REJECTION,  # an ICMP error; the row describes the datagram that it quotes
    SPOKE,  # a TCP segment with data, or a close
    RESET,  # a TCP reset
    FRAGMENT,  # a later fragment
    ACKNOWLEDGES,  # a TCP segment that only acknowledges
) = range(11)
ROLES = 16
WEAK = 16  # the message has no key that tells it from others
UNANSWERABLE = 32  # this payload draws no reply
INTERIM = 64  # more replies will follow: the window starts anew
ANNOUNCES = 128  # sent to a group and unanswered, it was an announcement
ALSO_REPLY = 256  # the last key is that of a request which this message may answer, the others are its own
COMPARED = 512  # the last key pairs nothing: over time, only requests that agree in it are compared
CONTINUES = 1024  # what has its endpoints and keys (but for that of ALSO_REPLY) is of its exchange, whatever it says
KIND = 2048

# Fields of a row.
(
    FRAME,  # number in the capture, from 1
    SECONDS,
    NANOS,
    INTERFACE,  # index into the capture's interfaces
    DIRECTION,
    ROLE,
    MODULE,  # index into PROTOCOLS
    PORT,  # the service's port, -1 where there is none
    SRC,  # two words each
    SRC_LOW,
    DST,
    DST_LOW,
    SPORT,  # -1 where the transport has none
    DPORT,
    PAYLOAD,  # offset in the uncompressed capture
    CAPTURED,  # octets of it in the capture
    SIZE,  # octets of it on the wire
    DIGEST,
    IDENTIFICATION,  # of the IP packet, -1 where it has none
    GROUP,  # 1: sent to a multicast or broadcast address
    TTL,
    SRC_MAC,  # -1 where the link has none
    DST_MAC,
    SENDER,  # of a rejection: who sent the ICMP error; two words
    SENDER_LOW,
    FRAGMENTED,  # 1: the first of several fragments
    TUNNELS,  # IP headers before the innermost
    PROTOCOL,  # IP protocol number
    DETAIL,  # TCP: sequence number; ICMP error: type * 256 + code
    KEYS,  # index of the first match key in the pool
    KEY_COUNT,
    PROCESS,  # offset of a process name in the capture, 0 for none
    READINGS,  # words behind the keys: hashes of records; where there are no keys, what other services make of it
    TAGS,  # how the tags before the IP header begin, 0 for none
    SIGNS,  # what the frame tells of who sent it
) = range(35)
WORDS = 35

WHEN = PROCESS  # of a message that was dated: its clock, nanoseconds; where its process stood is known by then

# Direction as the capture itself tells it.
UNKNOWN, INBOUND, OUTBOUND, ELSEWHERE = range(4)

MAX_KEYS = 32  # per message; what a message asks beyond them is not paired
MAX_WORDS = MAX_KEYS + 64  # in the pool, with what other services make of it

MAPPED = 0xFFFF << 32  # the low word of an IPv4-mapped address


def address(high: int, low: int) -> IPv4Address | IPv6Address:
    """The address of two words of a row."""
    if high == 0 and low >> 32 == 0xFFFF:
        return IPv4Address(low & 0xFFFFFFFF)
    return IPv6Address((high & 0xFFFFFFFFFFFFFFFF) << 64 | low & 0xFFFFFFFFFFFFFFFF)
