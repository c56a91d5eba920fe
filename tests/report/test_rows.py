"""Rows by the core are those put into words one by one, octet for octet, however they come in batches."""

import csv
import io
import json
import os
import random
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from capanalyze.capture.records import NO_TIME
from capanalyze.errors import OutputError
from capanalyze.escape import printable
from capanalyze.exchanges.batch import UNREACHABLE_V4, UNREACHABLE_V6, WORDS, Batch, Names, exchange_of
from capanalyze.exchanges.row import (
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    DIRECTION,
    DIRECTIONS,
    FLAGS,
    GROUP,
    MODE,
    MODULE,
    NANOS,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PORT,
    REASON,
    REPLIES,
    REPLY,
    REPLY_OCTETS,
    REPLY_TO,
    REPLY_TO_LOW,
    REPLY_TO_PORT,
    REQUEST,
    REQUEST_OCTETS,
    REQUESTS,
    RTT,
    SECONDS,
    SERVER,
    SERVER_LOW,
    SERVER_PORT,
    SERVICE,
    VERDICT,
    VERDICTS_OF,
    WANTED,
    WANTED_LOW,
    WEAK_PAIRING,
    WIDE,
    ZONE,
)
from capanalyze.findings import utc
from capanalyze.model import Disclosure
from capanalyze.packets.message import MAPPED
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.report import row_pieces, row_table, rows
from capanalyze.report.row_table import TableRows
from capanalyze.report.rows import CsvRows, JsonRows, RowWriter, TextRows, open_rows, record

SECOND = 1_000_000_000
YEARS = (-62135596800, 253402300799)  # the first and the last second that has a date

# Every way in which a name may need care: quotes, line feeds, formulas, no UTF-8, other planes, nothing at all, and
# what a terminal obeys.
NAMES = Names(
    ["block-all.ppp0.pcap", 'say "a, b"\\.pcap', "=cmd()\n\r\t.pcap", "\udcff\udc80.pcap", "é\u2028\U0001f512\x00\x7f"],
    ["en0"],
    ["block-all", "-1+1\x9b31m\u202e", "two\nlines", "", "＝full"],  # noqa: RUF001
    ["internet", "lan\u200b", " ", "lan", '"\x1b]0;owned\x07'],
)

longs = st.integers(-(1 << 63), (1 << 63) - 1)
hextets = st.lists(st.sampled_from((0, 0, 0, 1, 0xF, 0x10, 0xFFFF)) | st.integers(0, 0xFFFF), min_size=8, max_size=8)
hosts = st.one_of(
    st.tuples(st.just(0), st.integers(MAPPED, MAPPED + 0xFFFFFFFF)),
    st.tuples(longs, longs),
    hextets.map(lambda parts: words_of(sum(part << 16 * place for place, part in enumerate(parts)))),
)
seconds = st.one_of(
    st.integers(1_700_000_000, 1_700_000_100),
    st.integers(*YEARS),
    st.integers(-(1 << 60), 1 << 60),
    st.sampled_from((*YEARS, YEARS[0] - 1, YEARS[1] + 1, -1, 0, NO_TIME - 1, NO_TIME, NO_TIME + 1)),
)
nanos = st.one_of(
    st.integers(0, 999_999).map(lambda micros: micros * 1000),
    st.integers(0, SECOND - 1),
    st.sampled_from((SECOND, 2 * SECOND + 1, -1)),
)
round_trips = st.one_of(
    st.just(-1),
    st.integers(0, 10**7),
    st.integers(0, 1 << 62),
    st.sampled_from((999, 1000, 10**15 - 1, 10**15, (1 << 53) + 1, (1 << 63) - 1)),
)
numbers = st.integers(0, 2000) | st.integers(0, (1 << 31) - 1)
ports = st.integers(-1, 65535)
frames = st.integers(1, 100) | st.integers(1, CAPTURE - 1)
captures = st.integers(0, len(NAMES.captures) - 1)


def words_of(address: int) -> tuple[int, int]:
    """The two signed words of an address."""
    return signed(address >> 64), signed(address & (1 << 64) - 1)


def signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


@st.composite
def lists(draw: st.DrawFn) -> list[int]:
    """A list of frames, mostly short and in one capture."""
    capture = draw(captures)
    found = [capture * CAPTURE + frame for frame in draw(st.lists(frames, max_size=4))]
    if found and draw(st.integers(0, 9)) == 0:
        found.append(draw(captures) * CAPTURE + draw(frames))
    return found


@st.composite
def reasons(draw: st.DrawFn, module: int) -> int:
    """A reason that a module's exchanges may have."""
    kinds = range(3 + len(PROTOCOLS[module].kinds))
    codes = [*(256 + code for code in (*UNREACHABLE_V4, 77)), *(512 + code for code in (*UNREACHABLE_V6, 255))]
    return draw(st.sampled_from((*kinds, *WORDS, *codes))) + 1024 * draw(st.integers(0, 7))


@st.composite
def exchange_rows(draw: st.DrawFn) -> dict[str, Any]:
    """One row: its fields, and its lists of frames."""
    module = draw(st.integers(0, len(PROTOCOLS) - 1))
    client, server = draw(hosts), draw(hosts)
    wanted, reply_to = draw(st.just(server) | hosts), draw(st.just((0, 0)) | hosts)
    port = draw(ports)
    requests, replies = draw(lists()), draw(lists())
    wide = {
        SECONDS: draw(seconds),
        CLIENT: client[0],
        CLIENT_LOW: client[1],
        SERVER: server[0],
        SERVER_LOW: server[1],
        WANTED: wanted[0],
        WANTED_LOW: wanted[1],
        REPLY_TO: reply_to[0],
        REPLY_TO_LOW: reply_to[1],
        RTT: draw(round_trips),
        REPLY_OCTETS: draw(numbers | st.integers(0, 1 << 62)),
    }
    narrow = {
        NANOS: draw(nanos),
        MODULE: module,
        SERVICE: draw(st.sampled_from((module, GENERIC_UDP, TCP))),
        PORT: port,
        CLIENT_PORT: draw(ports),
        SERVER_PORT: draw(st.just(port) | ports),
        REPLY_TO_PORT: draw(ports),
        REQUEST_OCTETS: draw(numbers),
        OUTCOME: draw(st.integers(0, len(OUTCOMES) - 1)),
        REASON: draw(reasons(module)),
        FLAGS: draw(st.sampled_from((0, WEAK_PAIRING, GROUP, GROUP | WEAK_PAIRING))),
        DIRECTION: draw(st.integers(0, len(DIRECTIONS) - 1)),
        MODE: draw(st.integers(-2, len(NAMES.modes) - 1)),
        ZONE: draw(st.integers(-1, len(NAMES.zones) - 1)),
        VERDICT: draw(st.integers(0, len(VERDICTS_OF) - 1)),
    }
    return {"wide": wide, "narrow": narrow, "requests": requests or ([] if replies else [1]), "replies": replies}


def batch_of(found: Sequence[dict[str, Any]]) -> Batch:
    """A batch of these rows; their lists of frames begin behind one another."""
    wide, narrow = array("q", bytes(8 * WIDE * len(found))), array("i", bytes(4 * NARROW * len(found)))
    links = array("q", [0, 0])
    for number, row in enumerate(found):
        for fields, values, width in ((row["wide"], wide, WIDE), (row["narrow"], narrow, NARROW)):
            for field, value in fields.items():
                values[number * width + field] = value
        for first, link, listed in ((REQUEST, REQUESTS, row["requests"]), (REPLY, REPLIES, row["replies"])):
            wide[number * WIDE + first] = listed[0] if listed else 0
            narrow[number * NARROW + link] = len(links) // 2 if len(listed) > 1 else 0
            for frame in listed[1:]:
                links.extend((frame, len(links) // 2 + 1))
            if len(listed) > 1:
                links[-1] = 0
    return Batch(wide, narrow, links, len(found))


def made(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Many rows of the plain kind, and some that are not."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        module = chance.choice((0, 1, 2, 3, 3, 4, 5))
        odd = chance.random() < 0.02
        found.append(
            {
                "wide": {
                    SECONDS: NO_TIME if odd else 1_700_000_000 + number // 10,
                    CLIENT_LOW: MAPPED + chance.getrandbits(32),
                    SERVER: 0 if number % 3 else signed(0xFE80 << 48),
                    SERVER_LOW: MAPPED + 0xCB00710A if number % 3 else chance.getrandbits(40),
                    RTT: chance.randrange(10**6),
                    REPLY_OCTETS: 48,
                },
                "narrow": {
                    NANOS: chance.randrange(10**6) * 1000,
                    MODULE: module,
                    SERVICE: module,
                    PORT: chance.randrange(20),
                    CLIENT_PORT: chance.randrange(65536),
                    SERVER_PORT: number % 9,
                    REASON: chance.randrange(3),
                    VERDICT: number % 9,
                    DIRECTION: number % 5,
                    MODE: number % 3 - 1,
                    ZONE: number % 4 - 1,
                    OUTCOME: number % 5,
                },
                "requests": [2 * number + 1, 2 * number + 9] if odd else [2 * number + 1],
                "replies": [CAPTURE + number, number + 5] if odd else [2 * number + 2],
            }
        )
    return found


def octets_of(make: Callable[[io.BytesIO], RowWriter], batches: Iterable[Batch], names: Names = NAMES) -> bytes:
    """What a writer makes of batches."""
    file = io.BytesIO()
    writer = make(file)
    for batch in batches:
        writer.write(batch, names)
    writer.finish()
    return file.getvalue()


class InWords:
    """Writes every line by way of its words."""

    def __init__(self, kind: type[TextRows], file: io.BytesIO) -> None:
        self._file, self._writer = file, kind(file)

    def write(self, batch: Batch, names: Names, disclosures: Sequence[list[Disclosure]] | None = None) -> None:
        for number in range(batch.count):
            told = disclosures[number] if disclosures else ()
            self._file.write(self._writer.line_of(batch, names, number, told))

    def finish(self) -> None:
        self._writer.finish()

    def give_up(self) -> None:
        self._writer.give_up()


def in_words(kind: type[TextRows]) -> Callable[[io.BytesIO], RowWriter]:
    return lambda file: InWords(kind, file)


def both(kind: type[TextRows]) -> list[Callable[[io.BytesIO], RowWriter]]:
    """What makes a writer: by the core, and in words."""
    return [kind, in_words(kind)]


def split(found: Sequence[dict[str, Any]], sizes: Iterable[int]) -> list[Batch]:
    """The rows in batches of these sizes, and what is left."""
    batches, at = [], 0
    for size in (*sizes, len(found)):
        batches.append(batch_of(found[at : at + size]))
        at += size
    return batches


def as_read(batch: Batch, names: Names = NAMES) -> list[dict[str, Any]]:
    """The rows as a reader of Parquet shall see them."""
    found = (record(exchange_of(batch, number, names)) for number in range(batch.count))
    return [dict.fromkeys(rows.FURTHER) | row for row in found]


FORMS: dict[str, Callable[[io.BytesIO], RowWriter]] = {"jsonl": JsonRows, "csv": CsvRows, "table": TableRows}
TEXT: list[type[TextRows]] = [JsonRows, CsvRows]

# Text


@pytest.mark.parametrize("kind", TEXT)
@given(found=st.lists(exchange_rows(), max_size=8))
def test_lines_of_the_core_are_those_in_words(kind: type[TextRows], found: list[dict[str, Any]]) -> None:
    batch = batch_of(found)
    assert octets_of(kind, [batch]) == octets_of(in_words(kind), [batch])


@given(st.lists(exchange_rows(), max_size=8))
def test_most_lines_are_the_core_s_own(found: list[dict[str, Any]]) -> None:
    batch = batch_of(found)
    assert left_by_the_core(batch) == [
        number for number, row in enumerate(found) if row["wide"][RTT] >= 10**15 or rows.elsewhere(batch, number, NAMES)
    ]


def left_by_the_core(batch: Batch) -> list[int]:
    """Rows that go by words."""
    left = []

    def slow(_batch: Batch, _names: Names, number: int) -> bytes:
        left.append(number)
        return b""

    for _ in row_pieces.Lines(row_pieces.JSON, slow).write(batch, NAMES, 0, batch.count):
        pass
    return left


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.parametrize("room", [1, 3000, 8192, 40_000])
def test_a_line_that_does_not_fit_waits_or_goes_by_words(
    kind: type[TextRows], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(40)
    found[5]["requests"] = list(range(1, 3000))
    batch = batch_of(found)
    monkeypatch.setattr(row_pieces, "OUT_ROOM", room)
    assert octets_of(kind, [batch]) == octets_of(in_words(kind), [batch])


@pytest.mark.parametrize(
    ("field", "index"),
    [(MODULE, 99), (SERVICE, -1), (OUTCOME, 5), (REASON, 8192), (DIRECTION, 5), (VERDICT, 9), (MODE, 5), (ZONE, 5)],
)
def test_an_index_that_stands_for_nothing_is_never_looked_up(field: int, index: int) -> None:
    found = made(1)
    found[0]["narrow"][field] = index
    assert left_by_the_core(batch_of(found)) == [0]


@pytest.mark.parametrize("frame", [-1, 5 * CAPTURE + 1])
def test_a_frame_of_no_capture_is_left_too(frame: int) -> None:
    found = made(1)
    found[0]["replies"] = [frame]
    assert left_by_the_core(batch_of(found)) == [0]


def test_the_record_of_a_row() -> None:
    wide = {SECONDS: 1_193_652_786, CLIENT_LOW: MAPPED + 0xC6336407, SERVER_LOW: MAPPED + 0xC000020A}
    narrow = {NANOS: 944_735_000, MODULE: 3, SERVICE: 3, PORT: 123, CLIENT_PORT: 50000, SERVER_PORT: 123}
    row = {
        "wide": wide | {WANTED_LOW: wide[SERVER_LOW], RTT: 272_000, REPLY_OCTETS: 48},
        "narrow": narrow | {REQUEST_OCTETS: 48, REASON: 66, DIRECTION: 1, MODE: 0, ZONE: 0, VERDICT: 1},
        "requests": [1],
        "replies": [2],
    }
    expected = (
        b'{"capture":"block-all.ppp0.pcap","service":"ntp","transport":"udp","client":"198.51.100.7",'
        b'"client_port":50000,"server":"192.0.2.10","server_port":123,"requests":[1],"replies":[2],'
        b'"time":"2007-10-29T10:13:06.944735Z","rtt_us":272.0,"request_octets":48,"reply_octets":48,'
        b'"outcome":"replied","reason":"accepted, then reset","pairing":"exact","direction":"inbound",'
        b'"mode":"block-all","zone":"internet","verdict":"leaked","disclosures":[]}\n'
    )
    for make in both(JsonRows):
        assert octets_of(make, [batch_of([row])]) == expected


def test_frames_in_further_files_are_named() -> None:
    row = made(1)[0]
    row["requests"] = [1, CAPTURE + 2, 3 * CAPTURE + 3, 4]
    row["replies"] = [CAPTURE + 5, 6, CAPTURE + 7]
    row["wide"][RTT] = 1
    for make in both(JsonRows):
        (line,) = octets_of(make, [batch_of([row])]).splitlines()
        found = json.loads(line)
        assert (found["requests"], found["replies"], found["reply_capture"]) == ([1, 4], [5, 7], NAMES.captures[1])
        assert found["elsewhere"] == {NAMES.captures[1]: [2], "\\udcff\\udc80.pcap": [3], NAMES.captures[0]: [6]}
        assert list(found)[-4:] == ["disclosures", "reply_capture", "reply_from", "elsewhere"]


IPV6 = words_of(int(IPv6Address("2001:db8::7")))


@pytest.mark.parametrize(
    ("changed", "further"),
    [
        ({}, {}),
        (
            {REPLY_TO_LOW: MAPPED + 0xC6336408, "narrow": {REPLY_TO_PORT: 5060}},
            {"reply_to": "198.51.100.8:5060"},
        ),
        (
            {REPLY_TO: IPV6[0], REPLY_TO_LOW: IPV6[1], "narrow": {REPLY_TO_PORT: 5060}},
            {"reply_to": "[2001:db8::7]:5060"},
        ),
        ({REPLY_TO: IPV6[0], REPLY_TO_LOW: IPV6[1], "narrow": {REPLY_TO_PORT: -1}}, {"reply_to": "2001:db8::7"}),
        ({"narrow": {SERVER_PORT: 1024}}, {"reply_from": "192.0.2.10:1024"}),
        ({WANTED_LOW: MAPPED + 0xC000020B}, {"reply_from": "192.0.2.10:123"}),
        ({WANTED_LOW: MAPPED + 0xE0000101, "narrow": {FLAGS: GROUP}}, {}),
        (
            {WANTED_LOW: MAPPED + 0xE0000101, "narrow": {FLAGS: GROUP, SERVER_PORT: 1024}},
            {"reply_from": "192.0.2.10:1024"},
        ),
        (
            {REPLY_TO_LOW: MAPPED + 0xC6336408, "narrow": {REPLY_TO_PORT: 5060, SERVER_PORT: 1024}},
            {"reply_to": "198.51.100.8:5060", "reply_from": "192.0.2.10:1024"},
        ),
    ],
)
def test_the_way_of_a_reply_is_told_where_it_is_another(changed: dict[Any, Any], further: dict[str, str]) -> None:
    wide = {SERVER_LOW: MAPPED + 0xC000020A, WANTED_LOW: MAPPED + 0xC000020A}
    narrow = {MODULE: 3, SERVICE: 3, PORT: 123, SERVER_PORT: 123} | changed.get("narrow", {})
    wide |= {field: value for field, value in changed.items() if field != "narrow"}
    row = {"wide": wide, "narrow": narrow, "requests": [1], "replies": [2]}
    for make in both(JsonRows):
        (line,) = octets_of(make, [batch_of([row])]).splitlines()
        found = json.loads(line)
        assert {key: found[key] for key in found if key not in rows.KEYS} == further
    cells = next(csv.DictReader(io.StringIO(octets_of(CsvRows, [batch_of([row])]).decode())))
    assert [cells[key] for key in rows.FURTHER] == [further.get(key, "") for key in rows.FURTHER]
    silent = batch_of([row | {"replies": []}])
    assert "reply_from" not in json.loads(octets_of(JsonRows, [silent]))


@pytest.mark.parametrize("kind", TEXT)
def test_what_was_disclosed_stands_in_its_row(kind: type[TextRows]) -> None:
    batch = batch_of(made(5))
    told = [[], [Disclosure(kind="name", value="=ü")], [], [], [Disclosure(kind="a", value="1")] * 2]
    found = []
    for make in both(kind):
        file = io.BytesIO()
        make(file).write(batch, NAMES, told)
        found.append(file.getvalue())
    assert found[0] == found[1]
    if kind is JsonRows:
        lines = [json.loads(line) for line in found[0].splitlines()]
        assert [len(line["disclosures"]) for line in lines] == [0, 1, 0, 0, 2]
        assert lines[1]["disclosures"] == [{"kind": "name", "value": "=ü"}]
    else:
        cells = list(csv.DictReader(io.StringIO(found[0].decode(), newline="")))
        assert [line["disclosures"] for line in cells] == ["", "name==ü", "", "", "a=1; a=1"]


def test_a_name_that_is_no_utf_8_reads_as_in_the_report() -> None:
    row = made(1)[0]
    row["requests"] = [3 * CAPTURE + 1]
    for kind in FORMS.values():
        assert b"\\udcff\\" in octets_of(kind, [batch_of([row])])


@pytest.mark.parametrize("kind", TEXT)
def test_no_row_steers_a_terminal(kind: type[TextRows]) -> None:
    for make in both(kind):
        text = octets_of(make, [batch_of(named())]).decode()
        assert all(printable(line, sys.maxsize) == line for line in text.removesuffix("\n").split("\n"))


def test_json_lines_have_every_name_as_it_is() -> None:
    found = [json.loads(line) for line in octets_of(JsonRows, [batch_of(named())]).splitlines()]
    assert [row["mode"] for row in found] == NAMES.modes
    assert [row["zone"] for row in found] == NAMES.zones
    assert [row["capture"] for row in found] == [row_pieces.valid(name) for name in NAMES.captures]
    assert {row["reply_capture"] for row in found[1:]} == {NAMES.captures[0]}


def test_csv_has_every_name_as_it_is_printed() -> None:
    text = octets_of(CsvRows, [batch_of(named())]).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["zone"] for row in found] == ["internet", r"lan\u200b", " ", "lan", r'"\x1b]0;owned\x07']
    assert [row["mode"] for row in found][1:3] == [r"'-1+1\x9b31m\u202e", r"two\x0alines"]


def named() -> list[dict[str, Any]]:
    """Rows that have each name once."""
    found = made(len(NAMES.captures))
    for number, row in enumerate(found):
        row["narrow"] |= {MODE: number, ZONE: number}
        row["requests"] = [number * CAPTURE + 1]
        row["replies"] = [2]
    return found


# Numbers


@given(hextets)
@example([0] * 8)
@example([0, 0, 1, 0, 0, 1, 0, 0])
@example([1, 0, 1, 1, 1, 1, 1, 1])
def test_ipv6_as_python_prints_it(parts: list[int]) -> None:
    number = sum(part << 112 - 16 * place for place, part in enumerate(parts))
    high, low = words_of(number)
    text = json_row({CLIENT: high, CLIENT_LOW: low}, {})["client"]
    mapped = IPv6Address(number).ipv4_mapped
    assert text == str(mapped or IPv6Address(number))


@given(st.integers(*YEARS), st.integers(0, SECOND - 1))
@example(951_782_400, 0)  # 2000-02-29
@example(YEARS[0], 1)
@example(YEARS[1], SECOND - 1)
def test_times_as_findings_have_them(second: int, nano: int) -> None:
    assert json_row({SECONDS: second}, {NANOS: nano})["time"] == utc(second * SECOND + nano)


@given(st.integers(0, 10**15 - 1))
def test_round_trips_as_json_has_them(nano: int) -> None:
    line = octets_of(JsonRows, [batch_of([plain_row({RTT: nano}, {})])])
    assert b'"rtt_us":' + msgspec.json.encode(nano / 1000) + b"," in line
    assert json.loads(line)["rtt_us"] == nano / 1000


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-(1 << 31), (1 << 31) - 1))
def test_whole_numbers(many: int, few: int) -> None:
    row = json_row({REPLY_OCTETS: many}, {REQUEST_OCTETS: few})
    assert (row["reply_octets"], row["request_octets"]) == (many, few)


def plain_row(wide: dict[int, int], narrow: dict[int, int]) -> dict[str, Any]:
    """A row that the core writes, with these fields."""
    return {"wide": wide, "narrow": narrow, "requests": [1], "replies": []}


def json_row(wide: dict[int, int], narrow: dict[int, int]) -> Any:
    """What the core makes of a row."""
    batch = batch_of([plain_row(wide, narrow)])
    assert left_by_the_core(batch) == []
    return json.loads(octets_of(JsonRows, [batch]))


# Batches


@pytest.mark.parametrize("form", FORMS)
@given(sizes=st.lists(st.integers(0, 40), max_size=8))
def test_text_is_the_same_however_rows_come(form: str, sizes: list[int]) -> None:
    found = made(120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_table, "WIDTHS_FROM", 50)
        whole = octets_of(FORMS[form], [batch_of(found)])
        assert octets_of(FORMS[form], split(found, sizes)) == whole
        if form != "table":
            kind: Any = FORMS[form]
            assert octets_of(in_words(kind), split(found, sizes)) == whole


@pytest.mark.parametrize("kind", TEXT)
def test_names_may_grow_or_be_others(kind: type[TextRows]) -> None:
    batch = batch_of([row for row in made(60) if row["narrow"][ZONE] < 1 and len(row["requests"]) == 1])
    names = [
        Names(["a", "b"], [], ["m", "n"]),  # without zones, none is meant
        Names(["a", "b"], [], ["m", "n"], ["z"]),
        Names(["a", "b"], [], ["m", "n"], ["z", "y"]),
        Names(["c", "d"], [], ["o", "p"], ["z"]),
    ]
    found = []
    for make in both(kind):
        file = io.BytesIO()
        writer = make(file)
        for given_names in names:
            writer.write(batch, given_names)
        found.append(file.getvalue())
    assert found[0] == found[1]


def test_rows_of_nothing() -> None:
    assert octets_of(CsvRows, []).decode().strip().split(",") == [*rows.KEYS, *rows.FURTHER]
    assert octets_of(JsonRows, []) == b""


# Parquet


@pytest.fixture(scope="module")
def parquet() -> Any:
    pytest.importorskip("pyarrow")
    from capanalyze.report import row_parquet

    return row_parquet


def read_back(octets: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.read_table(pa.BufferReader(octets))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(exchange_rows(), max_size=8), room=st.integers(1, 9))
def test_columns_hold_what_the_records_say(parquet: Any, found: list[dict[str, Any]], room: int) -> None:
    batch = batch_of(found)
    octets = octets_of(lambda file: parquet.ParquetRows(file, room), [batch])
    assert read_back(octets).to_pylist() == as_read(batch)


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(0, 40), max_size=8), room=st.integers(1, 130))
def test_parquet_is_the_same_however_rows_come(parquet: Any, sizes: list[int], room: int) -> None:
    found = made(120)
    whole = octets_of(lambda file: parquet.ParquetRows(file, room), [batch_of(found)])
    assert octets_of(lambda file: parquet.ParquetRows(file, room), split(found, sizes)) == whole
    assert read_back(whole).to_pylist() == as_read(batch_of(found))


def test_parquet_has_the_columns_it_had(parquet: Any) -> None:
    import pyarrow as pa

    schema = read_back(octets_of(parquet.ParquetRows, [])).schema
    assert schema.names == [*rows.KEYS, *rows.FURTHER]
    kinds = {field.name: field.type for field in schema}
    assert {name for name, kind in kinds.items() if pa.types.is_dictionary(kind)} == {
        *("capture", "service", "transport", "outcome", "reason", "pairing"),
        *("direction", "mode", "zone", "verdict", "reply_capture"),
    }
    assert kinds["client"] == kinds["time"] == pa.string()
    assert (kinds["client_port"], kinds["rtt_us"], kinds["reply_octets"]) == (pa.int32(), pa.float64(), pa.int64())


def test_what_was_disclosed_stands_in_its_row_of_parquet(parquet: Any) -> None:
    batch = batch_of(made(5))
    told = [[], [Disclosure(kind="name", value="ü")], [], [], [Disclosure(kind="a", value="1")] * 2]
    file = io.BytesIO()
    writer = parquet.ParquetRows(file, 2)
    writer.write(batch, NAMES, told)
    writer.write(batch, NAMES)
    writer.finish()
    found = [row["disclosures"] for row in read_back(file.getvalue()).to_pylist()]
    assert found == [[{"kind": one.kind, "value": one.value} for one in facts] for facts in told] + [[]] * 5


def test_names_may_grow_or_be_others_in_parquet(parquet: Any) -> None:
    batch = batch_of([row for row in made(60) if row["narrow"][ZONE] < 1 and len(row["requests"]) == 1])
    names = [Names(["a", "b"], [], ["m", "n"], zones) for zones in ([], ["z"], ["z", "y"])]
    names.append(Names(["c", "d"], [], ["o", "p"], ["z"]))
    file = io.BytesIO()
    writer = parquet.ParquetRows(file)
    for given_names in names:
        writer.write(batch, given_names)
    writer.finish()
    wanted = [row for given_names in names for row in as_read(batch, given_names)]
    assert read_back(file.getvalue()).to_pylist() == wanted


def test_a_list_longer_than_a_group_s(parquet: Any) -> None:
    found = made(3)
    found[1]["replies"] = list(range(1, 100))
    octets = octets_of(lambda file: parquet.ParquetRows(file, 2), [batch_of(found)])
    assert read_back(octets).to_pylist() == as_read(batch_of(found))


@pytest.mark.parametrize(("field", "index"), [(MODULE, 99), (SERVICE, -1), (REASON, 8192), (PORT, 70000)])
def test_a_row_that_is_none_is_not_looked_up(parquet: Any, field: int, index: int) -> None:
    found = made(1)
    found[0]["narrow"][field] = index
    with pytest.raises(ValueError, match="no exchange"):
        octets_of(lambda file: parquet.ParquetRows(file, 2), [batch_of(found)])


def test_parquet_needs_its_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "capanalyze.report.row_parquet", raising=False)
    with (
        pytest.raises(OutputError, match="parquet needs pyarrow: pip install"),
        open_rows("parquet", str(tmp_path / "x")),
    ):
        pass
    assert not list(tmp_path.iterdir())


# Files and streams


@pytest.mark.parametrize("form", ["jsonl", "csv", "table", "parquet"])
def test_a_file_appears_whole(form: str, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    batch, path = batch_of(made(50)), tmp_path / f"rows.{form}"
    with open_rows(form, str(path)) as writer:
        for _ in range(3):
            writer.write(batch, NAMES)
        assert not path.exists()
    if form == "parquet":
        assert read_back(path.read_bytes()).to_pylist() == 3 * as_read(batch)
    else:
        assert path.read_bytes() == octets_of(FORMS[form], [batch] * 3)


@pytest.mark.parametrize("form", ["jsonl", "csv", "table", "parquet"])
def test_what_fails_leaves_the_old_file(form: str, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / "rows"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), open_rows(form, str(path)) as writer:  # noqa: PT012
        writer.write(batch_of(made(5)), NAMES)
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_rows_stream_to_who_reads_them() -> None:
    shown, behind = os.pipe()
    with open(behind, "w") as stdout, pytest.MonkeyPatch.context() as patch:  # noqa: PTH123 - a descriptor
        patch.setattr(sys, "stdout", stdout)
        with open_rows("jsonl", None) as writer:
            writer.write(batch_of(made(1)), NAMES)
            assert os.read(shown, 10) == b'{"capture"'
    os.close(shown)


SCRIPT = """
import resource, sys
from capanalyze.errors import CapanalyzeError
from capanalyze.report.rows import open_rows
from tests.report.test_rows import NAMES, batch_of, made
form, output, limit = sys.argv[1:]
batch = batch_of(made(4000))
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
from capanalyze.cli import one_line_errors
with one_line_errors(), open_rows(form, output) as writer:
    for _ in range(3):
        writer.write(batch, NAMES)
"""


def run(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)


@pytest.mark.parametrize("form", ["jsonl", "csv", "table", "parquet"])
@pytest.mark.parametrize("limit", [4096, 50_000])
def test_a_disk_that_fills_leaves_no_half_file(form: str, limit: int, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    done = run(form, str(tmp_path / "rows"), str(limit))
    assert (done.returncode, done.stderr) == (2, f"capanalyze: {tmp_path / 'rows'}: File too large\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["jsonl", "csv", "table"])
def test_a_full_disk_behind_stdout(form: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(form, "-", "0", stdout=full)
    assert (done.returncode, done.stderr) == (2, "capanalyze: standard output: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_device_that_is_full(form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    done = run(form, "/dev/full", "0")
    assert (done.returncode, done.stderr) == (2, "capanalyze: /dev/full: No space left on device\n")


def test_a_reader_that_has_seen_enough() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "jsonl", "-", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, b"")


def test_few_rows_load_nothing_heavy() -> None:
    code = (
        "import sys; from capanalyze.report.rows import open_rows\n"
        "for form in ('jsonl', 'csv', 'table'):\n with open_rows(form, '/dev/null'): pass\n"
        "print(sorted({'numpy', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
