"""What may explain a flip, and what is known of the firewall that a finding fits.

Both are said in words, for people: the first is told by the exchanges around the flip, the second by published
advisories, and only of the article's own firewall modes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.audit import ALIASES, PRESETS
from capanalyze.packets.message import KIND
from capanalyze.protocols import ntp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from capanalyze.audit import Mode
    from capanalyze.model import Change, Evidence, Fact, Finding, Frame, Outcome

UNSYNCHRONISED = ntp.PROTOCOL.kind(ntp.UNSYNCHRONISED // KIND)
KISS = ntp.PROTOCOL.kind(ntp.KISS // KIND)

# What the article's list of listening processes showed as root's, and as mDNSResponder's.
OF_ROOT = (*(protocol.name for protocol in ntp.PROTOCOLS), "nbns")
OF_RESPONDER = ("mdns",)

# What replies call systems that are no Mac OS X, in the facts in which a host speaks of itself.
OTHER_SYSTEM = re.compile(
    r"linux|windows|microsoft|debian|ubuntu|fedora|centos|red ?hat|suse|alpine|raspbian|android|openwrt|"
    r"(free|open|net|dragonfly)bsd|solaris|sunos|cisco|routeros|junos|vxworks",
    re.IGNORECASE,
)
OF_ITSELF = ("ntp-variable", "host-info", "model", "server", "software", "banner", "system-description", "os-version")
# Mac OS X begins with a TTL of 64, and with 255 on the link; Windows with 128.
HIGHEST_OF_MAC, FROM_LINK = 64, 255


class Between(NamedTuple):
    """What the target sent as a service between the two exchanges of a flip: of each the last frame, None for none.

    `own`: of itself. `kiss`: a kiss-o'-death that answered another request. `error`: an ICMP error about another one.
    """

    own: Frame | None = None
    kiss: Frame | None = None
    error: Frame | None = None


class Side(NamedTuple):
    """An exchange on one side of a flip."""

    shown: Evidence
    time_ns: int | None
    outcome: Outcome
    reason: str


def of_flip(before: Side, after: Side, between: Between, *, alone: bool) -> list[str]:
    """What may explain that the outcome changed between two exchanges; `alone`: of those in silence there was one."""
    found = []
    if after.outcome == "replied" and after.reason.startswith(UNSYNCHRONISED):
        found.append("the daemon answers as one that has just begun: not synchronised (stratum 0 or 16, or LI 3)")
    if before.outcome == "replied" and before.reason.startswith(UNSYNCHRONISED):
        found.append("the daemon was not synchronised when it last answered (stratum 0 or 16, or LI 3)")
    if KISS in (before.reason[: len(KISS)], after.reason[: len(KISS)]):
        found.append("the daemon limits its clients (kiss-o'-death)")
    elif between.kiss is not None:
        found.append(f"the daemon limited another request (kiss-o'-death) before, in frame {between.kiss.frame}")
    if between.error is not None:
        found.append(f"the target rejected another request before, in frame {between.error.frame}")
    silent = next((one for one in (before, after) if one.outcome == "silent"), None)
    if after.outcome == "replied" and silent is not None and len(after.shown.requests) > 1:
        found.append("only a retransmission was answered: the one before it may be lost")
    elif silent is not None and alone and len(silent.shown.requests) == 1 and before.shown.client == after.shown.client:
        found.append("the silent request was sent once: alone it may be a loss")
    if between.own is not None and after.outcome == "replied":
        found.append(f"the target itself sent as this service before, in frame {between.own.frame}")
    return found


def advisories(found: Finding, mode: Mode | None) -> list[str]:
    """Published flaws of Mac OS X 10.5's firewall that a finding fits; its modes alone are known to have them."""
    name = preset_of(mode)
    if found.verdict != "leaked" or name is None or found.service not in OF_ROOT + OF_RESPONDER:
        return []
    notes = []
    if name == "block-all":
        notes.append(
            "fits CVE-2007-4702, if root's processes or mDNSResponder answered: “Block all incoming connections” of "
            "Mac OS X 10.5 did not stop them"
        )
    if name == "specific" and found.service in OF_ROOT:
        notes.append(
            "fits CVE-2007-4703, if a process of root answered: Mac OS X 10.5 did not stop it even where its program "
            "was set to “Block incoming connections”"
        )
    if any(map(_stops, found.changes)):
        notes.append(
            "fits CVE-2007-4704, as it answered first and then no more: Mac OS X 10.5 applied changed settings to "
            "what launchd had started only when that was started anew"
        )
    return notes


def is_no_mac(facts: Iterable[Fact], ttls: Collection[int]) -> bool:
    """Whether a host says that it is something else than a Mac: in its replies, or by the TTLs of its messages."""
    if any(fact.kind in OF_ITSELF and OTHER_SYSTEM.search(fact.value) for fact in facts):
        return True
    sent = [ttl for ttl in ttls if ttl != FROM_LINK]
    return bool(sent) and min(sent) > HIGHEST_OF_MAC


def preset_of(mode: Mode | None) -> str | None:
    """Which of the article's settings a mode is: it bears that name and promises the same."""
    if mode is None or mode.stealth:
        return None
    name = ALIASES.get(mode.name, mode.name)
    return next((one.name for one in PRESETS if (one.name, one.promise) == (name, mode.promise)), None)


def _stops(change: Change) -> bool:
    """Whether one client was answered and then no more, and nothing else explains it."""
    if change.circumstances or change.last_before.client != change.first_after.client:
        return False
    return change.before == "replied" and change.after in ("silent", "rejected")


def off_link(found: Finding) -> list[str]:
    """The case of VU#550620: multicast DNS that answers beyond its link, RFC 6762 sections 5.5 and 11."""
    if found.service != "mdns":
        return []
    reach = found.reach
    if beyond := reach.private + reach.public:
        kinds = {"public": reach.public, "private": reach.private}
        sources = " and ".join(kind for kind, number in kinds.items() if number)
        answered = f"answered {_queries(beyond)} from {sources} addresses"
        return [f"fits VU#550620: {answered}, with a TTL as from beyond the link, unless the sender chose it"]
    if reach.near:
        answered = f"answered {_queries(reach.near)} with a TTL below 255"
        return [f"may be VU#550620: {answered}, which need not have come from the link"]
    return []


def _queries(number: int) -> str:
    return "a query" if number == 1 else f"{number:,} queries"
