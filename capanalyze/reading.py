"""One capture, read: its messages, its identity, and how a report shows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capanalyze.capture import Capture, open_capture
from capanalyze.capture.records import NO_TIME
from capanalyze.errors import CaptureError
from capanalyze.findings import utc
from capanalyze.model import Input, InterfaceInfo
from capanalyze.packets.link_names import link_name
from capanalyze.packets.messages import Part, read_messages
from capanalyze.packets.steps import FIRST_REASON, TRUNCATED
from capanalyze.verdicts import CaptureFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capanalyze.audit import Audit, CaptureFile
    from capanalyze.exchanges import Sighting

SECOND = 1_000_000_000


@dataclass
class Reading:
    """One capture, read: the file, its messages, its identity."""

    file: CaptureFile
    capture: Capture
    part: Part
    sha256: str
    octets: int

    def labels(self) -> dict[int, str]:
        """What each interface is called: by itself, by the file's name, else by its number."""
        capture = self.capture
        alone = len(capture.interfaces) == 1 and not capture.named
        by_file = self.file.interface if alone else None
        numbers = [*range(len(capture.interfaces)), *capture.named.values()]
        return {number: capture.interface_name(number) or by_file or f"if{number}" for number in numbers}

    def facts(self, sightings: Sequence[Sighting], audit: Audit) -> CaptureFacts:
        """What judging needs to know: when it ran by the clock that pairing used, within the time asked for."""
        first, last = nanoseconds(self.part.first), nanoseconds(self.part.final)
        clocks = [seen.clock for seen in sightings if seen.capture == self.file.name]
        if first is not None and last is not None:
            first, last = min([first, *clocks[:1]]), max([last, *clocks[-1:]])
            first = first if audit.since is None else max(first, audit.since)
            last = last if audit.until is None else min(last, audit.until)
        return CaptureFacts(first=first, last=last, cut=self.is_cut, one_sided=self.is_one_sided)

    @property
    def is_cut(self) -> bool:
        """Whether frames end before their ports."""
        return bool(self.part.tally[TRUNCATED - FIRST_REASON])

    @property
    def is_one_sided(self) -> bool:
        """Whether it holds what rules logged, not all that passed."""
        return any(interface.one_sided for interface in self.capture.interfaces)


def read(file: CaptureFile) -> Reading:
    """Read one capture to its end.

    Raises:
        CaptureError: it is none, or of a link type that is not read.
    """
    capture = open_capture(file.path, file.name)
    try:
        part = read_messages(capture)
        sha256, octets = capture.finish()
    except CaptureError:
        capture.close()
        raise
    if not part.frames:
        capture.notes.append("the capture holds no frames")
    return Reading(file, capture, part, sha256, octets)


def input_of(reading: Reading, malformed: Mapping[tuple[str, str, str], int]) -> Input:
    """One capture as the report shows it; `malformed` counts by (capture, service, kind)."""
    capture, part = reading.capture, reading.part
    modes = list(dict.fromkeys(segment.mode for segment in reading.file.segments))
    notes = list(capture.notes)
    if reading.is_one_sided:
        notes.append("a log of what rules matched: it never proves silence")
    if reading.is_cut:
        notes.append("frames are cut before their ports: silence is not proven; capture with a larger snap length")
    return Input(
        name=reading.file.name,
        sha256=reading.sha256,
        octets=reading.octets,
        format=capture.format,
        mode=", ".join(modes) or None,
        frames=part.frames,
        first=stamp(part.first),
        last=stamp(part.last),
        interfaces=interfaces_of(reading),
        account=part.account(),
        malformed={
            f"{service}: {kind}": count
            for (name, service, kind), count in sorted(malformed.items())
            if name == reading.file.name
        },
        notes=notes,
    )


def interfaces_of(reading: Reading) -> list[InterfaceInfo]:
    """The interfaces that a capture describes, and those that only its frames name."""
    capture, labels = reading.capture, reading.labels()
    found = [
        InterfaceInfo(
            name=labels[index],
            link_type=link_name(interface.link_type),
            frames=interface.frames,
            dropped=interface.dropped,
        )
        for index, interface in enumerate(capture.interfaces)
    ]
    counts = Counter(labels[message.interface] for message in reading.part.messages()) if capture.named else Counter()
    return found + [
        InterfaceInfo(name=name, link_type="named by its frames", frames=counts[name], dropped=None)
        for name in capture.named
    ]


def stamp(time: tuple[int, int] | None) -> str | None:
    """(seconds, nanoseconds) as ISO 8601."""
    return utc(nanoseconds(time))


def nanoseconds(time: tuple[int, int] | None) -> int | None:
    """(seconds, nanoseconds) as one number; None where there is no time."""
    return time[0] * SECOND + time[1] if time and time[0] < NO_TIME else None
