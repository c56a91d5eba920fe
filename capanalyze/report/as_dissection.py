"""Dissected frames on a terminal, and as JSON for programs.

`dissection.schema.json`, beside this file, describes the JSON. It is made from the records themselves:
`python -m capanalyze.report.as_dissection > dissection.schema.json`.
"""

from __future__ import annotations

import io
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from capanalyze.model import Dissected
from capanalyze.report.as_json import encode, schema_of
from capanalyze.report.hexdump import WIDTH, hex_rows
from capanalyze.report.output import STDOUT, binary_output, write_whole
from capanalyze.report.row_table import Row, whole
from capanalyze.report.rows import record
from capanalyze.report.terminal import piece, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capanalyze.dissecting import Answer
    from capanalyze.model import DissectedFrame, Exchange, Field

SCHEMA_FILE = "dissection.schema.json"
EXPERT = "_ws.expert"
# Colours by the severity that a line of expert information names (Wireshark's epan/expert.c).
SEVERITIES = {"(Error/": "bold red", "(Warning/": "yellow", "(Note/": "cyan"}
ROOM = 74  # columns that a dump of 16 octets a row takes; below it, a row has half as many


def write_dissection(answer: Answer, form: str, output: str | None) -> None:
    """Write frames as `text` or `json` to a file (whole or not at all) or to standard output."""
    if form == "json":
        with binary_output(output) as file:
            file.write(to_json(answer))
    elif output in (None, STDOUT):
        render_dissection(answer, Console(highlight=False))
    else:
        text = io.StringIO()
        render_dissection(answer, Console(file=text, highlight=False, force_terminal=False, width=ROOM))
        write_whole(Path(output), text.getvalue().encode())


def to_json(answer: Answer) -> bytes:
    """The frames as JSON text: UTF-8, the same octets for the same frames."""
    exchanges = [{"exchange": number} | record(exchange) for number, exchange in answer.exchanges.items()]
    return encode(msgspec.to_builtins(replace(answer.dissected, exchanges=exchanges)))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of that."""
    return schema_of(Dissected, "capanalyze-dissection 1")


def shipped_schema() -> bytes:
    """The schema as the package carries it."""
    return resources.files("capanalyze.report").joinpath(SCHEMA_FILE).read_bytes()


def schema_text() -> bytes:
    """The schema as it should be shipped."""
    return encode(json_schema())


# -- On a terminal -----------------------------------------------------------------------------------


def render_dissection(answer: Answer, console: Console) -> None:
    """Print the frames: coloured for a terminal, plain for a pipe; no line is broken."""
    write(console, _blocks(answer, WIDTH if console.width >= ROOM else WIDTH // 2), whole_lines=True)


def _blocks(answer: Answer, width: int) -> Iterator[Iterator[Text]]:
    for number, exchange in answer.exchanges.items():
        yield _exchange(number, exchange)
    for frame in answer.dissected.frames:
        yield _frame(frame, answer.exchanges)
        yield _dump(bytes.fromhex(frame.hex), width)
    yield _about(answer.dissected)


def _exchange(number: int, exchange: Exchange) -> Iterator[Text]:
    cells = whole(Row(number, exchange))
    after = "" if exchange.rtt_us is None else f" after {cells['rtt']}"
    words = (
        f"exchange {number}: {exchange.service}",
        f"{cells['client']} → {cells['server']}",
        f"frames {cells['frames']}",
        cells["time"],
        f"{exchange.outcome}{after} ({cells['reason']})",
        exchange.verdict or cells["direction"],
    )
    yield piece(", ".join(word for word in words if word != "-"), "bold")
    for told in exchange.disclosures:
        yield piece(f"  {told.kind}: {told.value}")


def _frame(frame: DissectedFrame, exchanges: Mapping[int, Exchange]) -> Iterator[Text]:
    where = f"{frame.interface} ({frame.link_type})" if frame.interface else frame.link_type
    words = [f"frame {frame.frame}", frame.time or "no time", where, f"{frame.captured} of {frame.octets} octets"]
    for number, exchange in exchanges.items():
        words += [f"request of exchange {number}"] if frame.frame in exchange.requests else []
        words += [f"reply of exchange {number}"] if frame.frame in exchange.replies else []
    yield piece(", ".join(words), "bold")
    for layer in frame.layers:
        yield from _tree(layer, 0)


def _tree(line: Field, depth: int) -> Iterator[Text]:
    """A field and those below it; what is worked out stands in brackets, as Wireshark has it."""
    shown = line.shown if line.size or line.shown.startswith("[") else f"[{line.shown}]"
    indent = "  " * depth
    if line.name == EXPERT:  # what is below it says the same by parts
        severity = next((look for words, look in SEVERITIES.items() if words in shown), "dim")
        yield piece(f"{indent}! {shown}", severity)
        return
    yield piece(indent + shown, None if depth else "underline")
    for one in line.fields:
        yield from _tree(one, depth + 1)


def _dump(octets: bytes, width: int) -> Iterator[Text]:
    for row in hex_rows(octets, width):
        yield Text.assemble((row.offset, "dim"), f"  {row.octets:{3 * width - 1}}   {row.text}")


def _about(dissected: Dissected) -> Iterator[Text]:
    yield piece(f"capture  {dissected.capture}")
    if dissected.tshark:
        yield piece(f"tshark   {dissected.tshark}, which saw these frames and no others")
    if dissected.filter:  # as long as it has to be
        yield Text(f"filter   {dissected.filter}")


if __name__ == "__main__":
    sys.stdout.buffer.write(schema_text())
