"""Domain names in messages (RFC 1035 section 4.1.4), for the modules whose messages look like DNS."""

from typing import Any

from capanalyze.packets.octets import be16, mix

MALFORMED_NAME = -1
MAX_POINTERS = 16
MAX_LABELS = 128


def name_hash(octets: Any, message: int, at: int, end: int) -> int:
    """Hash of the name at `at` without regard to case, pointers followed; MALFORMED_NAME if it is none."""
    key = 0
    pointers = 0
    for _ in range(MAX_LABELS + MAX_POINTERS):
        if at >= end:
            return MALFORMED_NAME
        length = octets[at] * 1
        if length == 0:
            return key
        if length >= 192:
            if at + 2 > end or pointers == MAX_POINTERS:
                return MALFORMED_NAME
            pointers += 1
            at = message + be16(octets, at) % 16384
            continue
        if length > 63 or at + 1 + length > end:
            return MALFORMED_NAME
        key = mix(key, length)
        for place in range(at + 1, at + 1 + length):
            octet = octets[place] * 1
            if 65 <= octet <= 90:
                octet += 32
            key = mix(key, octet)
        at += 1 + length
    return MALFORMED_NAME


def skip_name(octets: Any, at: int, end: int) -> int:
    """Offset behind the name at `at`; MALFORMED_NAME if it has no end."""
    for _ in range(MAX_LABELS):
        if at >= end:
            return MALFORMED_NAME
        length = octets[at] * 1
        if length == 0:
            return at + 1
        if length >= 192:
            if at + 2 > end:
                return MALFORMED_NAME
            return at + 2
        if length > 63:
            return MALFORMED_NAME
        at += 1 + length
    return MALFORMED_NAME
