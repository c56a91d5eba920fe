"""Frames that could not be read: when a report says so, and how."""

from capanalyze.model import Analysis
from capanalyze.report.unread import unread, unread_clause, unread_note
from tests.report.graphs import sample


def analysis(outcomes: str, frames: int, *captures: dict[str, int]) -> Analysis:
    names = [f"{place}.pcap" for place in range(len(captures))]
    made = sample.analysis([sample.finding("ntp", outcomes)], [sample.mode("block-all")], names)
    for one, buckets in zip(made.inputs, captures, strict=True):
        one.frames, one.unread = frames, buckets
    return made


def test_buckets_of_all_captures_are_added_up() -> None:
    both = analysis("-", 10, {"a, not read": 2}, {"b": 3, "a, not read": 4})
    assert unread(both) == {"a, not read": 6, "b": 3}
    assert unread_clause(both) == "9 of 20 frames could not be read"
    assert unread_note(both) == "9 of 20 frames could not be read, and may hide replies: a 6, b 3"


def test_a_single_frame_may_be_the_one_leak() -> None:
    assert unread_clause(analysis("-", 1_000_000, {"a": 1})) == "1 of 1,000,000 frames could not be read"
    assert unread(analysis("+", 1_000_000, {"a": 1})) == {}
    assert unread_note(analysis("+", 1_000_000, {"a": 1})) == ""


def test_where_all_was_read_nothing_is_said() -> None:
    assert unread_clause(analysis("-", 10, {})) == unread_note(analysis("-", 10, {})) == ""


def test_many_buckets_are_counted() -> None:
    many = {f"EtherType 0x700{place}, not read": place + 1 for place in range(9)}
    said = unread_note(analysis("-", 100, many))
    assert said.startswith("45 of 100 frames could not be read, and may hide replies: EtherType 0x7008 9, ")
    assert said.endswith("EtherType 0x7003 4 and 3 more kinds")
