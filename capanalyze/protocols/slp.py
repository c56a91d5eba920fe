"""Service Location Protocol, RFC 2608 (and its version 1, RFC 2165): a reply returns the request's XID (section 8).

Both versions have function and XID at the same offsets. What is asked of a group and has no answer draws silence. A
directory agent that advertises itself unasked does so with XID 0 (section 12.2).

A reply discloses services, their types and attributes, and who advertises itself; those of version 1 are not read.
"""

import struct
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

# Functions, RFC 2608 section 8.
SRV_RPLY, SRV_ACK, ATTR_RPLY, DA_ADVERT, TYPE_RPLY, SA_ADVERT = 2, 5, 7, 8, 10, 11

KINDS = (
    "request",
    "registration",
    "reply",
    "acknowledgement",
    "advertisement",
    "unsolicited advertisement",
)

# RFC 2608 section 8: the language tag's length ends the header.
LANGUAGE = 12
WITH_ERROR = (SRV_RPLY, SRV_ACK, ATTR_RPLY, DA_ADVERT, TYPE_RPLY)
TIMESTAMP = 4

# RFC 2608 section 7.
ERRORS = {
    1: "LANGUAGE_NOT_SUPPORTED",
    2: "PARSE_ERROR",
    3: "INVALID_REGISTRATION",
    4: "SCOPE_NOT_SUPPORTED",
    6: "AUTHENTICATION_ABSENT",
    7: "AUTHENTICATION_FAILED",
    9: "VER_NOT_SUPPORTED",
    10: "INTERNAL_ERROR",
    11: "DA_BUSY_NOW",
    13: "INVALID_UPDATE",
    14: "MSG_NOT_SUPPORTED",
    15: "REFRESH_REJECTED",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a reply or an advertisement."""
    version, function = reply[0], reply[1]
    if version != 2:
        yield "version", f"SLPv{version}"
        return
    _, at = _string(reply, LANGUAGE)
    if function in WITH_ERROR:
        (error,) = struct.unpack_from("!H", reply, at)
        at += 2
        if error:
            yield "error", ERRORS.get(error, f"error {error}")
            return
    if function == SRV_RPLY:
        yield from _services(reply, at)
    elif function in (ATTR_RPLY, TYPE_RPLY):
        yield from _list(reply, at, "attribute" if function == ATTR_RPLY else "service")
    elif function in (DA_ADVERT, SA_ADVERT):
        yield from _advertisement(reply, at + TIMESTAMP * (function == DA_ADVERT))


def _services(reply: bytes, at: int) -> Iterator[tuple[str, str]]:
    """URL entries, RFC 2608 section 4.3; authentication blocks follow the URL, section 9.2."""
    (count,) = struct.unpack_from("!H", reply, at)
    at += 2
    for _ in range(count):
        url, at = _string(reply, at + 3)
        yield "location", url
        blocks = reply[at]
        at += 1
        for _ in range(blocks):
            at += struct.unpack_from("!H", reply, at + 2)[0]


def _list(reply: bytes, at: int, kind: str) -> Iterator[tuple[str, str]]:
    """A list with commas; those within parentheses belong to one attribute."""
    text, _ = _string(reply, at)
    depth, first = 0, 0
    for place, letter in enumerate(f"{text},"):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth <= 0:
            if text[first:place].strip():
                yield kind, text[first:place].strip()
            first = place + 1


def _advertisement(reply: bytes, at: int) -> Iterator[tuple[str, str]]:
    """RFC 2608 sections 8.5 and 8.6: URL, scopes, attributes."""
    url, at = _string(reply, at)
    yield "location", url
    scopes, at = _string(reply, at)
    if scopes:
        yield "scope", scopes
    yield from _list(reply, at, "attribute")


def _string(reply: bytes, at: int) -> tuple[str, int]:
    """A string behind its length, and what follows it."""
    (length,) = struct.unpack_from("!H", reply, at)
    text = reply[at + 2 : at + 2 + length]
    if len(text) < length:
        raise EOFError
    return text.decode("utf-8", "replace"), at + 2 + length


PROTOCOL = Protocol(
    name="slp",
    title="SLP",
    decode=decode,
    transport="udp",
    ports=(427,),
    dissectors=("srvloc",),
    kinds=KINDS,
    window=15 * SECOND,  # RFC 2608 section 13, CONFIG_MC_MAX
)
