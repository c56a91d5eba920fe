"""Kerberos over UDP, RFC 4120: a reply goes to the port that asked (section 7.2.1), and carries no transaction id.

An AS-REP answers an AS-REQ and a TGS-REP a TGS-REQ, a KRB-ERROR either (section 3); of several that are
open between the same endpoints, order decides.
"""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.protocols._ber import INTEGER, SEQUENCE, content
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Section 5.10: application tags. Section 5.4.1: pvno is [1] in a request, [0] in what answers.
AS_REQ, AS_REP, TGS_REQ, TGS_REP, KRB_ERROR = 0x6A, 0x6B, 0x6C, 0x6D, 0x7E
PVNO_ASKED, PVNO_ANSWERED = 0xA1, 0xA0
VERSION_5 = 5

AUTHENTICATION, TICKET = 1, 2

AS_ASK = 3 * KIND
TGS_ASK = 4 * KIND
AS_ANSWER = 5 * KIND
TGS_ANSWER = 6 * KIND
ERROR = 7 * KIND
KINDS = ("AS-REQ", "TGS-REQ", "AS-REP", "TGS-REP", "KRB-ERROR")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message, by its application tag; the key tells no more than the two exchanges apart."""
    tag = octets[start] * 1
    if tag not in (AS_REQ, AS_REP, TGS_REQ, TGS_REP, KRB_ERROR):
        return MALFORMED + GARBAGE * KIND
    asks = tag in (AS_REQ, TGS_REQ)
    role = REQUEST if asks else REPLY + WEAK
    members = content(octets, content(octets, start, end, tag), end, SEQUENCE)
    pvno = content(octets, content(octets, members, end, PVNO_ASKED if asks else PVNO_ANSWERED), end, INTEGER)
    if pvno < 0 or pvno >= end:
        if end - start < size:
            return (role | WEAK) + CUT * KIND
        return MALFORMED + GARBAGE * KIND
    if octets[pvno] != VERSION_5:
        return MALFORMED + GARBAGE * KIND
    keys[0] = 1
    keys[1] = TICKET if tag in (TGS_REQ, TGS_REP) else AUTHENTICATION
    if tag == AS_REQ:
        return role + AS_ASK
    if tag == TGS_REQ:
        return role + TGS_ASK
    if tag == AS_REP:
        return role + AS_ANSWER
    if tag == TGS_REP:
        return role + TGS_ANSWER
    keys[0] = 2
    keys[2] = TICKET
    return role + ERROR


PROTOCOL = Protocol(
    name="kerberos",
    title="Kerberos",
    discloses="kerberos",
    transport="udp",
    ports=(88,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
    resends=32 * SECOND,  # MIT's client (1.20) sends its request again after 4 and 9 seconds
)
