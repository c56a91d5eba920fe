"""gzip and zstd, told by their first octets, unpacked as they are read."""

from typing import Any, Protocol

GZIP = b"\x1f\x8b"
ZSTD = (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")


class Readable(Protocol):
    """What a capture is read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` octets; none at the end."""
        ...


def compression(first: bytes) -> str | None:
    """Name of the compression of a file that begins with these octets."""
    if first[:2] == GZIP:
        return "gzip"
    if first[:4] in ZSTD:
        return "zstd"
    return None


def unpacked(stream: Any, kind: str) -> Readable:
    """The octets inside a compressed stream; its errors are those of `errors()`."""
    if kind == "gzip":
        from isal import igzip

        return igzip.IGzipFile(fileobj=stream)
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(stream, read_across_frames=True)


def errors() -> tuple[Any, ...]:
    """What damaged compressed data raises."""
    import zlib

    import zstandard
    from isal import isal_zlib

    return (EOFError, OSError, zlib.error, isal_zlib.error, zstandard.ZstdError)
