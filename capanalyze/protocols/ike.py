"""Internet Key Exchange, RFC 7296 (version 2) and RFC 2408 (version 1), on port 4500 behind a marker (RFC 3948).

Version 2: a response has the initiator's SPI, exchange type and message ID of the request (sections 2.1, 2.2); one
that refuses a message outside of an SA is INFORMATIONAL whatever was asked (section 1.5). Version 1 marks no
response: an exchange begins with an empty responder cookie, and what the same initiator cookie brings first, an SA or a
notification, answers it (RFC 2408 sections 2.5.3, 3.1). What follows goes back and forth between two hosts that have
answered each other already, and is of no concern here; nor is ESP, nor what keeps a NAT's mapping alive.
"""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, OTHER, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 7296 figure 4.
RESPONDER_SPI = 8
NEXT_PAYLOAD = 16
VERSION = 17
EXCHANGE_TYPE = 18
FLAGS = 19
MESSAGE_ID = 20
LENGTH = 24
HEADER_LEN = 28

MARKER_LEN = 4
# ESP has no marker; its sequence number (RFC 4303 section 2) begins at 1, so that the first octet of it is small.
SEQUENCE_NUMBER = 4
ESP_BELOW = 16
KEEPALIVE = 0xFF

# RFC 7296 section 3.1; RFC 2408 section 3.1.
INITIATOR, RESPONSE = 0x08, 0x20
IKE_SA_INIT, INFORMATIONAL = 34, 37
ENCRYPTED = 0x01
SA_1, NOTIFICATION_1 = 1, 11
INFORMATIONAL_1 = 5
PHASE_1 = (1, 2, 3, 4)  # base, main (identity protection), authentication only, aggressive

ANY_EXCHANGE = 256

INIT_REQUEST = 3 * KIND
INIT_RESPONSE = 4 * KIND
LATER_REQUEST = 5 * KIND
LATER_RESPONSE = 6 * KIND
FIRST_MESSAGE = 7 * KIND
SECOND_MESSAGE = 8 * KIND
NOTIFICATION = 9 * KIND
KINDS = (
    "IKE_SA_INIT request",
    "IKE_SA_INIT response",
    "request",
    "response",
    "phase 1 request (version 1)",
    "phase 1 response (version 1)",
    "notification (version 1)",
)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message, with the marker or without."""
    if size == 1 and octets[start] == KEEPALIVE:
        return OTHER
    if end - start >= MARKER_LEN and be32(octets, start) == 0:
        start += MARKER_LEN
        size -= MARKER_LEN
    if size < HEADER_LEN:
        return MALFORMED + GARBAGE * KIND
    if end - start < LENGTH + 4:
        return cut(octets, start, end)
    if be32(octets, start + LENGTH) != size:
        if octets[start + SEQUENCE_NUMBER] < ESP_BELOW:
            return OTHER
        return MALFORMED + GARBAGE * KIND
    if octets[start + VERSION] // 16 == 1:
        return match_version_1(octets, start, keys)
    if octets[start + VERSION] // 16 == 0:
        return MALFORMED + GARBAGE * KIND
    return match_version_2(octets, start, keys)


def match_version_2(octets: Any, start: int, keys: Any) -> int:
    """Version 2. Both hosts number their requests from 0, so that it counts which of them asked."""
    exchange = octets[start + EXCHANGE_TYPE] * 1
    response = octets[start + FLAGS] & RESPONSE
    by_initiator = octets[start + FLAGS] & INITIATOR
    if response:
        by_initiator ^= INITIATOR
    key = mix(mix(spi_key(octets, start), be32(octets, start + MESSAGE_ID)), by_initiator)
    keys[0] = 1
    keys[1] = mix(key, exchange)
    if response == 0 or exchange == INFORMATIONAL:
        keys[0] = 2
        keys[2] = mix(key, ANY_EXCHANGE)
    # A host that speaks the other version only refuses in that one.
    if exchange == (INFORMATIONAL if response else IKE_SA_INIT):
        keys[0] = 3
        keys[3] = spi_key(octets, start)
    if exchange == IKE_SA_INIT:
        return REPLY + INIT_RESPONSE if response else REQUEST + INIT_REQUEST
    return REPLY + LATER_RESPONSE if response else REQUEST + LATER_REQUEST


def match_version_1(octets: Any, start: int, keys: Any) -> int:
    """Version 1: the first message of an exchange, what answers it, and the rest."""
    exchange = octets[start + EXCHANGE_TYPE] * 1
    first = be32(octets, start + RESPONDER_SPI) == 0 and be32(octets, start + RESPONDER_SPI + 4) == 0
    payload = octets[start + NEXT_PAYLOAD] * 1
    if octets[start + FLAGS] & ENCRYPTED:
        return OTHER
    if exchange == INFORMATIONAL_1 and payload == NOTIFICATION_1:
        keys[0] = 1
        keys[1] = spi_key(octets, start)
        return REPLY + NOTIFICATION
    if exchange not in PHASE_1 or payload != SA_1:
        return OTHER
    keys[0] = 1
    keys[1] = spi_key(octets, start)
    return REQUEST + FIRST_MESSAGE if first else REPLY + SECOND_MESSAGE


def spi_key(octets: Any, start: int) -> int:
    """The initiator's SPI or cookie as a key."""
    return mix(mix(1, be32(octets, start)), be32(octets, start + 4))


def cut(octets: Any, start: int, end: int) -> int:
    """A header that the snap length cut: version 2 has its direction in the flags."""
    if end - start <= FLAGS or octets[start + VERSION] // 16 < 2:
        return MALFORMED + CUT * KIND
    return (REPLY if octets[start + FLAGS] & RESPONSE else REQUEST) + WEAK + CUT * KIND


PROTOCOL = Protocol(
    name="ike",
    title="IKE",
    discloses="ike",
    transport="udp",
    ports=(500, 4500),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
    resends=64 * SECOND,  # RFC 7296 section 2.1: the same octets, ever more seldom
)
