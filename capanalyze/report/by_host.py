"""A report on several hosts, taken apart into one for each: every form tells of them one after the other."""

from msgspec.structs import replace

from capanalyze.conclusions import conclude
from capanalyze.model import Analysis, HostInfo

COMFORTABLE = 8  # hosts that one report tells of comfortably


def parts(analysis: Analysis) -> list[Analysis]:
    """The analysis of each host; the analysis itself where there is one host."""
    return [_of(analysis, host) for host in analysis.hosts] or [analysis]


def leaking(analysis: Analysis) -> list[str]:
    """The hosts that leaked."""
    names = {found.host for found in analysis.findings if found.verdict == "leaked"}
    return [host.name for host in analysis.hosts if host.name in names]


def _of(analysis: Analysis, host: HostInfo) -> Analysis:
    findings = [found for found in analysis.findings if found.host == host.name]
    modes = [replace(mode, conclusions=[]) for mode in analysis.modes if set(mode.captures) & set(host.captures)]
    conclude(findings, modes)
    inputs = [one for one in analysis.inputs if one.name in host.captures]
    return replace(
        analysis,
        title=host.name,
        inputs=inputs,
        first=min((one.first for one in inputs if one.first), default=None),
        last=max((one.last for one in inputs if one.last), default=None),
        target=host.target,
        modes=modes,
        findings=findings,
        announcements=[one for one in analysis.announcements if one.host == host.name],
        directions=host.directions,
        notes=[],
        hosts=[],
    )
