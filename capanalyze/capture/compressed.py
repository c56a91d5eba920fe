"""gzip and zstd, told by their first octets, unpacked as they are read, and beside the reader once there is much.

Both are unpacked in small steps: what stands before the step in which the data turn out to be damaged, or
before the place where they are cut, is handed out, and the error comes only then. A zstd step is a block; of
gzip data, damage takes with it what one step unpacks to.
"""

from collections.abc import Generator, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Thread
from types import ModuleType
from typing import Protocol

GZIP = b"\x1f\x8b"
ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
ZSTD = (ZSTD_FRAME, b"\x50\x2a\x4d\x18")
RLE = 1  # a zstd block that is one octet, repeated

FIRST_CHUNK = 4096  # packed octets read at once; the first ones may be all that is wanted
CHUNK = 256 * 1024
STEP = 32 * 1024  # packed gzip octets at once
PIECE = 64 * 1024  # unpacked gzip octets at once: the library looks so far ahead anyway; four times as many: 5 % faster
BLOCK = 1024 * 1024  # unpacked octets that a thread hands over at once
BESIDE = 4 * 1024 * 1024  # octets that are unpacked before a thread is worth its start
AHEAD = 4  # blocks that may wait for the reader
MAX_GZIP_HEADER = 1024 * 1024
MAX_ZSTD_WINDOW = 128 * 1024 * 1024
CUT = "it ends inside the compressed data"


class Readable(Protocol):
    """What a capture is read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` octets; none at the end."""
        ...


class DamagedError(Exception):
    """Compressed data that cannot be unpacked further."""


class Unpacked:
    """The octets inside a compressed stream. From some place on a thread may read it `beside`, until `close`."""

    def __init__(self, stream: Readable, kind: str, *, beside: bool = True) -> None:
        packed = Packed(stream)
        self._blocks = gzip_pieces(packed) if kind == "gzip" else zstd_pieces(packed)
        self._may_beside = beside
        self._thread: Thread | None = None
        self._count = 0
        self._held = b""
        self._at = 0
        self._failure: Exception | None = None

    def read(self, size: int, /) -> bytes:
        """At most `size` octets, none at the end; raises DamagedError or OSError once all before it has been read."""
        if self._at == len(self._held):
            self._held, self._at = self._next(), 0
        octets = self._held[self._at : self._at + size]  # a block that is wanted whole is not copied
        self._at += len(octets)
        if not octets and self._failure:
            failure, self._failure = self._failure, None
            raise failure
        return octets

    def peek(self, size: int) -> bytes:
        """The octets that stand next; fewer than `size` only before the end."""
        while len(self._held) - self._at < size and (block := self._next()):
            self._held, self._at = self._held[self._at :] + block, 0
        return self._held[self._at : self._at + size]

    def close(self, seconds: float | None = None) -> None:
        """Unpack no more, and wait until the stream is left alone: at most so long, for a pipe may stay silent."""
        self._blocks.close()
        self._held, self._at, self._failure = b"", 0, None
        if self._thread:
            self._thread.join(seconds)

    def _next(self) -> bytes:
        """The next octets; none at the end, and none where `_failure` says why there are no more."""
        if self._may_beside and self._count >= BESIDE and self._thread is None:
            made: Made = SimpleQueue()
            room: SimpleQueue[bool] = SimpleQueue()
            # It knows nothing of this object, which may be forgotten, and may wait for a pipe when the program ends.
            self._thread = Thread(target=make, args=(self._blocks, made, room), name="unpack", daemon=True)
            self._thread.start()
            self._blocks = take(made, room)
        try:
            block = next(self._blocks, b"")
        except Exception as error:  # noqa: BLE001 - `read` raises it
            self._failure = error
            return b""
        self._count += len(block)
        return block


def passing(stream: Unpacked, wanted: Iterable[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Octets at ascending (offset, length) of a stream that only runs forward."""
    held, start = b"", 0
    for offset, length in wanted:
        while start + len(held) < offset + length and (block := _next_block(stream)):
            kept = held[max(0, offset - start) :]
            start += len(held) - len(kept)
            held = kept + block
        yield (offset, length), held[max(0, offset - start) : offset - start + length]


def _next_block(stream: Unpacked) -> bytes:
    """None where the data are damaged: the first reading has noted it."""
    try:
        return stream.read(BLOCK)
    except (DamagedError, OSError):
        return b""


Made = SimpleQueue[bytes | Exception | None]  # blocks, and what ends them


def make(pieces: Iterator[bytes], made: Made, room: SimpleQueue[bool]) -> None:
    """What the thread does: join pieces to blocks as long as there is room for them."""
    held: list[bytes] = []
    size = 0
    failure = None
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= BLOCK:
                made.put(b"".join(held))
                held, size = [], 0
                if not room.get():
                    return
    except Exception as error:  # noqa: BLE001 - the reader raises it
        failure = error
    made.put(b"".join(held))
    made.put(failure)


def take(made: Made, room: SimpleQueue[bool]) -> Generator[bytes, None, None]:
    """The blocks that the thread makes; it stops once this is closed or forgotten."""
    try:
        for _ in range(AHEAD - 1):
            room.put(True)
        while isinstance(block := made.get(), bytes):
            room.put(True)
            if block:
                yield block
        if block:
            raise block
    finally:
        room.put(False)


class Packed:
    """A stream from which as much is taken as is wanted."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._chunk = FIRST_CHUNK
        self._held = b""
        self._at = 0

    def some(self, most: int) -> bytes:
        """The next octets, what there is of them; none at the end."""
        if self._at == len(self._held):
            self._held, self._at = self._stream.read(self._chunk), 0
            self._chunk = min(2 * self._chunk, CHUNK)
        octets = self._held[self._at : self._at + most]
        self._at += len(octets)
        return octets

    def more(self, most: int) -> bytes:
        """The next octets, of which there must be some."""
        if not (octets := self.some(most)):
            raise DamagedError(CUT)
        return octets

    def exactly(self, size: int) -> bytes:
        """The next octets, all of them."""
        octets = b""
        while len(octets) < size:
            octets += self.more(size - len(octets))
        return octets

    def give_back(self, octets: bytes) -> None:
        """Put back what was taken last; a copy of what follows would cost more than a small member."""
        self._at -= len(octets)
        if self._at < 0:
            self._held, self._at = octets + self._held[self._at + len(octets) :], 0


def compression(first: bytes) -> str | None:
    """Name of the compression of a file that begins with these octets."""
    if first[:2] == GZIP:
        return "gzip"
    if first[:4] in ZSTD:
        return "zstd"
    return None


def gzip_pieces(packed: Packed) -> Generator[bytes, None, None]:
    """The content of all members, RFC 1952; each check sum is compared behind its member."""
    zlib = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")  # which takes twice as long
    while octets := packed.some(STEP):
        while not (header := gzip_header(octets)):
            octets += packed.more(STEP)
        packed.give_back(octets[header:])
        yield from gzip_member(packed, zlib)
        while (octets := packed.some(STEP)) and not octets.strip(b"\0"):  # tape blocks are filled with zeros
            pass
        packed.give_back(octets.lstrip(b"\0"))


def gzip_member(packed: Packed, zlib: ModuleType) -> Iterator[bytes]:
    """The content of a member from behind its header to behind its check sum."""
    member = zlib.decompressobj(-zlib.MAX_WBITS)
    check = size = 0
    piece = b""
    while not member.eof:
        full = len(piece) == PIECE  # there may be more to hand out without more to take in
        octets = member.unconsumed_tail or (b"" if full else packed.some(STEP))
        try:
            piece = member.decompress(octets, PIECE)
        except zlib.error as error:
            raise DamagedError(str(error)) from error
        if piece:
            check = zlib.crc32(piece, check)
            size += len(piece)
            yield piece
        elif not octets and not full and not member.eof:
            raise DamagedError(CUT)
    packed.give_back(member.unused_data)
    if packed.exactly(8) != check.to_bytes(4, "little") + (size % (1 << 32)).to_bytes(4, "little"):
        raise DamagedError("its check sum is wrong")


def gzip_header(octets: bytes) -> int:
    """Length of a member's header, RFC 1952 section 2.3; 0 if there is more of it."""
    if not (GZIP + b"\x08").startswith(octets[:3]) or len(octets) > MAX_GZIP_HEADER:
        raise DamagedError("what follows is not gzip")
    if len(octets) < 12:
        return 0
    flags = octets[3]
    at = 10
    if flags & 4:  # FEXTRA
        at += 2 + int.from_bytes(octets[10:12], "little")
    for flag in (8, 16):  # FNAME, FCOMMENT
        if flags & flag:
            at = octets.find(b"\0", at) + 1
            if at == 0:
                return 0
    if flags & 2:  # FHCRC
        at += 2
    return at if at < len(octets) else 0


def zstd_pieces(packed: Packed) -> Generator[bytes, None, None]:
    """The content of all frames, RFC 8878, block by block: none makes more than 128 KiB."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    for step in zstd_steps(packed):
        if frame.eof:
            frame = decompressor.decompressobj()
        try:
            piece = frame.decompress(step)
        except zstandard.ZstdError as error:
            raise DamagedError(str(error)) from error
        if piece:
            yield piece


def zstd_steps(packed: Packed) -> Iterator[bytes]:
    """The octets of all frames, RFC 8878 section 3.1, in steps none of which reaches into a second block."""
    while first := packed.some(1):
        yield first
        rest = packed.exactly(3)
        yield rest  # the library raises where it knows no such frame
        if first + rest == ZSTD_FRAME:
            yield from zstd_frame(packed)
        else:  # one to skip
            size = packed.exactly(4)
            yield size
            yield from content(packed, int.from_bytes(size, "little"))


def zstd_frame(packed: Packed) -> Iterator[bytes]:
    """The octets of a frame behind its magic number."""
    descriptor = packed.exactly(1)
    flags = descriptor[0]
    single = flags >> 5 & 1
    yield descriptor + packed.exactly(1 - single + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6])
    block = 0
    while not block & 1:
        header = packed.exactly(3)
        yield header
        block = int.from_bytes(header, "little")
        yield from content(packed, 1 if block >> 1 & 3 == RLE else block >> 3)
    if flags & 4:
        yield packed.exactly(4)  # the check sum


def content(packed: Packed, size: int) -> Iterator[bytes]:
    """So many octets; of what is cut, those that there are."""
    while size:
        octets = packed.more(size)
        yield octets
        size -= len(octets)
