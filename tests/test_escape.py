"""Text from the wire, made safe to show."""

import json
import sys
import tomllib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.escape import csv_cell, json_text, printable, toml_text

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Jürgen\u2019s MacBook Pro", "Jürgen\u2019s MacBook Pro"),
        ("时间 ⏰", "时间 ⏰"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\r\nb\tc\0", r"a\x0d\x0ab\x09c\x00"),
        ("\x7f\x85\x9b", r"\x7f\x85\x9b"),
        ("exe\u202egnp.", r"exe\u202egnp."),
        ("\u2066\u2069", r"\u2066\u2069"),
        ("pay\u200bpal\ufeff", r"pay\u200bpal\ufeff"),
        ("one\u2028two\u2029", r"one\u2028two\u2029"),
        ("\ud800", r"\ud800"),
        ("a\u00a0b\u00adc", r"a\xa0b\xadc"),
        ("\u3164\u115f\ufe0f\u034f", r"\u3164\u115f\ufe0f\u034f"),
        ("\U000e0041", r"\U000e0041"),
        ("\u180b\u180f\u2800\U000e0100", r"\u180b\u180f\u2800\U000e0100"),
        (r"already \x1b", r"already \x1b"),
    ],
)
def test_unseen_characters_become_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_is_shortened() -> None:
    assert printable("x" * 200) == "x" * 200
    assert printable("x" * 201) == "x" * 199 + "…"
    assert printable("abcdef", limit=4) == "abc…"


def test_an_escape_is_never_cut() -> None:
    assert printable("ab\x1bcd", limit=6) == "ab…"
    assert printable("ab\x1bcd", limit=7) == r"ab\x1b…"
    assert printable("ab\x1bcd", limit=8) == r"ab\x1bcd"


@given(ANY_TEXT, st.integers(1, 300))
def test_output_is_bounded_visible_and_stable(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable(shown, limit) == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＠"])  # noqa: RUF001
def test_formulas_become_text(start: str) -> None:
    assert csv_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["", "QF98E<20>", "a=b", " =1", "'=1", "follows 17.72.255.11", "x" * 999])
def test_other_cells_stay(text: str) -> None:
    assert csv_cell(text) == text


@given(ANY_TEXT)
def test_a_cell_shows_all_of_its_text(text: str) -> None:
    assert csv_cell(text).removeprefix("'") == printable(text, sys.maxsize).removeprefix("'")


@given(st.lists(ANY_TEXT) | st.dictionaries(ANY_TEXT, st.none()))
def test_json_text_is_seen_and_decodes_to_the_same(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    assert all(printable(line, sys.maxsize) == line for line in json_text(text).split("\n"))
    spelt = "".join(f"\\\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in text)
    assert json.loads(json_text(text)) == json.loads(spelt)


@given(ANY_TEXT)
def test_toml_text_is_too(text: str) -> None:
    shown = toml_text(json.dumps(text, ensure_ascii=False))
    assert printable(shown, sys.maxsize) == shown
    spelt = "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in text)
    assert tomllib.loads(f"x = {shown}") == {"x": spelt}


def test_json_text_has_letters_as_they_are_and_other_planes_in_two_units() -> None:
    assert json_text('{"ü時": "\U0001f512\x9b\U000e0041"}') == '{"ü時": "\U0001f512\\u009b\\udb40\\udc41"}'
