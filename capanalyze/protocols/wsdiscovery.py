"""Web Services Dynamic Discovery (WS-Discovery 2005/04 and OASIS 1.1): SOAP over UDP.

ProbeMatches and ResolveMatches name in RelatesTo the MessageID of the Probe or Resolve that they answer (sections 5.3
and 6.3 of the OASIS text), by unicast and perhaps from a port of their own. Hello and Bye are announcements.

What a host sends discloses what it calls itself, its types and the addresses of its services (XAddrs).
"""

import re
from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

LESS, GREATER, SLASH, COLON, SPACE = 60, 62, 47, 58, 32
MAX_ELEMENTS = 64

PROBED = 3 * KIND
PROBE_MATCHES = 4 * KIND
RESOLVED = 5 * KIND
RESOLVE_MATCHES = 6 * KIND
SAID_HELLO = 7 * KIND
SAID_BYE = 8 * KIND
KINDS = ("probe", "probe matches", "resolve", "resolve matches", "hello", "bye")


def word_hash(octets: Any, at: int, stop: int) -> int:
    """Hash of a word, blanks around it left out."""
    key = 1
    for place in range(at, stop):
        octet = octets[place] * 1
        if octet > SPACE:
            key = mix(key, octet)
    return key


def word(text: bytes) -> int:
    """The hash of a word that messages are made of."""
    return word_hash(text, 0, len(text))


ACTION, MESSAGE_ID, RELATES_TO = word(b"Action"), word(b"MessageID"), word(b"RelatesTo")
PROBE, RESOLVE, HELLO, BYE = word(b"Probe"), word(b"Resolve"), word(b"Hello"), word(b"Bye")
MATCHES, RESOLUTIONS = word(b"ProbeMatches"), word(b"ResolveMatches")


def find(octets: Any, at: int, end: int, octet: int) -> int:
    """Offset of the next octet of this value, or `end`."""
    for place in range(at, end):
        if octets[place] == octet:
            return place
    return end


def element_name(octets: Any, at: int, stop: int) -> int:
    """Hash of the local name of the element whose tag lies between `at` and `stop`."""
    first = at
    last = stop
    for place in range(at, stop):
        octet = octets[place] * 1
        if octet == COLON:
            first = place + 1
        if octet <= SPACE or octet == SLASH:
            last = place
            break
    return word_hash(octets, first, last)


def last_part(octets: Any, at: int, stop: int) -> int:
    """Hash of what follows the last slash: the action proper."""
    first = at
    for place in range(at, stop):
        if octets[place] == SLASH:
            first = place + 1
    return word_hash(octets, first, stop)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role by the action; the SOAP header has it, MessageID and RelatesTo in any order."""
    action = 0
    message = 0
    relates = 0
    at = find(octets, start, end, LESS) + 1
    for _ in range(MAX_ELEMENTS):
        if at >= end:
            break
        tag = find(octets, at, end, GREATER)
        text = find(octets, tag, end, LESS)
        if text >= end:
            break
        name = element_name(octets, at, tag)
        if name == ACTION:
            action = last_part(octets, tag + 1, text)
        elif name == MESSAGE_ID:
            message = word_hash(octets, tag + 1, text)
        elif name == RELATES_TO:
            relates = word_hash(octets, tag + 1, text)
        at = text + 1
    return role(action, message, relates, end - start < size, keys)


def role(action: int, message: int, relates: int, cut: int, keys: Any) -> int:
    """What an action asks or answers, with its key."""
    if action in (HELLO, BYE):
        return ANNOUNCEMENT + (SAID_HELLO if action == HELLO else SAID_BYE)
    key = 0
    answer = MALFORMED + (CUT if cut else GARBAGE) * KIND
    if action in (PROBE, RESOLVE):
        answer = REQUEST + (PROBED if action == PROBE else RESOLVED)
        key = message
    elif action in (MATCHES, RESOLUTIONS):
        answer = REPLY + (PROBE_MATCHES if action == MATCHES else RESOLVE_MATCHES)
        key = relates
    else:
        return answer
    if key == 0:
        return answer + WEAK
    keys[0] = 1
    keys[1] = key
    return answer


ELEMENT = re.compile(rb"<(?:[\w.-]+:)?(Address|Types|Scopes|XAddrs)\b[^>]*>([^<]*)</")
DISCLOSED = {b"Address": "usn", b"Types": "service", b"Scopes": "scope", b"XAddrs": "location"}
END = b"Envelope>"


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The words of the elements that identify a device; addresses of the anonymous asker are none."""
    for name, text in ELEMENT.findall(reply):
        for word in text.decode("utf-8", "replace").split():
            if not word.endswith(("/role/anonymous", "/addressing/anonymous")):
                yield DISCLOSED[name], word
    if END not in reply:
        raise EOFError


PROTOCOL = Protocol(
    name="wsdiscovery",
    title="WS-Discovery",
    decode=decode,
    transport="udp",
    ports=(3702,),
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
    from_any_port=True,
)
