"""Where a report goes unless the user says so: a folder in the working directory, named after what was examined."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from capanalyze.escape import printable
from capanalyze.rotation import PACKED, piece_of

if TYPE_CHECKING:
    from collections.abc import Sequence

AUDIT = "audit.toml"  # says nothing about an audit; its folder does
SUFFIX = "-report"
LONGEST = 60  # characters of a folder's name
NAMELESS = "capture"


def default_folder(captures: Sequence[str], title: str = "") -> Path:
    """The folder of a report on some captures, or on an audit file with a title.

    It is named after the title, else after the folder of an `audit.toml`, else after the first capture. An audit never
    overwrites the folder that it lies in: the evidence of a report has the title of that report.
    """
    first = Path(captures[0])
    home = first.parent.resolve()
    names = (title.lower(), home.name if first.name == AUDIT else "", stem_of(captures))
    folders = [Path(name + SUFFIX) for name in map(slug, names) if name] or [Path(NAMELESS + SUFFIX)]
    return next((folder for folder in folders if folder.resolve() != home), folders[-1])


def stem_of(captures: Sequence[str]) -> str:
    """The first capture's name without suffixes; without its time where other pieces of a rotated one are given too."""
    first, *others = ["stdin" if capture == "-" else Path(capture).name for capture in captures]
    piece = piece_of(first)
    rotated = any(piece_of(other).shape == piece.shape for other in others)
    if rotated and not piece.plain.startswith("."):  # a name may be nothing but a time
        first = piece.plain
    for suffix in PACKED:
        first = first.removesuffix(f".{suffix}")
    return Path(first).stem


def slug(text: str) -> str:
    """A text as part of a file's name: letters and digits of any script, dots, underscores, hyphens between words."""
    composed = unicodedata.normalize("NFC", text)
    words = "".join(one if _belongs_to_a_word(one) else " " for one in composed).split()
    return "-".join(words).lstrip("-.")[: LONGEST - len(SUFFIX)].rstrip("-.")


def _belongs_to_a_word(character: str) -> bool:
    """Whether this may stand in a name: a letter, a digit, a mark on one such as a vowel sign, a dot, an underscore."""
    is_mark = unicodedata.category(character).startswith("M")
    return (character.isalnum() or is_mark or character in "._") and printable(character) == character
