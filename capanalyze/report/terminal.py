"""The pieces of a report on a terminal: text that is safe to print, tables without frames.

Nothing from a capture reaches the terminal as it came: every piece passes `piece`, which spells out what a
terminal would obey, and rich's markup is never parsed.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capanalyze.escape import printable

# Characters of one piece of text.
LONGEST = 2_000

# For an output that is not UTF-8: one character for one, so that columns still line up.
_ASCII = str.maketrans("●◆○×·⋯→…“”µ–─", "*%ox.~>~''u--")  # noqa: RUF001 (the marks of `looks`)

# A rule below the headings and nothing else. Called ASCII so that rich leaves it as it is.
_RULED = box.Box("    \n" * 2 + " ── \n" + "    \n" * 5, ascii=True)


def write(console: Console, blocks: Iterable[Iterable[RenderableType]], *, whole_lines: bool = False) -> None:
    """Print blocks with an empty line between them: coloured for a terminal, plain for a pipe.

    With `whole_lines` no line is broken, however narrow the terminal.
    """
    with console.capture() as printed:
        for number, block in enumerate(blocks):
            if number:
                console.print()
            for part in block:
                console.print(part, soft_wrap=whole_lines)
    text = "".join(line.rstrip(" ") + "\n" for line in printed.get().splitlines())
    console.file.write(spelled(text, console.encoding))


def spelled(text: str, encoding: str) -> str:
    """A text in characters that an encoding has."""
    if encoding.lower().startswith("utf"):
        return text
    return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)


def piece(text: str, look: str | None = None) -> Text:
    """A text that does nothing to a terminal but stand there."""
    return Text(printable(text, LONGEST), look or "", overflow="fold")


def indented(line: str) -> RenderableType:
    """A line below a table."""
    return Padding(piece(line), (0, 0, 0, 2))


def below(lines: Iterable[str]) -> Iterator[RenderableType]:
    """Lines below a table, as one piece: each on its own costs rich a millisecond."""
    if pieces := [piece(line) for line in lines]:
        yield Padding(Text("\n").join(pieces), (0, 0, 0, 2))


def more(left: Sequence[object]) -> Iterator[RenderableType]:
    """How much there is no room for."""
    if left:
        yield indented(f"and {len(left):,} more")


def table() -> Table:
    """A table with a rule below its headings."""
    return Table(box=_RULED, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


def grid(rows: Iterable[tuple[str, str]]) -> Table:
    """Pairs of a word and what it says; warnings stand out."""
    pairs = Table.grid(padding=(0, 2))
    pairs.add_column(no_wrap=True)
    pairs.add_column(overflow="fold")
    for label, value in rows:
        loud = "yellow" if label == "warning" else None
        pairs.add_row(piece(label, loud or "dim"), piece(value, loud))
    return pairs
