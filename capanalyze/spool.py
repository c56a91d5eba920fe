"""A temporary file without a name, for what memory has no room for."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from capanalyze.errors import CaptureError


class Spool:
    """Octets that are written once, in order, and may be read as often as wanted, while more are written too.

    Args:
        trouble: how the error begins where there is no room on the disk.

    Raises:
        CaptureError: there is no place for temporary files.
    """

    def __init__(self, trouble: str) -> None:
        self._trouble = trouble
        import tempfile  # few captures need it, and it takes its time

        with self._naming():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
        self._lock = Lock()

    def add(self, *parts: Any) -> None:
        """Write octets behind what is there.

        Raises:
            CaptureError: there is no room for them.
        """
        with self._naming(), self._lock:
            self._file.seek(0, io.SEEK_END)
            for part in parts:
                self._file.write(part)
            self._file.flush()

    def read_at(self, offset: int, size: int) -> bytes:
        """At most `size` octets from an offset on."""
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def reader(self) -> "SpoolReader":
        """What was written, from its first octet."""
        return SpoolReader(self)

    def close(self) -> None:
        """Let go of the file; what a full disk had no room for is tried once more then, in vain."""
        with suppress(OSError):
            self._file.close()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            import tempfile

            # Not gettempdir(), which fails where all folders are full.
            place = f" in {tempfile.tempdir}" if tempfile.tempdir else ""
            raise CaptureError(f"{self._trouble}{place}: {error.strerror}") from error


class SpoolReader:
    """A place in a spool, which moves as it is read from."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._at = 0

    def seek(self, offset: int, /) -> int:
        """Go to an offset."""
        self._at = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """At most `size` octets."""
        octets = self._spool.read_at(self._at, size)
        self._at += len(octets)
        return octets
