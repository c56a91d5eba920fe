"""The words that all forms of a report share: one fact reads the same on a terminal, in HTML and in a graph."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from capanalyze.model import (
    Analysis,
    Asked,
    Change,
    Control,
    Depth,
    Evidence,
    Exchange,
    Exhibit,
    Finding,
    Frame,
    Input,
    ModeInfo,
    Reference,
    Target,
)

DASH = "–"  # noqa: RUF001 (nothing, or from … to)
TIMES = "×"  # noqa: RUF001 (the sign, and no letter)
FLIPS_MARK = "⇅"
NO_MODE = "no mode given"
NOT_HASHED = "not hashed (--no-hash)"
NOT_NAMED: Mapping[str, str] = MappingProxyType({})
ZONE_WORDS = {"internet": "the internet", "lan": "the LAN"}

# -- Numbers -----------------------------------------------------------------------------------------


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 flip`, `1,204 frames`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def brief(number: int) -> str:
    """A count in at most four characters and a unit: 9999, 12k, 1.2M."""
    if number < 10_000:
        return str(number)
    for unit, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if number < 999.5 * size:
            scaled = number / size
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return f"{number:.0e}"


def counts(numbers: Mapping[str, int]) -> str:
    """What was counted, by name: `replied 4, silent 1`; nothing where there was none."""
    shown = {name: number for name, number in numbers.items() if number}
    separator = "; " if any("," in name for name in shown) else ", "
    return separator.join(f"{name} {number:,}" for name, number in shown.items())


def dropped(inputs: Iterable[Input]) -> str:
    """How many frames of some captures the kernel dropped, as far as they tell; empty where it dropped none."""
    number = sum(interface.dropped or 0 for one in inputs for interface in one.interfaces)
    return f"{counted(number, 'frame')} by the kernel, before they were captured" if number else ""


def answered(found: Finding) -> str:
    """How many of the requests that could be answered were: `4/5`; a dash where none could."""
    return f"{found.replied}/{found.provable}" if found.provable else DASH


def factor(found: Finding) -> str:
    """How many octets came back for one; empty where none did."""
    return "" if found.factor is None else times(found.factor)


def digits(value: float) -> str:
    """A factor's digits: to a tenth below 100, to the first digit that tells it from 0, to a hundredth about 1."""
    if value >= 100:
        return f"{value:,.0f}"
    if 1 < value < 1.05:
        return f"{value:.2f}"
    return f"{value:.1f}" if value >= 0.05 else f"{value:.1g}"


def times(value: float) -> str:
    """A factor as a reader has it."""
    return f"{TIMES}{digits(value)}"


def kind(asked: Asked) -> str:
    """What requests of a kind drew: how many were answered, and by how much the answers are larger."""
    grown = f" {times(asked.factor)}" if asked.factor is not None and asked.factor > 1 else ""
    return f"{asked.kind} {asked.replied}/{asked.exchanges}{grown}"


def answered_kinds(found: Finding) -> list[Asked]:
    """The kinds of requests that were answered, where there are several, or where it is not the usual one."""
    kinds = [asked for asked in found.kinds if asked.replied]
    usual = max((asked.exchanges for asked in found.kinds), default=0)
    return kinds if len(kinds) > 1 or any(asked.exchanges < usual for asked in kinds) else []


# The widest first.
REACHES = {
    "public": "public addresses",
    "private": "private addresses",
    "near": "hosts that seem on the link",
    "on_link": "hosts on the link",
}


def reach(found: Finding) -> str:
    """From where answered requests came: `public addresses (4) and hosts on the link (1)`; empty where none was."""
    counts = {words: getattr(found.reach, name) for name, words in REACHES.items()}
    return listing(f"{words} ({number:,})" for words, number in counts.items() if number)


# -- Names -------------------------------------------------------------------------------------------


def shortened(text: str, length: int) -> str:
    """Text cut to a length, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def named(name: str, limit: int = 40) -> str:
    """A name as a sentence has it: never nothing, never endless."""
    if not any(character.isprintable() and not character.isspace() for character in name):
        return "(unnamed)"
    return shortened(name, limit)


def listing(names: Iterable[str], limit: int = 4) -> str:
    """Names as a sentence has them, the first of them where they are many: a, b and 7 more."""
    known = [named(name) for name in names]
    if len(known) > limit + 1:
        known = [*known[:limit], f"{len(known) - limit} more"]
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def zone_words(name: str) -> str:
    """A zone as a sentence has it: the internet."""
    return ZONE_WORDS.get(name, named(name))


def address(found: Finding) -> str:
    """Where a service listens: udp/123, icmp."""
    return found.transport if found.port is None else f"{found.transport}/{found.port}"


def service_name(found: Finding) -> tuple[str, str]:
    """A service, and what stands beside it: its registered name, its port, as far as they say more."""
    aside = dict.fromkeys((found.name, address(found)))
    said = ("", found.service.casefold())
    return found.service, " ".join(word for word in aside if word.casefold() not in said)


def finding_name(found: Finding) -> str:
    """A finding as a sentence has it: `ntp under block-all, from the internet`."""
    under = "" if found.mode is None else f" under {named(found.mode)}"
    return f"{found.service}{under}, from {zone_words(found.zone)}"


def mode_title(mode: ModeInfo | None) -> str:
    """The name of a mode that a reader knows."""
    return named(mode.title or mode.name, 80) if mode else NO_MODE


def promise(mode: ModeInfo | None) -> str:
    """What a mode promises, in a few words."""
    if mode is None or mode.promise is None:
        return "no promise known"
    if mode.promise == "allow":
        return "promises: no sign of the host but replies (stealth)" if mode.stealth else "promises nothing"
    # Only stealth speaks of ICMP.
    allowed = [service for service in mode.allow if mode.stealth or service != "icmp"]
    only = f"promises: only {listing(allowed, 3)} in" if allowed else "promises: nothing in"
    if mode.stealth:
        return f"{only}, and no {'other ' if allowed else ''}sign of the host (stealth)"
    return f"{only}, and ping" if allowed else f"{only} but ping"


def how_found(target: Target) -> str:
    """How the target's addresses are known: `given`, `assumed: it answers the requests; to confirm it, add …`."""
    if not target.assumed:
        return target.how
    how = target.how if target.how.startswith("assumed") else f"assumed: {target.how}".removesuffix(": ")
    return f"{how}; to confirm it, add {naming(target)}"


def seen_in(target: Target) -> str:
    """The first frames that show who the target is, by kind of evidence: `padding: frames 1, 4 and 9 of x.pcap`."""
    frames: dict[str, list[Frame]] = {}
    for ground in target.because:
        frames.setdefault(ground.kind, []).extend(ground.frames)
    return "; ".join(f"{kind}: {_frames_by_capture(here)}" for kind, here in frames.items() if here)


def _frames_by_capture(frames: Sequence[Frame]) -> str:
    numbers: dict[str, list[str]] = {}
    for one in frames:
        numbers.setdefault(one.capture, []).append(str(one.frame))
    return ", ".join(
        f"frame{'s' if len(here) > 1 else ''} {listing(here)} of {named(capture)}" for capture, here in numbers.items()
    )


def naming(target: Target) -> str:
    """The options that name the target: `--target 192.0.2.10`."""
    return " ".join(f"--target {address}" for address in target.addresses)


def on_condition(target: Target, said: str) -> str:
    """What is said of the target, with the condition that it depends on where the target is only assumed."""
    if not target.assumed:
        return said
    are = "is" if len(target.addresses) == 1 else "are addresses of"
    return f"If {listing(target.addresses, 3)} {are} the host under test: {said[:1].lower()}{said[1:]}"


# -- Frames and times --------------------------------------------------------------------------------


def frames(shown: Evidence | Exchange, captures: Mapping[str, str] = NOT_NAMED, most: int = 4) -> str:
    """Frame numbers of an exchange: `12→13`, with a retransmission `12,14→15`; a dash stands for none.

    `captures` are the captures' short names, to stand before the numbers where there are several; of more
    than `most` numbers (or runs of them) on one side an ellipsis stands for the rest.
    """
    if not shown.requests and not shown.replies:
        return DASH
    requests = f"{captures.get(shown.capture, '')} {_runs(shown.requests, most) or DASH}"
    replies = f"{captures.get(shown.reply_capture or '', '')} {_runs(shown.replies, most) or DASH}"
    return f"{requests.strip()}→{replies.strip()}"


def _runs(numbers: list[int], most: int) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [_run(run) for run in runs]
    return ",".join([*words[:most], "…"] if len(words) > most else words)


def _run(run: list[int]) -> str:
    return f"{run[0]}{DASH}{run[-1]}" if len(run) > 2 else ",".join(map(str, run))


def control(shown: Control, captures: Mapping[str, str] = NOT_NAMED) -> str:
    """What shows that a silent service listened: `answered under allow-all, frames A 5→6`."""
    under = "" if shown.mode is None else f" under {named(shown.mode)}"
    capture = captures.get(shown.capture, "")
    replies = f"{captures.get(shown.reply_capture or '', '')} {_runs(shown.replies, 4)}".strip()
    if not shown.requests:
        return f"sent frame {f'{capture} {replies}'.strip()} of itself{under}"
    requests = f"{capture} {_runs(shown.requests, 4)}".strip()
    return (
        f"answered{under}, frames {requests}→{replies}" if shown.replies else f"asked in frame {requests} itself{under}"
    )


def flip(change: Change) -> str:
    """What changed in a flip: `rejected → replied (client request)`; a filter may treat clients differently."""
    aside = [change.kind] if change.kind else []
    if not is_of_one_client(change):
        aside.append("another client")
    return f"{change.before} → {change.after}" + (f" ({', '.join(aside)})" if aside else "")


def around(change: Change) -> list[str]:
    """What lies around a flip: how long after it came, the reasons, and what may explain it."""
    said = [f"{duration(change.seconds)} later"] if change.seconds is not None else []
    if change.silence is not None:
        said.append(f"{duration(change.silence)} after it last answered")
    before, after = (
        "silence" if outcome == "silent" else reason
        for outcome, reason in ((change.before, change.reason_before), (change.after, change.reason_after))
    )
    if before and after:
        said.append(f"{before}, then {after}")
    return said + change.circumstances


def duration(seconds: float) -> str:
    """A time in seconds, minutes or hours as briefly as it can be said."""
    for least, size, unit in ((7200, 3600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{seconds / size:.0f} {unit}"
    return microseconds(max(seconds, 0) * 1e6)


def is_of_one_client(change: Change) -> bool:
    """Whether the same client met both outcomes: only then it is sure that time made the difference."""
    return change.last_before.client == change.first_after.client


def clock(time: str | None) -> str:
    """The time of day of an ISO 8601 time, to the second."""
    return f"{time[11:19]} UTC" if time else "a time not known"


def period(first: str | None, last: str | None) -> str:
    """The time from `first` to `last`, both UTC as ISO 8601, as briefly as it can be said."""
    if first is None or last is None:
        return "time unknown"
    day, start = first[:10], first[11:19]
    last_day, end = last[:10], last[11:19]
    if day != last_day:
        return f"{day} {start[:5]} {DASH} {last_day} {end[:5]} UTC"
    if start == end:
        return f"{day} {start} UTC"
    if start[:5] != end[:5]:
        start, end = start[:5], end[:5]
    return f"{day} {start}{DASH}{end} UTC"


def microseconds(duration: float) -> str:
    """A duration with three digits and its unit: `272 µs`, `1.35 ms`, `2.50 s`."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if duration >= size:
            scaled = duration / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"
    return f"{duration:.0f} µs"


# -- The second opinion ------------------------------------------------------------------------------


def evidence_size(depth: Depth) -> str:
    """The file of evidence in a few words: `evidence.pcapng, 307 frames`."""
    return f"{depth.file}, {counted(len(depth.exhibits), 'frame')}"


def second_opinion(analysis: Analysis) -> str:
    """What tshark says of the evidence: `tshark 4.0.17 confirms 294 frames, 42 links`; else why it says less."""
    depth = analysis.depth
    if depth is None:
        return ""
    said = [confirmed(analysis.findings, f"tshark {depth.tshark}")] if depth.tshark else []
    return "; ".join(said + ([depth.note] if depth.note else []))


def reference_opinion(reference: Reference) -> str:
    """What the dpkt reference says of the exchanges: `dpkt reference confirms 21 of 21 exchanges`."""
    if reference.note:
        return f"dpkt reference {reference.note}"
    if not reference.whole:
        said = f"confirms {reference.confirmed:,} of {counted(reference.of, 'exchange')}"
    elif not reference.differences:
        said = f"agrees on all {counted(reference.of, 'exchange')}"
    else:
        said = f"agrees on {reference.confirmed:,} of {counted(reference.of, 'exchange')}"
    because = f" ({counts(reference.unread_because)})" if reference.unread_because else ""
    unread = f", does not read {counted(reference.unread, 'frame')}{because}" if reference.unread else ""
    return f"dpkt reference {said}{unread}"


def confirmed(findings: Iterable[Finding], who: str = "tshark") -> str:
    """In how many frames, and links between reply and request, tshark sees the same: `tshark confirms 4 frames`."""
    known = [found.agreement for found in findings if found.agreement]
    links = sum(one.links for one in known)
    linked = f", {counted(links, 'link')}" if links else ""
    return f"{who} confirms {counted(sum(one.confirmed for one in known), 'frame')}{linked}"


def relabelled(said: str, labels: Mapping[int, str]) -> str:
    """What is said of frames of the file of evidence, with each called as the report calls it: `frame F 12`."""
    return re.sub(r"\bframe ([0-9]{1,9})\b", lambda found: f"frame {labels.get(int(found[1]), found[1])}", said)


def seen_as(found: Finding) -> str:
    """The protocols that Wireshark sees in a service of no module of ours: `Wireshark: dns`; else nothing."""
    seen = found.agreement.protocols if found.agreement and "/" in found.service else []
    known = [one for one in seen if not one.startswith("_ws.")]
    return f"Wireshark: {listing(known, 3)}" if known else ""


def proves(shown: Exhibit, found: Finding | None = None) -> list[str]:
    """What a frame proves, each once; under a finding without that finding's own name: `reply`."""
    own = f"{found.service} " if found else None
    said = [one.partition(": ")[2] if own and one.startswith(own) and ": " in one else one for one in shown.proves]
    return [one for one in said if not any(other != one and other.startswith(one) for other in said)]
