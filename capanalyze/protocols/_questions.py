"""Messages in the DNS format that pair by id and question: DNS and LLMNR share this rule."""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16, mix
from capanalyze.protocols._names import name_hash, skip_name
from capanalyze.protocols._protocol import CUT, GARBAGE

# Octet offsets, RFC 1035 section 4.1.1.
FLAGS = 2
QUESTIONS = 4
ANSWERS = 6
AUTHORITIES = 8
ADDITIONALS = 10
HEADER_LEN = 12

NO_QUESTION = 1

QUERY = 3 * KIND
RESPONSE = 4 * KIND
ERROR_RESPONSE = 5 * KIND
UPDATE = 6 * KIND


def match_question(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """A response repeats id and question; one without a question answers by its id."""
    if size < HEADER_LEN:
        return MALFORMED + GARBAGE * KIND
    if end - start < HEADER_LEN:
        if end - start > FLAGS and octets[start + FLAGS] & 0x80:
            return REPLY + WEAK + CUT * KIND
        return REQUEST + WEAK + CUT * KIND
    ident = be16(octets, start)
    response = octets[start + FLAGS] & 0x80
    keys[0] = 1
    keys[1] = mix(ident, NO_QUESTION)
    if be16(octets, start + QUESTIONS):
        name = name_hash(octets, start, start + HEADER_LEN, end)
        at = skip_name(octets, start + HEADER_LEN, end)
        if name < 0 or at < 0 or at + 4 > end:
            if end - start < size:
                keys[0] = 0
                return (REPLY if response else REQUEST) + WEAK + CUT * KIND
            return MALFORMED + GARBAGE * KIND
        question = mix(mix(mix(ident, 2), name), be16(octets, at))
        if response:
            keys[1] = question
        else:
            keys[0] = 2
            keys[2] = question
    if response:
        if octets[start + 3] % 16:
            return REPLY + ERROR_RESPONSE
        return REPLY + RESPONSE
    if octets[start + FLAGS] & 0x78:
        return REQUEST + UPDATE
    return REQUEST + QUERY
