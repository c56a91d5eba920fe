"""How one kind of fact is held against tshark's fields."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.fields.dissection import Frame

Told = Callable[[Frame], Iterable[str]]


def unchanged(value: str) -> str:
    return value


def first_word(value: str) -> str:
    return value.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What tshark's fields tell of a kind, and how a fact is brought to their form.

    `complete`: whether each such field must be among the facts, too.
    """

    told: Told
    form: Callable[[str], str] = unchanged
    complete: bool = True


def shown(*names: str) -> Comparison:
    """A kind that is these fields, as they are shown."""
    return Comparison(lambda frame: frame.shown(*names))


Table = dict[tuple[str, str], Comparison]
