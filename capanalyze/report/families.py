"""A finding as tables and figures show it: in one row, or in one for each family of addresses that it differs over."""

from collections.abc import Sequence

from msgspec.structs import replace

from capanalyze.model import Analysis, Change, Counts, Evidence, Finding, Outcome

FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6"}
OUTCOMES: tuple[Outcome, ...] = ("replied", "rejected", "silent", "indeterminate")


def differs(found: Finding) -> bool:
    """Whether a finding says another thing over IPv6 than over IPv4."""
    return len({_said(counts) for counts in found.families.values()}) > 1


def over_families(found: Finding) -> list[Finding]:
    """A finding for each family that it was asked over, the worse first; each has what was seen over its family."""
    order = sorted(found.families, key=lambda family: OUTCOMES.index(_worst(found.families[family])))
    return [_over(found, family) for family in order]


def over(found: Finding) -> str:
    """The one family that a finding was asked over: `IPv4`; empty where there are several."""
    return FAMILIES.get(next(iter(found.families)), "") if len(found.families) == 1 else ""


def has_both(analysis: Analysis) -> bool:
    """Whether the target has addresses of both families."""
    return len({":" in address for address in analysis.target.addresses}) > 1


def _said(counts: Counts) -> tuple[str | None, Outcome]:
    return counts.verdict, _worst(counts)


def _worst(counts: Counts) -> Outcome:
    return next((outcome for outcome in OUTCOMES if getattr(counts, outcome)), "silent")


def _over(found: Finding, family: str) -> Finding:
    counts = found.families[family]
    replied = counts.replied > 0
    shown = _evidence(found.shown(), family)
    return replace(
        found,
        verdict=counts.verdict,
        outcome=_worst(counts),
        exchanges=counts.exchanges,
        replied=counts.replied,
        rejected=counts.rejected,
        silent=counts.silent,
        indeterminate=counts.indeterminate,
        unproven=counts.unproven,
        provable=counts.provable,
        evidence=shown,
        first=shown[0] if shown else _nowhere(found.first),
        last=shown[-1] if shown else _nowhere(found.last),
        retransmissions=0,
        factor=found.factor if replied else None,
        disclosures=found.disclosures if replied else [],
        changes=[change for change in found.changes if _is_over(change, family)],
        more_changes=0,
        families={family: counts},
        control=counts.control,
    )


def _evidence(shown: Sequence[Evidence], family: str) -> list[Evidence]:
    return [one for one in shown if (":" in one.client) == (family == "ipv6")]


def _is_over(change: Change, family: str) -> bool:
    return (":" in change.server) == (family == "ipv6")


def _nowhere(shown: Evidence) -> Evidence:
    return Evidence(capture=shown.capture, requests=[], replies=[], time=None, client="", server="")
