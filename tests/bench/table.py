"""Tables as plain text or Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Table:
    """A title, names of columns, rows of words and numbers, and remarks."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()

    def render(self, *, markdown: bool = False) -> str:
        """The table between its title and its remarks; the first column to the left, the others to the right."""
        lines = [self.head, *self.rows]
        widths = [max(len(row[column]) for row in lines) for column in range(len(self.head))]
        padded = [
            [word.ljust(width) if not column else word.rjust(width) for column, (word, width) in enumerate(pairs)]
            for pairs in (list(zip(row, widths, strict=True)) for row in lines)
        ]
        rule = ["-" * width if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
        if markdown:
            body = [f"| {' | '.join(row)} |" for row in (padded[0], rule, *padded[1:])]
            return "\n".join((f"**{self.title}**", "", *body, "", *self.remarks)).rstrip() + "\n"
        body = ["  ".join(row).rstrip() for row in padded]
        return "\n".join((self.title, *body, *self.remarks)) + "\n"


def seconds(value: float) -> str:
    """Three digits that matter, about."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def memory(peak: float, floor: float) -> str:
    """MiB; where the measurement cannot see lower, it says so."""
    return f"<{floor:.0f}" if peak <= floor else f"{peak:.0f}"
