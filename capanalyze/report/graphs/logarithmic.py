"""A logarithmic axis."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from capanalyze.report.graphs.lettering import width

# Beyond the greatest and the least value.
PADDING = 0.1
# And between two labels.
BETWEEN = 5.0


@dataclass(frozen=True)
class Scale:
    """Values from left to right: `low` and `high` are exponents of ten."""

    low: float
    high: float
    left: float
    right: float

    def x(self, value: float) -> float:
        """Where a value stands; what is out of reach, zero too, stands at the nearer end."""
        place = self.low if value <= 0 else min(max(log10(value), self.low), self.high)
        return self.left + (place - self.low) / (self.high - self.low) * (self.right - self.left)

    def decades(self) -> Iterator[tuple[float, int]]:
        """Every power of ten: where it stands, and its exponent."""
        for power in range(ceil(self.low), floor(self.high) + 1):
            yield self.x(10.0**power), power

    def between(self) -> Iterator[float]:
        """Where twice to nine times each power of ten stand."""
        for power in range(floor(self.low), ceil(self.high)):
            for digit in range(2, 10):
                if self.low <= power + log10(digit) <= self.high:
                    yield self.x(digit * 10.0**power)


def apart(labels: Sequence[tuple[float, str]], size: float) -> list[tuple[float, str]]:
    """Of labels centred at these places those that have room, the first ones first."""
    placed: list[tuple[float, str]] = []
    for x, text in labels:
        half = width(text, size) / 2 + BETWEEN
        if all(abs(x - other) >= half + width(words, size) / 2 for other, words in placed):
            placed.append((x, text))
    return placed


def scale(values: Iterable[float], least: tuple[float, float], left: float, right: float) -> Scale:
    """A scale that has room for all values, and at least for these two exponents."""
    powers = [log10(value) for value in values if value > 0]
    low = min([least[0], *(power - PADDING for power in powers)])
    high = max([least[1], *(power + PADDING for power in powers)])
    return Scale(low, high, left, right)
