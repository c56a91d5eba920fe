"""Rotated captures: which files are pieces of one capture, and in which order they were written.

Names tell most of it. What is equal in all pieces of a series is its shape: the name with zeros for the digits
that change from piece to piece. Those digits are

- the number that `tcpdump -C` appends to all files but the first, and `-C -W` to all: `cap.pcap3`, `cap.pcap03`
- the time that `-G` writes wherever the name given to `-w` asks for it: `cap-20071029-101306.pcap`
- both (`-G -C`): `cap-20071029-101306.pcap3`
- number and time in the names that dumpcap, Wireshark and editcap give: `cap_00003_20071029101306.pcapng`,
  or the other way round (`-b nametimenum:2`)

A number in front of the suffix is none of these: `test1.pcap` and `test2.pcap` are two captures.
Behind any of them may stand the suffix of a packer (`tcpdump -z gzip`).
"""

from __future__ import annotations

import re
from collections import Counter
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from capanalyze.audit import CaptureFile, Segment
    from capanalyze.capture import Capture

SUFFIXES = ("pcap", "pcapng", "cap", "dmp")
PACKED = ("gz", "zst")

# tcpdump counts to a million
NUMBERED = re.compile(rf"(.*\.(?:{'|'.join(SUFFIXES)}))([0-9]{{1,7}})", re.DOTALL)
MONTH_DAY = r"(?:0[1-9]|1[0-2]){0}(?:0[1-9]|[12][0-9]|3[01])"
HOUR, SIXTY = "(?:[01][0-9]|2[0-3])", "[0-6][0-9]"
DATE = rf"(?:19[7-9]|20[0-9])[0-9](?P<dash>[-_.]?){MONTH_DAY.format('(?P=dash)')}"
TIME = rf"[-_.T ]?{HOUR}(?:(?P<colon>[-_.:]?){SIXTY}(?:(?P=colon){SIXTY})?)?Z?"
SHORT = rf"[0-9][0-9]{MONTH_DAY.format('')}[-_.T ]?{HOUR}{SIXTY}{SIXTY}Z?"
EPOCH = "1[0-9]{9}"
STAMP = rf"[-_. ]?(?<![0-9])(?:{DATE}(?:{TIME})?|{SHORT}|{EPOCH})(?![0-9])"
DUMPCAP = r"_[0-9]{5}(?=_[0-9]{14}(?![0-9]))|(?<=_[0-9]{14})_[0-9]{5}(?![0-9])"
CHANGING = re.compile(f"{DUMPCAP}|{STAMP}")
DIGIT = re.compile("[0-9]")

NEAR = 1024 * 1024  # octets in which the first frame is looked for


class Piece(NamedTuple):
    """What a capture's name tells of its place in a series.

    Attributes:
        shape: equal in all pieces of a series: `cap-00000000-000000.pcap`.
        plain: the name without what changes: `cap.pcap`.
        place: what changes, in natural order; a file without a number comes before number 0.
    """

    shape: str
    plain: str
    place: tuple[str, int]


class First(NamedTuple):
    """The link type of a pcap capture, and the time of the first frame in nanoseconds since 1970; None if unknown.

    A piece that was begun and not yet written to `is_empty`.
    """

    link: int | None = None
    time: int | None = None
    is_empty: bool = False


def piece_of(name: str) -> Piece:
    """What a file's name tells; one that tells nothing is its own shape."""
    for suffix in PACKED:
        name = name.removesuffix(f".{suffix}")
    number = -1
    if numbered := NUMBERED.fullmatch(name):
        name, number = numbered[1], int(numbered[2])
    changing = "".join(match[0] for match in CHANGING.finditer(name))
    if not changing:
        return Piece(name, name, ("", number))
    shape = CHANGING.sub(lambda match: DIGIT.sub("0", match[0]), name)
    plain = CHANGING.sub("", name).lstrip("-_ ")  # what parted a time at the beginning from the rest
    return Piece(shape, plain, ("".join(DIGIT.findall(changing)), number))


def rotations(
    captures: Sequence[CaptureFile], look: Callable[[str], First] | None = None
) -> list[tuple[CaptureFile, ...]]:
    """The captures, those that are pieces of one rotated capture together; a capture by itself is a series of one.

    Pieces of a series have the folder, the shape of their names, the modes and the link type in common, and each
    has a place of its own: a `cap.pcap1.gz` beside `cap.pcap1` holds the same frames and belongs to another series.
    Series come in the order in which the first of each was given, their pieces in the order in which they were
    written. `look` tells what a file begins with, `first_frame` by default; only what may be a piece is looked at.
    """
    look = look or first_frame
    named: dict[tuple[Path, str, tuple[Segment, ...]], list[_Given]] = {}
    for number, capture in enumerate(captures):
        path = Path(capture.path)
        piece = piece_of(path.name)
        key = (path.absolute().parent, piece.shape, capture.segments)
        named.setdefault(key, []).append(_Given(number, capture, piece))
    series: list[list[_Given]] = []
    for group in named.values():
        if len(group) == 1:
            series.append(group)
        else:
            series += _alike([one._replace(first=look(one.capture.path)) for one in group])
    series.sort(key=lambda pieces: pieces[0].number)
    return [tuple(one.capture for one in _as_written(pieces)) for pieces in series]


class _Given(NamedTuple):
    """One of the captures, the how many-th of those given, and what is known of it."""

    number: int
    capture: CaptureFile
    piece: Piece
    first: First = First()


def _alike(group: list[_Given]) -> Iterable[list[_Given]]:
    """Captures of one link type together; of two that have the same place, the second is in another series.

    An empty one has no link type, and goes with the first that has one.
    """
    seen: Counter[tuple[int | None, tuple[str, int]]] = Counter()
    series: dict[tuple[int | None, int], list[_Given]] = {}
    links = [one.first.link for one in group if not one.first.is_empty]
    for one in group:
        link, place = links[0] if links and one.first.is_empty else one.first.link, one.piece.place
        series.setdefault((link, seen[link, place]), []).append(one)
        seen[link, place] += 1
    return series.values()


def _as_written(pieces: list[_Given]) -> list[_Given]:
    """Pieces by the time of the first frame, since a ring (`-W`) begins anywhere; else in natural order of the names.

    A piece without a time, such as one without a frame, stays behind the one that precedes it by name.
    """
    timed: list[tuple[float, _Given]] = []
    for one in sorted(pieces, key=lambda one: one.piece.place):
        before = timed[-1][0] if timed else -inf
        timed.append((before if one.first.time is None else one.first.time, one))
    return [one for _, one in sorted(timed, key=lambda pair: pair[0])]


def first_frame(path: str) -> First:
    """What the beginning of a capture tells: nothing where it cannot be read, for reading will say why."""
    from capanalyze.capture import open_capture

    if not Path(path).is_file():  # a pipe can be read but once
        return First()
    if not Path(path).stat().st_size:
        return First(is_empty=True)
    try:
        capture = open_capture(path)
    except CaptureError:
        return First()
    try:
        # a pcapng piece may describe any number of interfaces
        link = None if capture.is_pcapng else capture.interfaces[0].link_type
        return First(link, _first_time(capture))
    finally:
        capture.close()


def _first_time(capture: Capture) -> int | None:
    """The time of the first frame that has one, if it stands near the beginning."""
    from capanalyze.buffers import longs
    from capanalyze.capture import records
    from capanalyze.core import core
    from capanalyze.packets import scan

    record, state = longs(records.RECORD_FIELDS), longs(scan.STATE_FIELDS)
    state[scan.NG] = int(capture.is_pcapng)
    octets, at = b"", 0
    while True:
        state[scan.OFFSET] = behind = at
        answer = core.read_record(octets, state, capture.layout, capture.table, record)
        if answer == records.READY:
            if record[records.INTERFACE] >= 0 and record[records.SECONDS] < records.NO_TIME:
                return record[records.SECONDS] * 1_000_000_000 + record[records.NANOS]
            behind = record[records.NEXT]
        elif answer == records.CONTROL:
            behind = capture.control(octets, at, len(octets))
        if answer == records.DAMAGED or behind < 0:
            return None
        if behind == at:
            more = capture.read(NEAR) if len(octets) < NEAR else b""
            if not more:
                return None
            octets += more
        at = behind
