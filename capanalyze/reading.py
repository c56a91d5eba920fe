"""One capture, read: its messages, its identity, and how a report shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capanalyze.capture import EMPTY, Capture, open_capture
from capanalyze.capture.records import NO_TIME
from capanalyze.errors import CaptureError
from capanalyze.findings import utc
from capanalyze.model import Input, InterfaceInfo
from capanalyze.packets.link_names import link_name
from capanalyze.packets.messages import Part, Scanner
from capanalyze.verdicts import CaptureFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capanalyze.audit import Audit, CaptureFile
    from capanalyze.capture.interface import Interface
    from capanalyze.core import core
    from capanalyze.packets.messages import Rows

SECOND = 1_000_000_000
WITHOUT_OCTETS = "it is an empty piece: no frame had been written to it yet"


@dataclass
class Reading:
    """One capture as it is read.

    Attributes:
        part: the account of its frames, as far as its messages were paired, and maybe of a few more.
        frames: how many frames that is; None for all.
        sha256, octets: of the file, likewise; the hash is None before its end, and where it is not wanted.
        described: how many interfaces the capture described by then.
        clocks: the first and the latest clock that its messages were paired by.
        named_messages: messages of each interface that frames name themselves.
        threads: how many may read it.
    """

    file: CaptureFile
    capture: Capture
    part: Part = field(default_factory=Part)
    frames: int | None = 0
    sha256: str | None = None
    octets: int = 0
    described: int = 0
    clocks: tuple[int, int] | None = None
    named_messages: list[int] = field(default_factory=list)
    threads: int = 1
    _labels: dict[int, str] = field(default_factory=dict)
    _scanner: Scanner | None = None

    def rows(self) -> Iterator[Rows]:
        """Read the capture to its end.

        Raises:
            CaptureError: it cannot be read, or has a link type that is not.
        """
        try:
            self._scanner = Scanner(self.capture, self.threads)
            for rows in self._scanner.rows():
                yield rows
                part = rows.part
            self.sha256, self.octets = self.capture.finish()
        except CaptureError:
            self.capture.close()
            raise
        if not part.frames:
            self.capture.notes.append(WITHOUT_OCTETS if self.capture.format == EMPTY else "the capture holds no frames")

    def close(self) -> None:
        """Read no further, and let go of the capture."""
        if self._scanner:
            self._scanner.close()
        self.capture.close()

    def label(self, number: int, interfaces: int, named: int) -> str:
        """What an interface is called: by itself, by the file's name, else by its number. Once told, it stays so.

        `interfaces` and `named` are how many of either were known when the first of its messages came.
        """
        if number not in self._labels:
            alone = interfaces == 1 and not named
            by_file = self.file.interface if alone else None
            self._labels[number] = self.capture.interface_name(number) or by_file or f"if{number}"
        return self._labels[number]

    def labels(self) -> dict[int, str]:
        """All interfaces and what they are called."""
        counts = len(self.capture.interfaces), len(self.capture.named)
        numbers = [*range(counts[0]), *self.capture.named.values()]
        return {number: self.label(number, *counts) for number in numbers}

    def facts(self, audit: Audit) -> CaptureFacts:
        """What judging needs to know: when it ran by the clock that pairing used, within the time asked for."""
        times = list(self.clocks or ())
        if self.frames is None:
            first, last = nanoseconds(self.part.first), nanoseconds(self.part.final)
            times = [] if first is None or last is None else [first, last, *times]
        first, last = min(times, default=None), max(times, default=None)
        if first is not None and last is not None:
            first = first if audit.since is None else max(first, audit.since)
            last = last if audit.until is None else min(last, audit.until)
        return CaptureFacts(first=first, last=last, cut=self.is_cut, one_sided=self.is_one_sided)

    @property
    def neighbours(self) -> core.Neighbourhood | None:
        """The hosts that its frames show on the link; None before it is read."""
        return self._scanner.neighbours if self._scanner else None

    @property
    def is_cut(self) -> bool:
        """Whether frames end before their ports."""
        return self.part.first_cut > 0 and (self.frames is None or self.part.first_cut <= self.frames)

    @property
    def is_one_sided(self) -> bool:
        """Whether it holds what rules logged, not all that passed."""
        return any(interface.one_sided for interface in self.interfaces)

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces that the capture described by then; other threads may have read on."""
        return self.capture.interfaces[: self.described]


def open_reading(file: CaptureFile, *, hashed: bool = True, threads: int = 1, is_piece: bool = False) -> Reading:
    """A capture, ready to be read by so many threads; its SHA-256 is worked out where it is `hashed`.

    A piece of a rotated capture has no octet before the first of its frames is written out.

    Raises:
        CaptureError: it is none, or of a link type that is not read.
    """
    capture = open_capture(
        file.path, file.name, file.interfaces, hashed=hashed, beside=threads > 1, may_be_empty=is_piece
    )
    return Reading(file, capture, threads=threads)


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
        unread=part.hiding(),
        tunnels=part.carried(),
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
        if not reading.file.interfaces or index in reading.file.interfaces
    ]
    return found + [
        InterfaceInfo(name=name, link_type="named by its frames", frames=count, dropped=None)
        for name, count in zip(capture.named, reading.named_messages, strict=True)
    ]


def stamp(time: tuple[int, int] | None) -> str | None:
    """(seconds, nanoseconds) as ISO 8601."""
    return utc(nanoseconds(time))


def nanoseconds(time: tuple[int, int] | None) -> int | None:
    """(seconds, nanoseconds) as one number; None where there is no time."""
    return time[0] * SECOND + time[1] if time and time[0] < NO_TIME else None
