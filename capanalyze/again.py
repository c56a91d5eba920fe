"""What is read of a capture once more, when it is known what matters: payloads that tell something, whole frames."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.buffers import longs
from capanalyze.capture.records import (
    DIRECTION,
    END,
    INTERFACE,
    NANOS,
    RECORD_FIELDS,
    SECONDS,
    SIZE,
    START,
)
from capanalyze.core import core
from capanalyze.packets import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capanalyze.capture import Capture
    from capanalyze.capture.marks import Window

Place = tuple[int, int]


class Frame(NamedTuple):
    """One frame as it was captured.

    `interface` is negative where the capture describes none; `size` octets were sent, `octets` are what was captured
    of them. `direction` is that of `packets.message`.
    """

    number: int
    interface: int
    seconds: int
    nanos: int
    direction: int
    octets: bytes
    size: int


def read_again(
    capture: Capture, payloads: Iterable[Place], frames: Iterable[int]
) -> tuple[dict[Place, bytes], dict[int, Frame]]:
    """The octets at some (offset, length), and the frames with some numbers, as far as there are such.

    Reads the capture once, at the places that matter; a packed one as far as the last of them.
    """
    wanted = set(payloads)
    windows = {(window.offset, window.length): window for window in capture.marks.windows(frames)}
    octets, found = {}, {}
    for place, piece in capture.pieces(wanted | windows.keys()):
        if place in wanted:
            octets[place] = piece
        if place in windows:
            found.update({frame.number: frame for frame in _frames(windows[place], piece, capture)})
    return octets, found


def _frames(window: Window, piece: bytes, capture: Capture) -> Iterator[Frame]:
    """The frames of a window that are wanted."""
    state = longs(scan.STATE_FIELDS)
    state[scan.NG] = int(capture.is_pcapng)
    found = longs(len(window.wanted) * RECORD_FIELDS)
    wanted = array("q", window.wanted)
    count = core.find(piece, state, window.layout, capture.table, wanted, found, window.before)
    for index, number in enumerate(window.wanted[:count]):
        record = found[index * RECORD_FIELDS : (index + 1) * RECORD_FIELDS]
        yield Frame(
            number=number,
            interface=record[INTERFACE],
            seconds=record[SECONDS],
            nanos=record[NANOS],
            direction=record[DIRECTION],
            octets=piece[record[START] : record[END]],
            size=record[SIZE],
        )
