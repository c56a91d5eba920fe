"""Service Location Protocol, RFC 2608 (and its version 1, RFC 2165): a reply returns the request's XID (section 8).

Both versions have function and XID at the same offsets. What is asked of a group and has no answer draws silence. A
directory agent that advertises itself unasked does so with XID 0 (section 12.2).
"""

from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 2608 section 8.
FUNCTION_ID = 1
XID = 10
HEADER_LEN = 12
VERSIONS = (1, 2)
SRV_RQST, SRV_RPLY, SRV_REG, SRV_DE_REG, SRV_ACK, ATTR_RQST, ATTR_RPLY, DA_ADVERT, TYPE_RQST, TYPE_RPLY, SA_ADVERT = (
    range(1, 12)
)

ASK = 3 * KIND
REGISTER = 4 * KIND
ANSWER = 5 * KIND
ACKNOWLEDGED = 6 * KIND
ADVERTISED = 7 * KIND
UNASKED = 8 * KIND
KINDS = (
    "request",
    "registration",
    "reply",
    "acknowledgement",
    "advertisement",
    "unsolicited advertisement",
)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message, by its function."""
    if size < HEADER_LEN or octets[start] not in VERSIONS or end - start < 2:
        return MALFORMED + (CUT if end - start < 2 and size >= HEADER_LEN else GARBAGE) * KIND
    function = octets[start + FUNCTION_ID] * 1
    asks = function in (SRV_RQST, SRV_REG, SRV_DE_REG, ATTR_RQST, TYPE_RQST)
    if function == 0 or function > SA_ADVERT:
        return MALFORMED + GARBAGE * KIND
    if end - start < HEADER_LEN:
        return (REQUEST if asks else REPLY) + WEAK + CUT * KIND
    ident = be16(octets, start + XID)
    if function == DA_ADVERT and ident == 0:
        return ANNOUNCEMENT + UNASKED
    keys[0] = 1
    keys[1] = mix(1, ident)
    if function in (SRV_REG, SRV_DE_REG):
        return REQUEST + REGISTER
    if asks:
        return REQUEST + ASK
    if function == SRV_ACK:
        return REPLY + ACKNOWLEDGED
    if function in (DA_ADVERT, SA_ADVERT):
        return REPLY + ADVERTISED
    return REPLY + ANSWER


PROTOCOL = Protocol(
    name="slp",
    title="SLP",
    discloses="slp",
    transport="udp",
    ports=(427,),
    match=match,
    kinds=KINDS,
    window=15 * SECOND,  # RFC 2608 section 13, CONFIG_MC_MAX
)
