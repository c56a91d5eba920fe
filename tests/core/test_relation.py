"""Relations: rows that the core counts, picks and chooses, against plain Python."""

import random
from array import array
from collections import Counter

import pytest

from capanalyze.core import core
from capanalyze.packets.message import DST_LOW, FRAME, SENDER, SRC_LOW, SRC_MAC, TUNNELS, WORDS
from capanalyze.target import hints

PAIRS = [(random.Random(seed).randrange(9), random.Random(-seed - 1).randrange(9)) for seed in range(400)]


def relation(pairs: list[tuple[int, int]], room: int = 1_000, **fields: int) -> core.Alike:
    """Messages from one host to another, numbered as frames, whose other fields are 0."""
    words = array("q", (0,)) * (len(pairs) * WORDS)
    numbers = {"tunnels": TUNNELS, "sender": SENDER, "mac": SRC_MAC}
    for at, (source, destination) in enumerate(pairs):
        words[at * WORDS + SRC_LOW], words[at * WORDS + DST_LOW] = source, destination
        words[at * WORDS + FRAME] = at + 1
        for name, value in fields.items():
            words[at * WORDS + numbers[name]] = value
    found = core.Alike(hints.WIDTH, room, 3)
    found.take_messages(words, len(pairs), b"\0")
    return found


def ends(found: core.Alike) -> Counter[tuple[int, int]]:
    return Counter({(row[1], row[3]): row[-1] for row in found})


def test_each_row_is_counted_once() -> None:
    found = relation(PAIRS)
    assert ends(found) == Counter(PAIRS)
    assert len(found) == len(set(PAIRS))
    assert [row[:-1] for row in found] == list(dict.fromkeys(row[:-1] for row in found))
    assert all(found.times(row[:-1]) == row[-1] for row in found)
    assert found.times((0, 99, *(0,) * (hints.WIDTH - 2))) == 0


def test_columns_are_picked_with_how_often_they_were_met_or_how_many_rows_hold_them() -> None:
    found = relation(PAIRS)
    sources = Counter(source for source, _ in PAIRS)
    assert {low: count for _, low, count in hints.over(found, hints.SOURCE)} == sources
    peers = Counter(source for source, _ in set(PAIRS))
    assert {low: count for _, low, count in hints.over(found, hints.SOURCE, each_once=True)} == peers


def test_rows_are_chosen_by_what_columns_hold() -> None:
    found = relation(PAIRS)
    wanted = [(0, 1), (0, 2)]
    here = found.where(hints.SOURCE, wanted)
    assert ends(here) == Counter(pair for pair in PAIRS if pair[0] in (1, 2))
    assert ends(found.where(hints.SOURCE, wanted, equal=False)) == Counter(
        pair for pair in PAIRS if pair[0] > 2 or not pair[0]
    )
    assert all(here.times(row[:-1]) == row[-1] for row in here)
    assert list(found.where(hints.SOURCE, [])) == []
    assert list(found.where(hints.SOURCE, [], equal=False)) == list(found)


def test_so_many_rows_of_a_kind() -> None:
    found = relation(PAIRS).first(hints.SOURCE, 3)
    first: dict[int, list[tuple[int, int]]] = {}
    for pair in dict.fromkeys(PAIRS):
        first.setdefault(pair[0], []).append(pair)
    assert set(ends(found)) == {pair for pairs in first.values() for pair in pairs[:3]}


def test_the_first_frames_of_each_row_are_kept() -> None:
    found = relation(PAIRS)
    numbers = [number for number, pair in enumerate(PAIRS, 1) if pair[0] == PAIRS[0][0]]
    sources = core.Alike(2, 10, 3)
    sources.add(found, hints.SOURCE)
    assert sources.frames(0) == tuple(numbers[:3])
    here = found.where(hints.SOURCE, [(0, PAIRS[0][0])])
    assert here.frames(0) == tuple(at for at, pair in enumerate(PAIRS, 1) if pair == PAIRS[0])[:3]
    assert hints.over(found, hints.SOURCE).frames(0) == ()
    with pytest.raises(IndexError):
        found.frames(len(found))


def test_rows_without_room_are_not_counted() -> None:
    assert ends(relation([(1, 2), (3, 4), (1, 2)], room=1)) == Counter({(1, 2): 2})


@pytest.mark.parametrize("fields", [{"tunnels": 1}, {"sender": 5}])
def test_what_came_in_a_tunnel_or_was_quoted_tells_nothing(fields: dict[str, int]) -> None:
    assert len(relation([(1, 2)], **fields)) == 0


def test_whether_a_message_is_to_its_sender_is_told() -> None:
    assert [row[hints.TO_ITSELF] for row in relation([(1, 2), (3, 3)], mac=7)] == [0, 1]


def test_columns_that_there_are_not() -> None:
    found = relation(PAIRS)
    for wrong in ((), (hints.WIDTH,), (-1,)):
        with pytest.raises(ValueError, match="does not have these columns"):
            found.where(wrong, [])
    with pytest.raises(ValueError, match="does not have these columns"):
        found.where((0, 1), [(1,)])
    with pytest.raises(ValueError, match="does not have these columns"):
        found.times((1,))
    with pytest.raises(ValueError, match="15 columns"):
        core.Alike(15, 1)
    with pytest.raises(ValueError, match="4 frames"):
        core.Alike(1, 1, 4)
    with pytest.raises(IndexError):
        found.row(len(found))
