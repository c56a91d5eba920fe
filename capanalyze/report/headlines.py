"""The result in one sentence, without its full stop: of the whole report, and of each graph."""

from collections import Counter
from collections.abc import Iterable, Sequence

from capanalyze.model import Analysis, Finding, ModeInfo, Outcome
from capanalyze.report.by_host import leaking
from capanalyze.report.families import FAMILIES, has_both
from capanalyze.report.measures import Amplified, Timed, is_slow, soon
from capanalyze.report.order import modes, ordered, services, worst_mode
from capanalyze.report.unread import unread_clause
from capanalyze.report.words import (
    counted,
    digits,
    is_of_one_client,
    listing,
    microseconds,
    mode_title,
    named,
    on_condition,
    shortened,
    zone_words,
)

# Up to so many services are named in a sentence, more are counted.
MOST_NAMED = 4

DID: dict[Outcome, str] = {"replied": "answered", "rejected": "refused", "silent": "fell silent"}
NOT_INBOUND = {
    "outbound": "outbound",
    "local": "local",
    "passing": "between other hosts",
    "inbound": "sent to it without a request",
}

NOTHING_LISTENED = "nothing shows that anything listened"

# -- The report --------------------------------------------------------------------------------------


def headline(analysis: Analysis) -> str:
    """The result of the whole report."""
    if analysis.hosts:
        return _with_unread(_of_hosts(analysis), analysis)
    return on_condition(analysis.target, _with_unread(_result(analysis), analysis))


def did_not_answer(findings: Iterable[Finding]) -> list[Finding]:
    """The findings of services that should be blocked, could have answered, and did not."""
    return [
        found for found in findings if found.promise == "block" and found.verdict in ("blocked", "refused", "silent")
    ]


def how_held(findings: Iterable[Finding]) -> str:
    """How services that did not answer kept from it: `6 were held back, 2 refused and 9 silent …`."""
    worst: dict[str, str] = {}
    for verdict in ("blocked", "refused", "silent"):
        for found in findings:
            if found.verdict == verdict:
                worst.setdefault(found.service, verdict)
    if len(worst) == 1:
        return {"blocked": "it was held back", "refused": "it refused", "silent": "nothing shows that it listened"}[
            next(iter(worst.values()))
        ]
    number = Counter(worst.values())
    held, refused, silent = number["blocked"], number["refused"], number["silent"]
    if len(number) == 1 and not silent:
        return "all were held back" if held else "all refused"
    said = [f"{held} {'was' if held == 1 else 'were'} held back"] if held else []
    said += [f"{refused} refused"] if refused else []
    if not silent:
        return " and ".join(said)
    if not said:
        return NOTHING_LISTENED
    more = " more" if held else ""
    stayed = f"{silent}{more} stayed silent, and {NOTHING_LISTENED}"
    return f"{' and '.join(said)}; {stayed}"


def _of_hosts(analysis: Analysis) -> str:
    """The result of a report on several hosts."""
    number = len(analysis.hosts)
    names = leaking(analysis)
    assumed = sum(host.target.assumed for host in analysis.hosts)
    condition = f"if the {'targets are' if assumed > 1 else 'target of one is'} as assumed" if assumed else ""
    if not names:
        asked = any(found.promise == "block" for found in analysis.findings)
        said = f"{_no_leaks(analysis)} on {counted(number, 'host')}" if asked else f"{number} hosts, nothing judged"
    else:
        said = f"{len(names)} of {counted(number, 'host')} leaked: {listing(names)}"
    return f"{said}, {condition}" if condition else said


def _result(analysis: Analysis) -> str:
    if leaked := [found for found in ordered(analysis) if found.verdict == "leaked"]:
        return _leaks_in_words(analysis, leaked)
    if visible := [found for found in analysis.findings if found.verdict == "visible"]:
        return f"{_no_leaks(analysis)}, but {_modes(visible)} let rejections show that there is a host"
    if forbidden := [found for found in analysis.findings if found.promise == "block"]:
        return _none_in_words(analysis, forbidden)
    if promised := [found for found in analysis.findings if found.mode is not None]:
        return f"{_answered(promised)} under {_modes(promised)}, which promised to block none of them"
    if analysis.findings:
        return f"{_answered(analysis.findings)}; no firewall mode is known, so nothing is judged"
    return f"{nobody_asked(analysis)}, so there is nothing to judge"


def nobody_asked(analysis: Analysis) -> str:
    """What was captured instead, where no request to the target was."""
    counts = {way: number for way, number in analysis.directions.items() if number}
    number = sum(counts.values())
    if not number:
        return "No exchange was captured"
    if list(counts) == ["outbound"]:
        all_of_them = "the only exchange is" if number == 1 else f"all {number:,} exchanges are"
        return f"Nobody asked the target: {all_of_them} outbound"
    parts = [f"{part:,} {NOT_INBOUND.get(way, way)}" for way, part in counts.items()]
    return f"Nobody asked the target: of {counted(number, 'exchange')}, {' and '.join(parts)}"


def _leaks_in_words(analysis: Analysis, leaked: list[Finding]) -> str:
    titles = {name: mode_title(mode) for name, mode in modes(analysis)}
    leaking = [name for name in titles if name in {found.mode for found in leaked}]
    if len(leaking) == 1:
        return f"“{shortened(titles[leaking[0]], 80)}” {_let(analysis, leaked)}"
    clauses = [
        f"{shortened(mode or '', 40)} {_let(analysis, [found for found in leaked if found.mode == mode])}"
        for mode in leaking
    ]
    *most, last = clauses
    return f"{_of_modes(len(leaking), analysis)} leaked: {', '.join(most)}, and {last}"


def _let(analysis: Analysis, leaked: Sequence[Finding]) -> str:
    return f"let {_services(leaked)} answer{_from_where_only(analysis, leaked)}"


def _from_where_only(analysis: Analysis, leaked: Sequence[Finding]) -> str:
    """The one zone and the one family that a mode's leaks came from, where all others were asked in vain."""
    services = {found.service for found in leaked}
    asked = [found for found in analysis.findings if found.mode == leaked[0].mode and found.service in services]
    zones = {found.zone for found in leaked}
    families = {name for found in asked for name, counts in found.families.items() if counts.replied}
    elsewhere = {found.service for found in asked if found.provable and found.zone not in zones}
    otherwise = {
        found.service
        for found in asked
        if any(counts.provable and name not in families for name, counts in found.families.items())
    }
    parts = [f"from {zone_words(zone)}" for zone in zones if len(zones) == 1 and elsewhere == services]
    parts += [f"over {FAMILIES[one]}" for one in families if len(families) == 1 and otherwise == services]
    return f" {' and '.join(parts)} only" if parts else ""


def _none_in_words(analysis: Analysis, forbidden: Sequence[Finding]) -> str:
    quiet = did_not_answer(forbidden)
    if quiet:
        said = f"{_none_of(quiet)} under {_modes(quiet)}{_over_one_family(analysis, quiet)}"
        return f"{_no_leaks(analysis)}: {said}; {how_held(quiet)}"
    if any(found.verdict == "indeterminate" for found in forbidden):
        return f"Indeterminate: the captures under {_modes(forbidden)} could not show an answer to any request"
    return f"Unproven: no request under {_modes(forbidden)} had to draw a reply"


def _none_of(quiet: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(found.service for found in quiet))
    if len(names) == 1:
        return f"{named(names[0])}, which should be blocked, did not answer"
    return f"none of {counted(len(names), 'service')} that should be blocked answered"


def _over_one_family(analysis: Analysis, quiet: Sequence[Finding]) -> str:
    """How many services were asked over one family only, where the target has addresses of both."""
    if not has_both(analysis):
        return ""
    asked: dict[tuple[str | None, str], set[str]] = {}
    for found in quiet:
        families = {name for name, counts in found.families.items() if counts.provable}
        asked.setdefault((found.mode, found.service), set()).update(families)
    only = {
        words: len({service for (_, service), families in asked.items() if families == {name}})
        for name, words in FAMILIES.items()
    }
    number = len({found.service for found in quiet})
    told = [(words, count) for words, count in only.items() if count]
    if len(told) == 1 and told[0][1] == number:
        return f"; {'all asked' if number > 1 else 'it was asked'} over {told[0][0]} only"
    parts = [f"{count} of them {'was' if count == 1 else 'were'} asked over {words} only" for words, count in told]
    return f"; {' and '.join(parts)}" if parts else ""


def _no_leaks(analysis: Analysis) -> str:
    return "No leaks in what could be read" if unread_clause(analysis) else "No leaks"


def _with_unread(result: str, analysis: Analysis) -> str:
    clause = unread_clause(analysis)
    return f"{result}; {clause}" if clause else result


def _answered(findings: list[Finding]) -> str:
    asked = {found.service for found in findings}
    replied = {found.service for found in findings if found.replied}
    return f"{len(replied) or 'None'} of {counted(len(asked), 'service')} answered"


def _of_modes(number: int, analysis: Analysis) -> str:
    return f"{number} of {counted(sum(name is not None for name, _ in modes(analysis)), 'mode')}"


def _modes(findings: Iterable[Finding]) -> str:
    return listing(dict.fromkeys(shortened(found.mode or "", 40) for found in findings))


def _services(findings: Iterable[Finding]) -> str:
    names = list(dict.fromkeys(found.service for found in findings))
    return counted(len(names), "service") if len(names) > MOST_NAMED else listing(names)


# -- The graph of leaks ------------------------------------------------------------------------------


def of_leaks(analysis: Analysis) -> str:
    """The result that the graph of leaks shows."""
    return _with_unread(_leaks_drawn(analysis), analysis)


def _leaks_drawn(analysis: Analysis) -> str:
    judged = [found for found in analysis.findings if found.verdict is not None]
    if not judged:
        return _without_modes(analysis)
    leaking = {found.mode for found in analysis.leaks()}
    if not leaking:
        return _without_leaks(analysis, judged)
    name, mode = worst_mode(analysis)
    sentence = f"“{mode_title(mode)}” {_leaked(analysis, name)}"
    if len(leaking) == 1:
        return sentence
    return f"{_of_modes(len(leaking), analysis)} leaked; {sentence}"


def _leaked(analysis: Analysis, mode: str | None) -> str:
    verdicts = {(found.service, found.verdict) for found in analysis.findings if found.mode == mode}
    order = [found.service for found in services(analysis)]
    answered = [service for service in order if (service, "leaked") in verdicts]
    leaked = [found for found in analysis.findings if found.mode == mode and found.verdict == "leaked"]
    if len(answered) > MOST_NAMED + 1:
        return f"let {len(answered)} services answer{_from_where_only(analysis, leaked)}: {listing(answered)}"
    if answered:
        return f"let {listing(answered)} answer{_from_where_only(analysis, leaked)}"
    rejected = [service for service in order if (service, "visible") in verdicts]
    return f"gave the host away by rejecting requests to {listing(rejected)}"


def _without_leaks(analysis: Analysis, judged: Sequence[Finding]) -> str:
    forbidden = [found for found in judged if found.promise == "block"]
    if not forbidden:
        answered = {found.service for found in judged if found.replied}
        return f"Nothing could leak, as nothing was promised; {counted(len(answered), 'service')} answered"
    asked = {found.service for found in forbidden if found.provable}
    if not asked:
        return f"{_open(forbidden)} that a mode forbids"
    requests = counted(sum(found.provable for found in forbidden), "request")
    services = f"{counted(len(asked), 'service')} that should be blocked"
    how = how_held(did_not_answer(forbidden))
    return f"{_no_leaks(analysis)}: {requests} to {services} drew no reply{f'; {how}' if how else ''}"


def _without_modes(analysis: Analysis) -> str:
    replied = {found.service for found in analysis.findings if found.replied}
    answered = [found.service for found in services(analysis) if found.service in replied]
    if answered:
        return f"{counted(len(answered), 'service')} answered: {listing(answered, 5)}"
    provable = sum(found.provable for found in analysis.findings)
    if not provable:
        return _open(analysis.findings)
    return f"No service answered: {counted(provable, 'request')} drew no reply"


def _open(findings: Iterable[Finding]) -> str:
    if any(found.indeterminate for found in findings):
        return "Indeterminate: the captures could not show a reply"
    return "Unproven: no request had to draw a reply"


# -- The timeline ------------------------------------------------------------------------------------


def of_timeline(analysis: Analysis) -> str:
    """The result that the timeline shows."""
    flipping = [found for found in analysis.findings if any(map(is_of_one_client, found.changes))]
    if flipping:
        known = all(found.mode is not None for found in flipping)
        return _flipped(flipping) + (", with no setting changed" if known else "")
    leaks = analysis.leaks()
    order = [found.service for found in services(analysis)]
    if leaks:
        name, mode = worst_mode(analysis)
        return _under(mode, [found for found in leaks if found.mode == name], order)
    replied = {found.service for found in analysis.findings if found.replied}
    if not replied:
        return _with_unread(_no_reply(analysis.findings), analysis)
    answered = listing([service for service in order if service in replied], 5)
    promised = any(found.promise == "block" for found in analysis.findings)
    if not promised:
        return f"{answered} answered"
    return _with_unread(f"{answered} answered, and no promise was broken", analysis)


def _no_reply(findings: Sequence[Finding]) -> str:
    rejecting = {found.service for found in findings if found.rejected}
    if not rejecting:
        return "No request drew a reply"
    return f"No request drew a reply; requests to {counted(len(rejecting), 'service')} were rejected"


def _flipped(flipping: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(found.service for found in flipping))
    if len(flipping) > 1:
        return f"{listing(names, 5)} changed {'its answer' if len(names) == 1 else 'their answers'}"
    changes = [change for change in flipping[0].changes if is_of_one_client(change)]
    before = "was silent" if changes[0].before == "silent" else _did(changes[0].before)
    sentence = f"{named(names[0])} {before}, then {_did(changes[0].after)}"
    further = len(changes) - 1 + (flipping[0].more_changes if len(changes) == len(flipping[0].changes) else 0)
    if further:
        return f"{sentence}, and flipped {'once more' if further == 1 else f'{further} more times'}"
    return sentence


def _did(outcome: Outcome) -> str:
    return DID.get(outcome, outcome)


def _under(mode: ModeInfo | None, leaks: Sequence[Finding], order: Sequence[str]) -> str:
    title = f"Under “{mode_title(mode)}”"
    replied = {found.service for found in leaks if found.verdict == "leaked"}
    if not replied:
        rejected = {found.service for found in leaks}
        return f"{title}, rejections by {listing([name for name in order if name in rejected], 5)} showed the host"
    kept = "kept answering" if any(found.replied > 1 for found in leaks) else "answered"
    return f"{title}, {listing([name for name in order if name in replied], 5)} {kept}"


# -- Amplification and round-trip times --------------------------------------------------------------


def of_amplification(measured: Sequence[Amplified]) -> str:
    """The result that the graph of amplification shows; the greatest is the first."""
    most = measured[0]
    if most.octets <= 1:
        return "No service sent more octets than it was sent"
    kind = f" ({shortened(most.kind, 40)})" if most.kind else ""
    return f"{named(most.found.service)} sent back {digits(most.octets)} octets for each one received{kind}"


def of_latency(zones: Sequence[tuple[str, list[str], list[Timed]]]) -> str:
    """The result that the graph of round-trip times shows."""
    for zone, interfaces, rows in zones:
        quick = sum(map(soon, rows))
        if quick and is_slow(zone, interfaces):
            left = "reply left" if quick == 1 else "replies left"
            return f"{quick:,} {left} for {zone_words(zone)} within a millisecond: the capture was made on the target"
    slowest = max((row for *_, rows in zones for row in rows), key=lambda row: row.median)
    count = len({row.found.service for *_, rows in zones for row in rows})
    if count == 1:
        return f"{named(slowest.found.service)} answered after {microseconds(slowest.median)} in the median"
    return f"{counted(count, 'service')} answered, in the median within {microseconds(slowest.median)}"
