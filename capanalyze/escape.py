"""Text from the wire, made safe to show. Nothing else stands between a hostile name and a terminal.

What a reader cannot see becomes visible: control characters steer terminals, direction overrides reorder a
line, zero-width characters make two names look alike.
"""

from itertools import accumulate

ELLIPSIS = "…"

# Letters and marks by their category, yet drawn as nothing: joiner, Hangul fillers, Khmer vowels, variation
# selectors (Unicode, DerivedCoreProperties: Default_Ignorable_Code_Point).
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {chr(at) for at in range(0xFE00, 0xFE10)}

# A spreadsheet runs a cell that begins so (OWASP, CSV injection): full-width forms and line feed too.
_FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def printable(text: str, limit: int = 200) -> str:
    r"""The text with everything unseen as an escape such as `\x1b` or `\u202e`, at most `limit` characters.

    What is longer ends with an ellipsis, and never within an escape. The result is its own `printable`.
    """
    if len(text) <= limit and text.isprintable() and _UNSEEN.isdisjoint(text):
        return text
    shown = [_visible(character) for character in text[: limit + 1]]
    if sum(map(len, shown)) <= limit:
        return "".join(shown)
    lengths = accumulate(map(len, shown))
    kept = [piece for piece, length in zip(shown, lengths, strict=True) if length <= limit - len(ELLIPSIS)]
    return "".join(kept) + ELLIPSIS


def _visible(character: str) -> str:
    """One character, or the escape that stands for it."""
    if character.isprintable() and character not in _UNSEEN:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"


def csv_cell(text: str) -> str:
    """The text as a spreadsheet takes it for text: an apostrophe before what would begin a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTERS) else text
