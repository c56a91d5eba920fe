"""A temporary file without a name, for what memory has no room for."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from capanalyze.errors import CaptureError


class Spool:
    """Octets that are written once, in order, and may be read from `file` as often as wanted.

    Args:
        trouble: how the error begins where there is no room on the disk.

    Raises:
        CaptureError: there is no place for temporary files.
    """

    def __init__(self, trouble: str) -> None:
        self._trouble = trouble
        with self._naming():
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this

    def add(self, *parts: Any) -> None:
        """Write octets behind what is there.

        Raises:
            CaptureError: there is no room for them.
        """
        with self._naming():
            for part in parts:
                self.file.write(part)
            self.file.flush()

    def close(self) -> None:
        """Let go of the file; what a full disk had no room for is tried once more then, in vain."""
        with suppress(OSError):
            self.file.close()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Not gettempdir(), which fails where all folders are full.
            place = f" in {tempfile.tempdir}" if tempfile.tempdir else ""
            raise CaptureError(f"{self._trouble}{place}: {error.strerror}") from error
