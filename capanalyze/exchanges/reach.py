"""From where a request came: the link itself, a private network, or anywhere."""

from typing import Any

from capanalyze.exchanges.row import CLIENT, CLIENT_LOW, FLAGS, GROUP, MAC, TTL

ON_LINK, NEAR, PRIVATE, PUBLIC = range(4)
REACHES = 4
MAPPED = 0xFFFF  # above the 32 bits of an IPv4 address in its low word


def reach_of(wide: Any, narrow: Any, w: int, n: int) -> int:
    """Where the client of a row is, as far as address and TTL tell.

    What went to a group, or comes with a TTL of 255 (RFC 5082 section 3), is from the link. What comes with another
    TTL that hosts begin with, over a link where frames have senders, is from near: no router seems to have lowered it.
    """
    if narrow[n + FLAGS] & GROUP or narrow[n + TTL] == 255:
        return ON_LINK
    high = wide[w + CLIENT] * 1
    low = wide[w + CLIENT_LOW] * 1
    mapped = 1 if high == 0 and low >> 32 == MAPPED else 0
    # fe80::/10, RFC 4291 section 2.5.6; 169.254.0.0/16, RFC 3927
    if high >> 54 & 0x3FF == 0x3FA or (mapped and low >> 16 & 0xFFFF == 0xA9FE):
        return ON_LINK
    ttl = narrow[n + TTL]
    if wide[w + MAC] >= 0 and ttl in (32, 60, 64, 128):
        return NEAR
    if mapped:
        return of_ipv4(low & 0xFFFFFFFF)
    if high >> 57 & 0x7F == 0x7E:  # fc00::/7, RFC 4193
        return PRIVATE
    return PUBLIC


def of_ipv4(address: int) -> int:
    """Whether an IPv4 address is private or public."""
    if address >> 24 == 10 or address >> 20 == 0xAC1 or address >> 16 == 0xC0A8:  # RFC 1918 section 3
        return PRIVATE
    if address >> 22 == 0x191:  # 100.64.0.0/10, RFC 6598
        return PRIVATE
    return PUBLIC
