"""Captures as streams of octets: from a path or stdin, packed or not, to the records of pcap or pcapng.

`open_capture` tells the format by the first octets and returns a `Capture`, which hands out the octets
in blocks, knows how records are laid out and which interfaces there are, and takes in the blocks of pcapng
that are not frames. The records themselves are read in the core.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from capanalyze.buffers import longs
from capanalyze.capture import pcap, pcapng
from capanalyze.capture.compressed import DamagedError, Unpacked, compression, passing
from capanalyze.capture.hashed import BLOCK, HASHED_LATER, MAX_COPY, HashedStream, put
from capanalyze.capture.interface import Interface
from capanalyze.capture.marks import Marks
from capanalyze.capture.pipe import standard_input
from capanalyze.capture.records import (
    BIG,
    DIVISOR,
    FIRST_INTERFACE,
    HEADER,
    INTERFACE_FIELDS,
    INTERFACES,
    LAYOUT_FIELDS,
    LINK,
    LINK_TYPE,
    OFFSET,
    SNAPLEN,
    SWAPPED,
    UNITS,
    UNITS_PER_SECOND,
)
from capanalyze.core import core
from capanalyze.errors import CaptureError
from capanalyze.packets.link_names import link_name
from capanalyze.packets.steps import LEFT_OUT, UNREAD_LINK
from capanalyze.spool import Spool, SpoolReader

SNIFF = 4096
PATIENCE = 1.0  # seconds that closing waits for a thread that reads a silent pipe
EMPTY = "empty"
FIRST_NAMED = 1 << 20  # index of the first interface that frames name themselves

__all__ = ["HASHED_LATER", "MAX_COPY", "Capture", "Interface", "open_capture"]


class Capture:
    """One capture being read.

    Attributes:
        name: how messages and reports call it: the file's name, or "stdin".
        path: where it is; None for stdin.
        format: "pcap" or "pcapng", with the compression; "empty" where there is not one octet.
        interfaces: those seen so far.
        named: those that frames name themselves, each with its index.
        layout, table: rows of numbers for the core: how records are laid out, how interfaces count.
        marks: where records begin, as far as it was read.
        notes: what a reader of the report should know about the file.
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        only: Collection[int] = (),
        *,
        hashed: bool = True,
        beside: bool = True,
        may_be_empty: bool = False,
    ) -> None:
        self._beside = beside
        self._may_be_empty = may_be_empty
        self._only = only
        self.path = None if path == "-" else Path(path)
        self.name = name or ("stdin" if self.path is None else self.path.name)
        self.notes: list[str] = []
        self.interfaces: list[Interface] = []
        self.named: dict[str, int] = {}
        self._names: list[str] = []
        self.blocks = pcapng.Blocks()
        self.layout = longs(LAYOUT_FIELDS)
        self.table = array("q")
        self.marks = Marks()
        self._spool: Spool | None = None
        self._file = self._open()
        # A capture that grows is read to the end that it had.
        self._raw = HashedStream(self._file, self._spool, self.size or None, hashed=hashed, beside=beside)
        self._stream: HashedStream | Unpacked = self._raw
        try:
            self.format = self._recognise()
        except CaptureError:
            self.close()
            raise

    def read(self, size: int = BLOCK) -> bytes:
        """The next octets of the (unpacked) capture; none at its end, or where it cannot be read further."""
        try:
            return self._stream.read(size)
        except (DamagedError, OSError) as error:
            self.notes.append(f"cut: the {self.format} data cannot be read further ({error})")
            return b""

    def read_into(self, room: memoryview) -> int:
        """Put the next octets at the beginning of a room, and return how many; see `read`."""
        try:
            if isinstance(self._stream, HashedStream):
                return self._stream.read_into(room)
            return put(self._stream.read(len(room)), room)
        except (DamagedError, OSError) as error:
            self.notes.append(f"cut: the {self.format} data cannot be read further ({error})")
            return 0

    def finish(self) -> tuple[str | None, int]:
        """Close the file; SHA-256 (None where it is not wanted) and number of the octets that it holds on disk."""
        if isinstance(self._stream, Unpacked):
            self._stream.close()
        try:
            digest = self._raw.drain()
        except OSError as error:
            raise CaptureError(f"{self.name}: {error.strerror or error}") from error
        if self.path is not None:
            if self.size > self._raw.octets:
                self.notes.append(
                    f"it grew while it was read: {self.size - self._raw.octets} further octets are left out"
                )
            self._file.close()
        return digest, self._raw.octets

    def close(self) -> None:
        """Let go of the file, and of the copy that is kept of stdin."""
        if isinstance(self._stream, Unpacked):
            self._stream.close(PATIENCE)
        self._raw.close()
        if self.path is not None:
            self._file.close()
        if self._spool is not None:
            self._spool.close()

    def control(self, octets: Any, at: int, stop: int) -> int:
        """Take in a pcapng block that is not a frame, and all such blocks that follow it before `stop`.

        Returns:
            The offset behind them; `at` if more octets are needed; -1 if what stands there cannot be a block.
        """
        start = at
        self.blocks.notes.clear()
        while length := self.blocks.length(octets, at):
            if stop - at < length:
                return at
            if not self.blocks.read(bytes(octets[at : at + length])):
                break
            self._take_interfaces()
            self.notes += self.blocks.notes
            self.blocks.notes.clear()
            at += length
            if stop - at < 12 or self.blocks.is_frame(octets, at):
                return at
        if at > start:  # the next call says why it stands here
            return at
        self.notes += self.blocks.notes
        return -1

    @property
    def is_pcapng(self) -> bool:
        """Whether it consists of blocks; one without an octet does not consist of anything else either."""
        return self.format == EMPTY or self.format.startswith("pcapng")

    @property
    def octets_read(self) -> int:
        """How many octets of the file were read by now."""
        return self._raw.octets

    @property
    def size(self) -> int:
        """Octets of the file, 0 where nobody can tell."""
        return self.path.stat().st_size if self.path is not None and self.path.is_file() else 0

    def named_interface(self, name: str) -> int:
        """Index of an interface that frames name themselves, behind those that the capture describes."""
        if name not in self.named:
            self.named[name] = FIRST_NAMED + len(self._names)
            self._names.append(name)
        return self.named[name]

    def interface_name(self, index: int) -> str | None:
        """What an interface is called, None where the capture does not say."""
        if index >= FIRST_NAMED:
            return self._names[index - FIRST_NAMED]
        return self.interfaces[index].name

    def check_links(self) -> None:
        """See that there is anything to read in a capture with these interfaces.

        Raises:
            CaptureError: none of them has a link type that is read.
        """
        asked = [one for number, one in enumerate(self.interfaces) if self._is_asked(number)]
        unread = [one.link_type for one in asked if core.first_step(one.link_type) == UNREAD_LINK]
        if unread and len(unread) == len(asked):
            reason = f"link type {unread[0]} ({link_name(unread[0])}) is not one that is read"
            self.close()
            raise CaptureError(f"{self.name}: {reason}")
        for number in dict.fromkeys(unread):
            self.notes.append(f"frames of link type {number} ({link_name(number)}) are counted, not read")

    def note_clocks(self) -> None:
        """Say that interfaces count time in units too fine to be read."""
        if number := sum(one.units_per_second == 0 for one in self.interfaces):
            what = f"{number} interfaces count" if number > 1 else "one interface counts"
            self.notes.append(f"{what} time in units too fine to be read: frames there have no times")

    def pieces(self, places: Iterable[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], bytes]]:
        """The octets at these (offset, length) of the unpacked capture, ascending. Reads the file once more."""
        wanted = sorted(set(places))
        if not wanted:
            return
        with self._again() as stream:
            if isinstance(stream, Unpacked):
                yield from passing(stream, wanted)
                return
            for offset, length in wanted:
                stream.seek(offset)
                yield (offset, length), stream.read(length)

    def _open(self) -> Any:
        if self.path is None:
            self._spool = Spool("stdin: no room to keep a copy")
            return standard_input()
        try:
            if self.path.is_dir():
                raise CaptureError(f"{self.path}: is a directory, not a capture")
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise CaptureError(f"{self.path}: {error.strerror or error}") from error

    def _recognise(self) -> str:
        """The format; the stream is left before the first record."""
        try:
            first = self._raw.peek(SNIFF)
        except OSError as error:
            raise CaptureError(f"{self.name}: {error.strerror or error}") from error
        if not first:
            return self._empty()
        packing = compression(first)
        if packing:
            self._stream = Unpacked(self._raw, packing, beside=self._beside)
            first = self._stream.peek(SNIFF)
            if not first:
                raise CaptureError(f"{self.name}: not a capture: nothing can be read from the {packing} data")
        suffix = f" ({packing})" if packing else ""
        if pcap.is_pcap(first):
            self._start_pcap(pcap.read_file_header(first[: pcap.FILE_HEADER], self.name))
            self.check_links()
            return "pcap" + suffix
        if pcapng.is_pcapng(first):
            pcapng.check_version(first, self.name)
            return "pcapng" + suffix
        raise self._refused(first, packing)

    def _empty(self) -> str:
        """A piece that was begun and not written to has no octet yet; the format."""
        if not self._may_be_empty:
            raise CaptureError(f"{self.name}: not a capture: the file is empty")
        return EMPTY

    def _refused(self, first: bytes, packing: str | None) -> CaptureError:
        """What the file is instead of a capture, as far as that can be told."""
        from capanalyze.capture.foreign import foreign

        what = foreign(first)
        if what is None:
            return CaptureError(f"{self.name}: not a capture: neither pcap nor pcapng at octet 0")
        return CaptureError(f"{self.name}: not a capture but {f'{packing} around ' if packing else ''}{what}")

    def _start_pcap(self, header: pcap.FileHeader) -> None:
        self._stream.read(pcap.FILE_HEADER)
        self.layout[BIG] = int(header.big)
        self.layout[UNITS] = header.nanoseconds_per_unit
        self.layout[HEADER] = header.record_header
        self.layout[SWAPPED] = header.swapped
        self.layout[INTERFACES] = 1
        self._add(Interface(link_type=header.link_type, snaplen=header.snaplen))

    def _take_interfaces(self) -> None:
        for interface in self.blocks.interfaces[len(self.interfaces) :]:
            self._add(interface)
        self.layout[BIG] = int(self.blocks.big)
        self.layout[FIRST_INTERFACE] = self.blocks.first_interface
        self.layout[INTERFACES] = len(self.interfaces) - self.blocks.first_interface

    def _add(self, interface: Interface) -> None:
        row = [0] * INTERFACE_FIELDS
        step = core.first_step(interface.link_type)
        row[LINK] = step if self._is_asked(len(self.interfaces)) else LEFT_OUT
        row[UNITS_PER_SECOND] = interface.units_per_second
        row[DIVISOR] = interface.divisor
        row[OFFSET] = interface.offset
        row[SNAPLEN] = interface.snaplen
        row[LINK_TYPE] = interface.link_type
        self.table = self.table + array("q", row)  # not in place: what is read before goes by the old one
        self.interfaces.append(interface)

    def _is_asked(self, number: int) -> bool:
        return not self._only or number in self._only

    @contextmanager
    def _again(self) -> Iterator[IO[bytes] | SpoolReader | Unpacked]:
        """The unpacked capture from its first octet."""
        with ExitStack() as files:
            if self._spool is not None:
                stream: IO[bytes] | SpoolReader = self._spool.reader()
            else:
                assert self.path is not None
                stream = files.enter_context(self.path.open("rb"))
            stream.seek(0)
            packing = compression(stream.read(4))
            stream.seek(0)
            if not packing:
                yield stream
                return
            unpacked = Unpacked(stream, packing)
            files.callback(unpacked.close)
            yield unpacked


def open_capture(
    path: str,
    name: str | None = None,
    only: Collection[int] = (),
    *,
    hashed: bool = True,
    beside: bool = True,
    may_be_empty: bool = False,
) -> Capture:
    """Open a capture; "-" is stdin. Of several interfaces, `only` these are read, by number; all without it.

    Its SHA-256 is worked out where it is `hashed`. Threads may do that, and unpack it, `beside` the reader. A file
    without an octet is a capture without frames where it `may_be_empty`.

    Raises:
        CaptureError: it cannot be read, is not a capture, or has a link type that is not read.
    """
    return Capture(path, name, only, hashed=hashed, beside=beside, may_be_empty=may_be_empty)
