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

# What a key is made of besides the id, above its 16 bits.
BY_QUESTION, BY_ID, ASKED_WITHOUT = 1 * 65536, 2 * 65536, 3 * 65536

QUERY = 3 * KIND
RESPONSE = 4 * KIND
ERROR_RESPONSE = 5 * KIND
UPDATE = 6 * KIND


def without_header(octets: Any, start: int, end: int, size: int) -> int:
    """Role of a message whose header is not whole: cut by the snap length, or not such a message at all."""
    if size < HEADER_LEN:
        return MALFORMED + GARBAGE * KIND
    if end - start > FLAGS and octets[start + FLAGS] & 0x80:
        return REPLY + WEAK + CUT * KIND
    return REQUEST + WEAK + CUT * KIND


def match_question(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """A response repeats id and question; where one side has no question that can be read, the id decides."""
    if end - start < HEADER_LEN:
        return without_header(octets, start, end, size)
    ident = be16(octets, start)
    response = octets[start + FLAGS] & 0x80
    questions = be16(octets, start + QUESTIONS)
    question = 0
    if questions == 1:  # RFC 9619: one at most
        name = name_hash(octets, start, start + HEADER_LEN, end)
        at = skip_name(octets, start + HEADER_LEN, end)
        if name >= 0 and at >= 0 and at + 4 <= end:
            question = mix(mix(mix(ident, BY_QUESTION), name), be16(octets, at))
    without = mix(ident, ASKED_WITHOUT)
    if question == 0 and questions:
        keys[0] = 1
        keys[1] = mix(ident, BY_ID)
        kind = CUT * KIND if end - start < size else WEAK + GARBAGE * KIND
        if response:
            return REPLY + kind
        keys[0] = 2
        keys[2] = without
        return REQUEST + kind
    # With a question on both sides it must agree; where one side has none, the id alone decides.
    keys[0] = 2
    keys[1] = question or mix(ident, BY_ID)
    if response:
        keys[2] = without
        if question == 0:
            keys[0] = 1
        if octets[start + 3] % 16:
            return REPLY + ERROR_RESPONSE
        return REPLY + RESPONSE
    keys[2] = mix(ident, BY_ID) if question else without
    weak = 0 if question else WEAK
    if octets[start + FLAGS] & 0x78:
        return REQUEST + weak + UPDATE
    return REQUEST + weak + QUERY
