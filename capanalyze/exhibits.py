"""Exhibits: the frames that findings rest on, and the file of evidence that holds them and nothing else.

Which frames those are follows from the findings alone. What opens the file, Wireshark or this program, sees the
frames as they were captured, by the interfaces that they came by, each with a comment that says what it proves.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from capanalyze import __version__
from capanalyze.capture.pcapng_writer import Origin, Packet, to_pcapng
from capanalyze.capture.records import NO_TIME
from capanalyze.escape import toml_text
from capanalyze.findings import WORST, utc
from capanalyze.model import EVIDENCE, EVIDENCE_AUDIT, VERDICTS, Exhibit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from capanalyze.again import Frame
    from capanalyze.audit import Audit, Mode, Segment
    from capanalyze.findings import Summed
    from capanalyze.model import Announcement, Evidence, Finding, Input
    from capanalyze.reading import Reading

SECOND = 1_000_000_000

Key = tuple[str, int]  # capture and frame
Proof = tuple[Key, str]


@dataclass(frozen=True)
class Limit:
    """How much is shown: exchanges and flips of a finding, frames of an exchange either way, frames in all."""

    exchanges: int
    flips: int
    frames: int
    in_all: int


LIMITS = {
    "auto": Limit(exchanges=2, flips=3, frames=4, in_all=400),
    "all": Limit(exchanges=10, flips=100, frames=64, in_all=10_000),
}


class Shown(NamedTuple):
    """An exhibit and its octets."""

    exhibit: Exhibit
    octets: bytes


@dataclass(frozen=True)
class Bundle:
    """The file of evidence.

    Attributes:
        octets: of the pcapng file.
        audit: the audit file that describes it to `capanalyze report`; None without modes.
        shown: its frames, in order.
        missing: frames that could not be read again.
        from_stdin: whether a capture came by standard input, of which only the beginning is kept.
    """

    octets: bytes
    audit: str | None
    shown: list[Shown]
    missing: frozenset[Key] = frozenset()
    from_stdin: bool = False

    @property
    def audit_name(self) -> str | None:
        """What the audit file is called, where there is one."""
        return EVIDENCE_AUDIT if self.audit else None

    @property
    def sha256(self) -> str:
        """Of the octets, in hexadecimal."""
        return hashlib.sha256(self.octets).hexdigest()


def proofs(
    summed: Sequence[Summed], announcements: Sequence[Announcement], inputs: Sequence[Input], limit: Limit
) -> dict[Key, list[str]]:
    """The frames to be shown, each with what it proves.

    Where there is not room for all, the first exchange of each finding comes before all others, urgent findings first.
    Of what breaks a promise all exchanges are shown, as far as there is room, so that its counts can be counted.
    """
    chosen: dict[Key, list[str]] = {}
    for key, words in _all_proofs(sorted(summed, key=_urgency), announcements, inputs, limit):
        if key not in chosen and len(chosen) == limit.in_all:
            continue
        proved = chosen.setdefault(key, [])
        if words not in proved:
            proved.append(words)
    return chosen


def _all_proofs(
    summed: Sequence[Summed], announcements: Sequence[Announcement], inputs: Sequence[Input], limit: Limit
) -> Iterator[Proof]:
    findings = [one.finding for one in summed]
    for nth in range(limit.exchanges):
        for found in findings:
            for one in found.shown()[nth : nth + 1]:
                yield from _exchange(one, _about(found), limit)
    for found, payloads, *_ in summed:
        for told in payloads[:1]:
            yield (told.capture, told.frame), f"{_about(found)}: tells something"
    for found in findings:
        yield from _control(found)
        yield from _kinds(found)
        yield from _flips(found, limit)
    for found, _, _, counted in summed:
        for exchange in counted:
            yield from _exchange(exchange, _about(found), limit)
    for unasked in announcements:
        words = f"{unasked.service} announces{_where(unasked.mode, unasked.zone)}"
        for message in filter(None, (unasked.first, unasked.last)):
            yield from _exchange(message, words, limit)
    silent = {one.capture for found in findings if found.silent or found.unproven for one in found.shown()}
    for given in inputs:
        if given.name in silent and given.frames:
            yield (given.name, given.frames), f"the capture {given.name} goes on to here: silence lasted as far"


def _urgency(summed: Summed) -> int:
    found = summed.finding
    return VERDICTS.index(found.verdict) if found.verdict else WORST.index(found.outcome)


def without_exhibit(findings: Iterable[Finding], chosen: Collection[Key]) -> int:
    """How many findings none of these frames is of."""
    return sum(
        not any((one.capture, frame) in chosen for one in found.shown() for frame in (*one.requests, *one.replies))
        for found in findings
    )


def _about(found: Finding) -> str:
    return f"{found.service} {found.verdict or found.outcome}{_where(found.mode, found.zone)}"


def _where(mode: str | None, zone: str) -> str:
    under = f" under {mode}" if mode else ""
    return f"{under}, from {zone}" if zone else under


def _exchange(one: Evidence, words: str, limit: Limit) -> Iterator[Proof]:
    for frame in one.requests[: limit.frames]:
        yield (one.capture, frame), f"{words}: request"
    for frame in one.replies[: limit.frames]:
        yield (one.reply_capture or one.capture, frame), f"{words}: {'reply' if one.requests else 'message'}"


def _control(found: Finding) -> Iterator[Proof]:
    """The exchange that shows that something listened."""
    if found.control is None:
        return
    one = found.control
    for frame in one.requests:
        yield (one.capture, frame), f"{_about(found)}: a request that it answered"
    for frame in one.replies:
        yield (one.reply_capture or one.capture, frame), f"{_about(found)}: shows that it listens"


def _kinds(found: Finding) -> Iterator[Proof]:
    for kind in found.kinds if len(found.kinds) > 1 else ():
        for frame, role in ((kind.first, "request"), (kind.first_reply, "reply")):
            if frame is not None:
                yield (frame.capture, frame.frame), f"{_about(found)}: {role} ({kind.kind})"


def _flips(found: Finding, limit: Limit) -> Iterator[Proof]:
    for change in found.changes[: limit.flips]:
        flip = f"{_about(found)}: {change.before}, then {change.after}"
        yield from _exchange(change.last_before, f"{flip}: before", limit)
        yield from _exchange(change.first_after, f"{flip}: after", limit)
        if change.own_traffic is not None:
            yield (change.own_traffic.capture, change.own_traffic.frame), f"{flip}: the target's own message in between"


def display_filter(frames: Iterable[int]) -> str:
    """What shows some frames, ascending, in Wireshark: `frame.number in {12, 13, 20..29}`; empty without frames."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and runs[-1][-1] == frame - 1:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    words = (f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return f"frame.number in {{{', '.join(words)}}}" if runs else ""


# -- The file ----------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """A frame of a capture with its clock, which never runs back within it."""

    clock: int
    reading: Reading
    frame: Frame


def bundle(
    readings: Sequence[Reading],
    frames: Mapping[str, Mapping[int, Frame]],
    wanted: Mapping[Key, list[str]],
    audit: Audit,
    target: Sequence[str],
) -> Bundle:
    """The file of evidence: the frames that were found of those wanted, by their clocks, captures in their own order.

    Args:
        readings: the captures.
        frames: of each capture, by number.
        wanted: what each proves.
        audit: what was asked.
        target: addresses of the host under test.
    """
    found = list(heapq.merge(*(_by_clock(one, frames.get(one.file.name, {})) for one in readings), key=_clock))
    packing = Packing()
    shown = []
    for number, (_, reading, frame) in enumerate(found, 1):
        name = reading.file.name
        proved = wanted[name, frame.number]
        packing.add(reading, frame, "\n".join((f"{name}, frame {frame.number}", *proved)))
        exhibit = Exhibit(
            number=number,
            capture=name,
            frame=frame.number,
            time=utc(time_of(frame)),
            interface=name_of(reading, frame.interface),
            captured=len(frame.octets),
            octets=frame.size,
            proves=proved,
        )
        shown.append(Shown(exhibit, frame.octets))
    numbers: dict[str, list[int]] = {}
    for (name, _), origin in packing.numbers.items():
        numbers.setdefault(name, []).append(origin)
    audited = audit_of(audit, numbers, target)
    missing = wanted.keys() - {(reading.file.name, frame.number) for _, reading, frame in found}
    from_stdin = any(one.capture.path is None for one in readings)
    return Bundle(packing.octets(), audited, shown, frozenset(missing), from_stdin)


@dataclass
class Packing:
    """Frames on their way into a file of their own.

    Attributes:
        origins: the interfaces that they came by, as they are met.
        packets: the frames.
        numbers: of the origins, by capture and interface there.
    """

    origins: list[Origin] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, reading: Reading, frame: Frame, comment: str) -> None:
        """Add a frame whose capture describes its interface."""
        key = (reading.file.name, frame.interface)
        if key not in self.numbers:
            self.numbers[key] = len(self.origins)
            self.origins.append(_origin(reading, frame.interface))
        self.packets.append(
            Packet(self.numbers[key], time_of(frame), frame.octets, frame.size, frame.direction, (comment,))
        )

    def octets(self) -> bytes:
        """The file, as pcapng."""
        return to_pcapng(self.origins, self.packets, f"capanalyze {__version__}")


def _by_clock(reading: Reading, frames: Mapping[int, Frame]) -> Iterator[_Found]:
    """The frames of a capture that can be written, in order."""
    kept = [frames[number] for number in sorted(frames) if frames[number].interface >= 0]
    clocks = accumulate((time_of(frame) or 0 for frame in kept), max)
    return (_Found(clock, reading, frame) for clock, frame in zip(clocks, kept, strict=True))


def _clock(found: _Found) -> int:
    return found.clock


def time_of(frame: Frame) -> int | None:
    """When a frame was captured, nanoseconds since 1970; None where no calendar holds it."""
    return frame.seconds * SECOND + frame.nanos if frame.seconds < NO_TIME else None


def _origin(reading: Reading, number: int) -> Origin:
    interface = reading.capture.interfaces[number]
    return Origin(
        link_type=interface.link_type,
        snaplen=interface.snaplen,
        name=name_of(reading, number),
        description=reading.file.name,
        addresses=tuple(interface.addresses),
    )


def name_of(reading: Reading, number: int) -> str | None:
    """What an interface that a capture describes is called.

    Where frames name their interface themselves, what is around them has no name of its own.
    """
    capture = reading.capture
    if capture.named and not capture.interfaces[number].name:
        return None
    return reading.label(number, len(capture.interfaces), len(capture.named))


# -- Its audit ---------------------------------------------------------------------------------------


def audit_of(audit: Audit, origins: Mapping[str, Sequence[int]], target: Sequence[str]) -> str | None:
    """The audit file of the evidence: the same modes, captures told apart by interfaces; None without modes.

    `origins` are the numbers of each capture's interfaces in the file.
    """
    captures: dict[str, list[str]] = {}
    for file in audit.captures:
        for segment in file.segments:
            if file.name in origins:
                captures.setdefault(segment.mode, []).append(_capture(origins[file.name], segment))
    if not captures:
        return None
    lines = [f"title = {_quoted(audit.title or 'Evidence')}", ""]
    if target:
        lines += ["[target]", f"addresses = {_list(target)}", ""]
    if audit.zones:
        lines += ["[zones]", *(f"{_quoted(key)} = {_quoted(zone)}" for key, zone in audit.zones.items()), ""]
    for mode in audit.used_modes():
        if mode.name in captures:
            lines += [*_mode(mode), "captures = [", *(f"    {one}," for one in captures[mode.name]), "]", ""]
    return "\n".join(lines)


def _mode(mode: Mode) -> Iterator[str]:
    yield f"[modes.{_quoted(mode.name)}]"
    yield f"title = {_quoted(mode.title)}"
    yield f"promise = {_quoted(mode.promise)}"
    if mode.allow:
        yield f"allow = {_list(mode.allow)}"
    if mode.stealth:
        yield "stealth = true"


def _capture(interfaces: Sequence[int], segment: Segment) -> str:
    times = (("since", segment.since), ("until", segment.until))
    limits = "".join(f", {name} = {utc(time)}" for name, time in times if time is not None)
    return f"{{ file = {_quoted(EVIDENCE)}, interfaces = {list(interfaces)}{limits} }}"


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, words))}]"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return toml_text(json.dumps(text, ensure_ascii=False))
