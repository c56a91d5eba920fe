"""How verdicts look: readable, and told apart without colour."""

import subprocess
import sys

import pytest

from capanalyze.model import VERDICTS
from capanalyze.report import looks


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", [*looks.LOOKS, looks.NOT_PROBED], ids=lambda look: look.word)
def test_words_are_readable(look: looks.Look) -> None:
    assert contrast(look.ink, look.fill or looks.PAPER) >= 4.5
    assert contrast(look.line, looks.PAPER) >= 4.5
    assert look is looks.NOT_PROBED or contrast(look.line, look.tint) >= 4.5
    assert contrast(look.dark_ink, look.dark_fill or looks.DARK_PAPER) >= 4.5


def test_verdicts_differ_without_colour() -> None:
    shown = [looks.VERDICT_LOOKS[verdict] for verdict in VERDICTS]
    assert len({look.mark for look in shown}) == len(VERDICTS)
    assert len({look.word for look in shown}) == len(VERDICTS)
    assert [look.word for look in shown if look.loud] == ["LEAK", "visible"]
    others = [luminance(look.fill or looks.PAPER) for look in shown if look.word != "LEAK"]
    assert min(others) - luminance(looks.VERDICT_LOOKS["leaked"].fill or "") > 0.5


def test_looks_need_no_matplotlib() -> None:
    code = "import sys, capanalyze.report.looks; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
