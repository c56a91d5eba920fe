"""Places in a capture from which its frames can be counted on: what makes any frame quick to find again."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a capture that holds frames that are wanted.

    Attributes:
        offset, length: where it is in the unpacked capture; it begins and ends between records.
        before: frames in front of it.
        layout: how its records are laid out (`capture.records`).
        wanted: the frames, ascending.
    """

    offset: int
    length: int
    before: int
    layout: "array[int]"
    wanted: tuple[int, ...]


class Marks:
    """Where records begin, every so often, with the number of frames in front of each."""

    def __init__(self) -> None:
        self._frames = array("q")
        self._offsets = array("q")
        self._layouts = array("q")
        self._known: list[array[int]] = []

    def add(self, frames: int, offset: int, layout: "array[int]") -> None:
        """A record, or the end of the capture, is at `offset`, behind `frames` frames."""
        if self._offsets and self._offsets[-1] == offset:
            return
        if not self._known or self._known[-1] != layout:
            self._known.append(array("q", layout))
        self._offsets.append(offset)
        self._layouts.append(len(self._known) - 1)
        self._frames.append(frames)  # the last: another thread may look for windows

    def windows(self, frames: Iterable[int]) -> Iterator[Window]:
        """The pieces that hold these frames, ascending; frames that there are not are left out."""
        wanted: dict[int, list[int]] = {}
        for frame in sorted(set(frames)):
            place = bisect_left(self._frames, frame)
            if frame > 0 and 0 < place < len(self._frames):
                wanted.setdefault(place - 1, []).append(frame)
        for mark, numbers in wanted.items():
            start, stop = self._offsets[mark], self._offsets[mark + 1]
            layout = self._known[self._layouts[mark]]
            yield Window(start, stop - start, self._frames[mark], layout, tuple(numbers))
