"""Text from the wire, made safe to show. Nothing else stands between a hostile name and a terminal.

What a reader cannot see becomes visible: control characters steer terminals, direction overrides reorder a
line, zero-width characters make two names look alike.
"""

import re
from itertools import accumulate

ELLIPSIS = "…"

# Letters and marks by their category, yet drawn as nothing: joiner, Hangul fillers, Khmer vowels, Mongolian and
# other variation selectors (Unicode, DerivedCoreProperties: Default_Ignorable_Code_Point), and a blank in Braille.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)

# A spreadsheet runs a cell that begins so (OWASP, CSV injection): full-width forms too.
_FORMULA_STARTERS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001

# What JSON and TOML may hold that needs a look.
_NOT_PLAIN = re.compile("[^\n -~]")


def printable(text: str, limit: int = 200) -> str:
    r"""The text with everything unseen as an escape such as `\x1b` or `\u202e`, at most `limit` characters.

    What is longer ends with an ellipsis, and never within an escape. The result is its own `printable`.
    """
    if len(text) <= limit and _is_seen(text):
        return text
    shown = [_visible(character) for character in text[: limit + 1]]
    if sum(map(len, shown)) <= limit:
        return "".join(shown)
    lengths = accumulate(map(len, shown))
    kept = [piece for piece, length in zip(shown, lengths, strict=True) if length <= limit - len(ELLIPSIS)]
    return "".join(kept) + ELLIPSIS


def csv_cell(text: str) -> str:
    """The text, however long, with its unseen characters as escapes, and an apostrophe before a formula."""
    shown = text if _is_seen(text) else "".join(map(_visible, text))
    return f"'{shown}" if shown.startswith(_FORMULA_STARTERS) else shown


def json_text(text: str) -> str:
    r"""JSON text with everything unseen as an escape such as `\u202e`: it decodes to the same strings.

    JSON cannot say what is left of a file name that is not UTF-8: a string has `\udcff` for it, letter by letter.
    """
    return _NOT_PLAIN.sub(lambda found: _in_json(found[0]), text)


def toml_text(text: str) -> str:
    r"""TOML text, its strings quoted as JSON has them, with everything unseen as an escape; see `json_text`."""
    return _NOT_PLAIN.sub(lambda found: _in_toml(found[0]), text)


def _is_seen(text: str) -> bool:
    """Whether all of the text shows when it is printed."""
    return text.isprintable() and _UNSEEN.isdisjoint(text)


def _in_json(character: str) -> str:
    """One character of a string in JSON text, or the escape that stands for it."""
    if _is_seen(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
    escape = "".join(f"\\u{unit}" for unit in units)
    return f"\\{escape}" if "\ud800" <= character <= "\udfff" else escape


def _in_toml(character: str) -> str:
    """The same in TOML, which has no pairs of units."""
    is_far = ord(character) > 0xFFFF and not _is_seen(character)
    return f"\\U{ord(character):08x}" if is_far else _in_json(character)


def _visible(character: str) -> str:
    """One character, or the escape that stands for it."""
    if _is_seen(character):
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"
