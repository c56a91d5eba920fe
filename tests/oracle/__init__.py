"""The rules of pairing once more, as plain objects and dictionaries: what the compiled rules are compared with.

`sighting` is a message on its way in, `pair` an exchange while it is open, `book` finds open ones,
`repeats` knows copies and fragments, and `pairing` holds the rules.
"""

from pathlib import Path

from capanalyze.audit import CaptureFile
from capanalyze.packets.messages import Scanner
from capanalyze.reading import open_reading
from tests.oracle.pair import Pair
from tests.oracle.pairing import Pairing, pair_messages
from tests.oracle.sighting import Sighting, Source, collect

__all__ = ["Pair", "Pairing", "Sighting", "Source", "collect", "pair_messages", "source"]


def source(path: Path) -> Source:
    """The messages of a capture."""
    reading = open_reading(CaptureFile(str(path), path.name))
    reading.part = Scanner(reading.capture).run()
    reading.capture.close()
    return Source(path.name, reading.part, reading.labels())
