"""Flips, timelines and times of findings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.findings import utc
from tests.build import ntp
from tests.test_verdicts import finding, rejection, reply, request


def test_a_flip_names_the_last_before_and_the_first_after(tmp_path: Path) -> None:
    frames = [*((0.0, request(1)), (0.1, rejection(1)), (1.0, request(2, b"")), (2.0, request(3)), (2.1, reply(3)))]
    (change,) = finding(tmp_path, frames).changes
    assert (change.before, change.after, change.kind) == ("rejected", "replied", "client request")
    assert (change.last_before.requests, change.last_before.replies) == ([1], [2])
    assert (change.first_after.requests, change.first_after.replies) == ([4], [5])
    assert change.time == "2007-10-29T10:13:08.000000Z"


def test_other_kinds_of_request_do_not_flip(tmp_path: Path) -> None:
    symmetric = ntp(1, transmit=2)
    frames = [(0.0, request(1)), (0.1, reply(1)), (1.0, request(2, symmetric)), (2.0, request(3)), (2.1, reply(3))]
    assert finding(tmp_path, frames).changes == []


def test_the_first_hundred_flips_are_kept_and_the_rest_counted(tmp_path: Path) -> None:
    frames: list[tuple[float, bytes]] = []
    for number in range(1, 151):
        frames.append((number * 10.0, request(number)))
        if number % 2:
            frames.append((number * 10.0 + 0.1, reply(number)))
    found = finding(tmp_path, frames, end=2000.0)
    assert (len(found.changes), found.more_changes) == (100, 49)


def test_a_crowded_timeline_counts_every_exchange_in_bins(tmp_path: Path) -> None:
    frames = [(number * 0.01, request(number, b"x%d" % number, 9)) for number in range(1000)]
    timeline = finding(tmp_path, frames).timeline
    assert timeline.marks == []
    assert sum(slot.requests for slot in timeline.bins) == 1000
    assert len(timeline.bins) <= 240


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_193_652_786_944_735_000, "2007-10-29T10:13:06.944735Z"),
        (1_193_652_786_000_000_001, "2007-10-29T10:13:06.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-62_135_596_800 * 10**9, "0001-01-01T00:00:00.000000Z"),
        (253_402_300_800 * 10**9, None),
        (-62_135_596_801 * 10**9, None),
        (None, None),
    ],
)
def test_times_are_utc_or_nothing(time: int | None, text: str | None) -> None:
    assert utc(time) == text


@given(st.integers())
def test_any_time_is_written_or_left_out(time: int) -> None:
    text = utc(time)
    assert text is None or text.endswith("Z")
