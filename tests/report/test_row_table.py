"""A table fits its terminal, says who asked whom at every width, and is whole where there is no terminal."""

import io
import os
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from capanalyze.exchanges.batch import Batch, Names, numbered, words_of
from capanalyze.exchanges.row import (
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    MODULE,
    OUTCOME,
    OUTCOMES,
    PORT,
    REASON,
    RTT,
    SECONDS,
    SERVER,
    SERVER_LOW,
    SERVER_PORT,
    SERVICE,
    VERDICT,
    VERDICTS_OF,
)
from capanalyze.protocols import PROTOCOLS
from capanalyze.report import row_table
from capanalyze.report.row_table import COLUMNS, ENDLESS, WIDER, TableRows, fitted, middle, start, table_to, width_of
from tests.report.test_rows import NAMES, batch_of, exchange_rows, made, octets_of

ALONE = Names(["block-all.ppp0.pcap"], ["ppp0"], ["block-all"], ["internet"])
TWO = Names(["block-all.ppp0.pcap", "allow-all.en0.pcap"], ["ppp0", "en0"], ["block-all"], ["internet"])
NTP = next(number for number, protocol in enumerate(PROTOCOLS) if protocol.name == "ntp-control")
LONG_V4 = ("255.255.255.250", "255.255.255.251")
LONG_V6 = ("2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:7777")


def exchange(hosts: tuple[str, str] = LONG_V4, verdict: str | None = "leaked", capture: int = 0) -> dict[str, Any]:
    """An exchange whose every cell is long."""
    client, server = map(words_of, hosts)
    return {
        "wide": {
            SECONDS: 1_700_000_000,
            CLIENT: client[0],
            CLIENT_LOW: client[1],
            SERVER: server[0],
            SERVER_LOW: server[1],
            RTT: 1_094_000,
        },
        "narrow": {
            MODULE: NTP,
            SERVICE: NTP,
            PORT: 123,
            CLIENT_PORT: 65535,
            SERVER_PORT: 65534,
            REASON: 2,
            OUTCOME: OUTCOMES.index("replied"),
            VERDICT: VERDICTS_OF.index(verdict),
        },
        "requests": [capture * CAPTURE + 1000, capture * CAPTURE + 1005],
        "replies": [capture * CAPTURE + 1001],
    }


def table(batch: Batch, names: Names = ALONE, room: int | None = None, **options: Any) -> list[str]:
    """The lines of a table."""
    (numbers,) = numbered([batch])
    return octets_of(lambda file: TableRows(file, room=room, **options), [numbers], names).decode().splitlines()


# Widths


@pytest.mark.parametrize("room", [80, 100, 160, 300])
@pytest.mark.parametrize("hosts", [LONG_V4, LONG_V6, (LONG_V6[0], LONG_V4[1])])
@pytest.mark.parametrize("names", [ALONE, TWO])
@pytest.mark.parametrize("verdict", ["leaked", "indeterminate", None])
def test_a_row_fits_and_says_who_asked_whom(
    room: int, hosts: tuple[str, str], names: Names, verdict: str | None
) -> None:
    batch = batch_of([exchange(hosts, verdict, number % len(names.captures)) for number in range(4)])
    heading, *lines = table(batch, names, room)
    assert max(map(cell_len, (heading, *lines))) <= room
    columns = heading.split()
    assert {"verdict" if verdict else "outcome", "service", "client", "server", "frames"} <= set(columns)
    assert ("capture" in columns) == (names is TWO)
    for line in lines:
        cells = dict(zip(columns, re.split(r" {2,}", line.strip()), strict=False))
        assert cells.get("verdict", cells.get("outcome")) == (verdict or "replied")
        assert (cells["service"], cells["frames"][:4]) == ("ntp-control", "1000")
        for shown, host in zip((cells["client"], cells["server"]), hosts, strict=True):
            first, _, last = shown.partition("…")
            assert len(shown) >= 11
            assert host.startswith(first[:4].lstrip("["))
            assert host in shown or host.endswith(last)


@pytest.mark.parametrize(
    ("room", "columns"),
    [
        (80, "# verdict service client server frames"),
        (100, "# verdict service client server frames reason"),
        (120, "# verdict service client server frames time rtt reason"),
        (160, "# verdict service client server frames time rtt direction reason"),
        (None, "# verdict service client server frames time rtt direction reason"),
    ],
)
def test_what_is_worth_most_comes_first(room: int | None, columns: str) -> None:
    assert table(batch_of([exchange()]), room=room)[0].split() == columns.split()


@given(
    st.fixed_dictionaries({column: st.integers(1, 60) for column in COLUMNS}),
    st.integers(1, 400),
)
def test_no_column_is_wider_than_it_needs_to_be(needed: dict[str, int], room: int) -> None:
    least = {column: min(needed[column], most) for column, most in row_table.LEAST.items()}
    widths = fitted(least, needed, room)
    assert set(least) <= set(widths)
    assert all(least.get(column, 1) <= width <= needed[column] for column, width in widths.items())
    length = sum(widths.values()) + len(row_table.GAP) * (len(widths) - 1)
    assert length <= room or widths == least
    if room >= sum(needed.values()) + len(row_table.GAP) * len(needed):
        assert widths == {column: min(needed[column], dict(WIDER).get(column, ENDLESS)) for column in needed}


def test_a_pipe_is_told_everything_and_no_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    file = io.BytesIO()
    writer = table_to(file, streams=True, encoding="utf-8")
    writer.write(batch_of([exchange(LONG_V6)]), ALONE)
    writer.finish()
    (_, line) = file.getvalue().decode().splitlines()
    assert f"[{LONG_V6[0]}]:65535  [{LONG_V6[1]}]:65534  1000,1005→1001  2023-11-14T22:13:20.000000Z" in line
    assert "\x1b" not in line


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    ("setting", "loud"), [({}, "\x1b[1;31m"), ({"NO_COLOR": "1"}, "\x1b[1m"), ({"TERM": "dumb"}, "")]
)
def test_a_terminal_shows_leaks_loudly(monkeypatch: pytest.MonkeyPatch, setting: dict[str, str], loud: str) -> None:
    for name, value in ({"COLUMNS": "80", "TERM": "xterm", "COLORTERM": "", "FORCE_COLOR": "1"} | setting).items():
        monkeypatch.setenv(name, value)
    if "NO_COLOR" not in setting:
        monkeypatch.delenv("NO_COLOR", raising=False)
    if setting.get("TERM") == "dumb":
        monkeypatch.delenv("FORCE_COLOR")
    main, sub = os.openpty()
    with open(sub, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor
        writer = table_to(file, streams=True, encoding="utf-8")
        writer.write(batch_of([exchange(), exchange(verdict="blocked")]), ALONE)
        writer.finish()
        shown = b""
        while shown.count(b"\n") < 3:
            shown += os.read(main, 10_000)
    os.close(main)
    lines = shown.decode().splitlines()
    assert f"{loud}leaked\x1b[0m " in lines[1] if loud else "\x1b" not in lines[1]
    assert "\x1b" not in lines[2]
    assert len(re.sub(r"\x1b\[[0-9;]*m", "", lines[1])) <= 80


# Rows that come later


def test_a_table_is_as_wide_as_its_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_table, "WIDTHS_FROM", 3)
    found = made(6)
    for row in found:
        row["requests"], row["replies"] = [1], []
    found[2]["requests"], found[5]["requests"] = [10**17 % CAPTURE], [CAPTURE - 1]
    lines = octets_of(TableRows, [batch_of(found)]).decode().splitlines()
    at = lines[0].index("time")
    assert {line[at - 2 : at] for line in lines[1:6]} == {"  "}


def test_numbers_of_later_rows_fit_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_table, "WIDTHS_FROM", 3)
    found = [exchange() for _ in range(6)]
    for number, row in enumerate(found):
        row["requests"], row["replies"] = [10**number + 1, 10**number + 2, 10**number + 4], [10**number + 3]
    found[5]["requests"] = [9_999_991, 9_999_993]
    lines = table(batch_of(found), room=80)
    assert max(map(len, lines)) <= 80
    assert "9999991,…→100003" in lines[6]


@given(st.lists(exchange_rows(), max_size=6))
def test_whatever_a_row_holds_a_line_is_one_line(found: list[dict[str, Any]]) -> None:
    for room in (80, None):
        lines = table(batch_of(found), NAMES, room)
        assert len(lines) == len(found) + 1
        assert all(line.isprintable() for line in lines)


def test_a_table_of_nothing_has_a_header() -> None:
    headings = ["outcome" if column == "verdict" else column for column in COLUMNS if column not in ("#", "capture")]
    assert octets_of(TableRows, []).decode().split() == headings


# Cells


def test_numbers_stand_where_they_are_known() -> None:
    (batch,) = numbered([batch_of([exchange(capture=one) for one in (0, 1, 1)])])
    for one, numbers in ((batch, ["1", "1", "2"]), (batch_of([exchange()]), [])):
        heading, *lines = octets_of(TableRows, [one], TWO).decode().splitlines()
        assert ("#" in heading) == bool(numbers)
        assert not numbers or [line.split()[0] for line in lines] == numbers


def test_a_reply_in_another_capture_stands_behind_its_name() -> None:
    row = exchange()
    row["replies"] = [CAPTURE + 7]
    assert "  1000,1005→allow-all.en0.pcap 7  " in table(batch_of([row]), TWO)[1]
    assert table(batch_of([row]), TWO, room=80)[1].endswith("1000,…→… 7")


def test_columns_line_up_behind_wide_characters() -> None:
    names = Names(["捕獲.pcap", "allow-all.en0.pcap"], [], ["block-all"], [])
    for room in (None, 80):
        heading, *lines = table(batch_of([exchange(capture=one) for one in (0, 1)]), names, room)
        at = heading.index("verdict")
        assert [cell_len(line[: line.index("leaked")]) for line in lines] == [at, at]


@pytest.mark.parametrize(
    ("text", "room", "start_of", "ends_of"),
    [
        ("short", 5, "short", "short"),
        ("2001:db8::1", 7, "2001:d…", "200…::1"),
        ("捕獲捕獲.pcap", 8, "捕獲捕 …", "捕 …pcap"),
        ("abc", 1, "…", "…"),
    ],
)
def test_what_is_too_long_is_cut(text: str, room: int, start_of: str, ends_of: str) -> None:
    assert (start(text, room), middle(text, room)) == (start_of, ends_of)
    assert width_of(start(text, room)) <= room
    assert width_of(middle(text, room)) <= room


def test_an_encoding_that_lacks_the_arrow_is_told_in_its_own_characters() -> None:
    file = io.BytesIO()
    writer = TableRows(file, encoding="ascii")
    writer.write(batch_of([exchange()]), ALONE)
    writer.finish()
    assert "1000,1005>1001" in file.getvalue().decode("ascii")
