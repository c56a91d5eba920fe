"""Texts are cleaned before they are drawn, and made to fit."""

from capanalyze.report import looks
from capanalyze.report.graphs.lettering import BOLD, balance, clean, fit, width, wrap
from capanalyze.report.words import FLIPS_MARK


def test_clean_keeps_what_the_font_has() -> None:
    assert clean("a\tb\r\n c\x00\x1b[0m") == "a b c[0m"
    assert clean("e\u0301\u0489\u20e3 \u202eabc") == "é abc"
    assert clean("中 \ud800") == "\ufffd \ufffd"
    for look in looks.LOOKS:
        assert clean(look.mark) == look.mark
    assert clean(FLIPS_MARK) == FLIPS_MARK


def test_texts_are_shortened_to_their_room() -> None:
    assert fit("abc", 100) == "abc"
    short = fit("incoming connections", 40)
    assert short.endswith("…")
    assert width(short) <= 40
    assert fit("abc", 0) == "…"
    assert wrap("one two three four five", 40, 2) == ["one two", "three fo…"]
    assert wrap("", 40, 2) == []


def test_lines_are_about_as_long_as_each_other() -> None:
    assert wrap("promises: only tcp/22 in", 80, 4) == ["promises: only", "tcp/22 in"]
    assert wrap("promises: only tcp/22 in", 86, 4) == ["promises: only tcp/22", "in"]
    assert balance("promises: only tcp/22 in", 86, 4, 7.5, "") == ["promises:", "only tcp/22 in"]
    assert balance("one two", 1000, 3, 11, BOLD) == ["one two"]


def test_balancing_cuts_no_word() -> None:
    assert "promises:" in balance("promises: only tcp/22, udp/53, tcp/80 and more", 40, 4, 7, "")
