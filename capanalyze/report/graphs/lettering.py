"""How wide text is, and how it is made to fit: cleaned, shortened, wrapped, packed.

Every text that is drawn passes `clean`: names from captures and audit files are never markup, never bring
control characters, and never ask for a glyph that the bundled font has not.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.font_manager import get_font

POINTS_PER_INCH = 72

TITLE = 11.0
TEXT = 7.5
SMALL = 7.0
LEADING = 1.32

# Longer texts are cut before they are measured.
LONGEST = 400

Face = Literal["", "-Bold", "-Oblique"]
FACES: tuple[Face, ...] = ("", "-Bold", "-Oblique")
BOLD: Face = "-Bold"
OBLIQUE: Face = "-Oblique"


@cache
def font_file(face: Face) -> str:
    """The file of a face of the one family that is used."""
    # By its file, as the system may have another version of the same family.
    return str(Path(mpl.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{face}.ttf")


@cache
def _glyphs() -> frozenset[int]:
    return frozenset.intersection(*(frozenset(get_font(font_file(face)).get_charmap()) for face in FACES))


def clean(text: str) -> str:
    """A text on one line, with only characters that the font has.

    Controls and direction overrides go; characters without a glyph become U+FFFD; stacked combining marks,
    which would climb into other lines, go too.
    """
    known = _glyphs()
    kept = []
    for character in unicodedata.normalize("NFC", text[:LONGEST]):
        category = unicodedata.category(character)
        if character.isspace():
            kept.append(" ")
        elif category in ("Cs", "Co", "Cn") or (ord(character) not in known and category[0] not in "CM"):
            kept.append("\N{REPLACEMENT CHARACTER}")
        elif category[0] not in "CM":
            kept.append(character)
    return " ".join("".join(kept).split())


@cache
def _advance(character: str, face: Face) -> float:
    font = get_font(font_file(face))
    font.set_size(100, POINTS_PER_INCH)
    return font.load_char(ord(character)).linearHoriAdvance / 65536 / 100


def width(text: str, size: float = TEXT, face: Face = "") -> float:
    """How wide a text is when drawn, to a hair: kerning and ligatures only make it narrower."""
    return size * sum(_advance(character, face) for character in clean(text))


def fit(text: str, room: float, size: float = TEXT, face: Face = "") -> str:
    """A text, shortened with … to the room that it has."""
    text = clean(text)
    if width(text, size, face) <= room:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if width(f"{text[:middle].rstrip()}…", size, face) <= room:
            fits = middle
        else:
            too_long = middle
    return f"{text[:fits].rstrip()}…"


def wrap(text: str, room: float, limit: int, size: float = TEXT, face: Face = "") -> list[str]:
    """A text on at most `limit` lines, the last one shortened where there is more."""
    lines: list[str] = []
    words = clean(text).split()
    while words and len(lines) < limit - 1:
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1]), size, face) <= room:
            taken += 1
        lines.append(fit(" ".join(words[:taken]), room, size, face))
        words = words[taken:]
    return [*lines, fit(" ".join(words), room, size, face)] if words else lines


def balance(text: str, room: float, limit: int, size: float, face: Face) -> list[str]:
    """A text on as few lines as `wrap` needs, all about as long."""
    lines = wrap(text, room, limit, size, face)
    narrow = room / 2
    for _ in range(6):
        middle = (narrow + room) / 2
        tried = wrap(text, middle, limit, size, face)
        if len(tried) == len(lines) and _cut(tried) == _cut(lines):
            lines, room = tried, middle
        else:
            narrow = middle
    return lines


def _cut(lines: Iterable[str]) -> int:
    return sum(line.endswith("…") for line in lines)


def pack(parts: Iterable[str], separator: str, room: float, limit: int, size: float = TEXT) -> list[str]:
    """Parts on at most `limit` lines, none of them broken, each shortened where it must be."""
    lines: list[str] = []
    for part in map(clean, parts):
        longer = f"{lines[-1]}{separator}{part}" if lines else part
        if lines and (len(lines) == limit or width(longer, size) <= room):
            lines[-1] = fit(longer, room, size)
        else:
            lines.append(fit(part, room, size))
    return lines
