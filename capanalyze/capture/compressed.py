"""gzip and zstd, told by their first octets, unpacked as they are read.

Both are unpacked in small pieces: what stands before the place where the data are damaged or cut is
handed out, and the error comes only then.
"""

from collections.abc import Iterator
from typing import Protocol

GZIP = b"\x1f\x8b"
ZSTD = (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")

CHUNK = 4096  # packed octets at a time; zstd makes at most 128 MiB of them
PIECE = 2048  # octets that damaged gzip data take with them
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
    """The octets inside a compressed stream."""

    def __init__(self, stream: Readable, kind: str) -> None:
        self._pieces = gzip_pieces(stream) if kind == "gzip" else zstd_pieces(stream)
        self._held = b""
        self._at = 0
        self._failure: Exception | None = None

    def read(self, size: int, /) -> bytes:
        """At most `size` octets, none at the end; raises DamagedError or OSError once all before it has been read."""
        octets = self.peek(size)
        self._at += len(octets)
        if not octets and self._failure:
            failure, self._failure = self._failure, None
            raise failure
        return octets

    def peek(self, size: int) -> bytes:
        """The octets that `read` will return next."""
        count = len(self._held) - self._at
        if count >= size:
            return self._held[self._at : self._at + size]
        pieces = [self._held[self._at :]]
        while count < size and self._failure is None:
            try:
                piece = next(self._pieces, b"")
            except (DamagedError, OSError) as error:
                self._failure = error
                break
            if not piece:
                break
            pieces.append(piece)
            count += len(piece)
        self._held, self._at = b"".join(pieces), 0
        return self._held[:size]


def compression(first: bytes) -> str | None:
    """Name of the compression of a file that begins with these octets."""
    if first[:2] == GZIP:
        return "gzip"
    if first[:4] in ZSTD:
        return "zstd"
    return None


def gzip_pieces(stream: Readable) -> Iterator[bytes]:
    """The content of all members, RFC 1952; each check sum is compared behind its member."""
    from isal import igzip_lib, isal_zlib

    octets = stream.read(CHUNK)
    while octets:
        header = gzip_header(octets)
        while header == 0:
            if not (more := stream.read(CHUNK)):
                raise DamagedError(CUT)
            octets += more
            header = gzip_header(octets)
        octets = octets[header:]
        member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
        check = size = 0
        while not member.eof:
            if member.needs_input and not octets and not (octets := stream.read(CHUNK)):
                raise DamagedError(CUT)
            try:
                piece = member.decompress(octets, PIECE)
            except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub declares an instance
                raise DamagedError(str(error)) from error
            octets = b""
            check = isal_zlib.crc32(piece, check)
            size += len(piece)
            if piece:
                yield piece
        octets = member.unused_data
        while len(octets) < 8:
            if not (more := stream.read(CHUNK)):
                raise DamagedError(CUT)
            octets += more
        if octets[:8] != check.to_bytes(4, "little") + (size % (1 << 32)).to_bytes(4, "little"):
            raise DamagedError("its check sum is wrong")
        octets = octets[8:].lstrip(b"\0")  # tape blocks are filled with zeros
        while not octets and (more := stream.read(CHUNK)):
            octets = more.lstrip(b"\0")


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


def zstd_pieces(stream: Readable) -> Iterator[bytes]:
    """The content of all frames, RFC 8878; the library passes over skippable ones."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    octets = stream.read(CHUNK)
    while octets:
        frame = decompressor.decompressobj()
        while not frame.eof:
            if not octets and not (octets := stream.read(CHUNK)):
                raise DamagedError(CUT)
            try:
                piece = frame.decompress(octets)
            except zstandard.ZstdError as error:
                raise DamagedError(str(error)) from error
            octets = b""
            if piece:
                yield piece
        octets = frame.unused_data or stream.read(CHUNK)
