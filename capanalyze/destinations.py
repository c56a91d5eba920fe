"""Where replies went, a group or another endpoint, and what they took along: an address of one link to another."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from capanalyze.model import Evidence, Fact, Finding

# RFC 1918 section 3, RFC 6598, RFC 3927, RFC 4193: no host of the internet has one of these.
PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7"))
)


def elsewhere(shown: Iterable[Evidence]) -> list[str]:
    """A note each on the first reply to a request by unicast that went to a group, and on one to another endpoint."""
    notes: dict[bool, str] = {}
    for one in shown:
        if one.reply_to is None or not one.replies or is_group(one.asked or one.server):
            continue
        host, frame = host_of(one.reply_to), f"frame {one.replies[0]} of {one.reply_capture or one.capture}"
        if is_group(host):
            notes.setdefault(True, f"asked by unicast, answered to {host}: {frame}")
        else:
            notes.setdefault(False, f"answered to {one.reply_to}, which had not asked: {frame}")
    return list(notes.values())


def passed_on(found: Finding, behind: Mapping[tuple[str, int], tuple[str, int]]) -> list[str]:
    """Notes on who answered in the host's place: it passes the requests on, as a published port does."""
    asked = {one.server for one in found.shown()} if found.replied and found.transport != "icmp" else set()
    return [
        f"answered by {host} port {its_port} behind {address}"
        for (address, port), (host, its_port) in behind.items()
        if address in asked and port == found.port
    ]


def host_of(endpoint: str) -> str:
    """The address of an endpoint, which may have a port."""
    if endpoint.startswith("["):
        return endpoint[1:].partition("]")[0]
    return endpoint.partition(":")[0] if endpoint.count(":") == 1 else endpoint


def is_group(host: str) -> bool:
    """Whether it is a multicast address, or all of a link."""
    return ip_address(host).is_multicast or host == "255.255.255.255"


def links_of(findings: Iterable[Finding]) -> dict[str, set[str]]:
    """By zone, the addresses that the target was asked at."""
    found: dict[str, set[str]] = {}
    for one in findings:
        asked = (shown.server for shown in one.shown() if shown.server and not is_group(shown.server))
        found.setdefault(one.zone, set()).update(asked)
    return found


def told_across(found: Finding, links: Mapping[str, set[str]], own: Sequence[str]) -> list[str]:
    """A note on each address of another link that the target's replies told: its own, and not one of this zone.

    Args:
        found: with its disclosures.
        links: by zone, the addresses that the target was asked at.
        own: all addresses of the target.
    """
    here = links.get(found.zone, set())
    notes = []
    for address, fact in addresses_in(found.disclosures):
        others = sorted(zone for zone, there in links.items() if address in there and zone != found.zone)
        if address in here or not (
            others or (address in own and is_private(address) and not any(map(is_private, here)))
        ):
            continue
        of = f", of {' and '.join(others)}" if others else ""
        where = f"frame {fact.frame} of {fact.capture}"
        notes.append(f"an address of another link was told to zone {found.zone}: {address}{of}, {where}")
    return notes


def addresses_in(facts: Iterable[Fact]) -> Iterator[tuple[str, Fact]]:
    """The addresses that facts name, of hosts or in records of DNS."""
    for fact in facts:
        word = fact.value.rpartition(" ")[2] if fact.kind in ("answer", "additional", "address") else ""
        try:
            yield str(ip_address(word)), fact
        except ValueError:
            continue


def is_private(address: str) -> bool:
    """Whether it is an address that no host of the internet has."""
    one = ip_address(address)
    return any(one in network for network in PRIVATE if network.version == one.version)
