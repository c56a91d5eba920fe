"""What is said of a capture beside its rows: where it was cut and what was not read; of a whole one nothing."""

import pytest

from capanalyze.model import Input, InterfaceInfo, Target
from capanalyze.report.notes import notes_on_captures, notes_on_target


def capture(unread: dict[str, int], *, dropped: int | None = None, notes: tuple[str, ...] = ()) -> Input:
    return Input(
        name="a.pcap",
        sha256="",
        octets=0,
        format="pcap",
        mode=None,
        frames=7 + sum(unread.values()),
        first=None,
        last=None,
        interfaces=[InterfaceInfo(name="en0", link_type="Ethernet", frames=0, dropped=dropped)] * 2,
        account={"messages": 7} | unread,
        malformed={},
        notes=list(notes),
        unread=unread,
    )


@pytest.mark.parametrize(
    ("one", "notes"),
    [
        (capture({}), []),
        (capture({}, dropped=0), []),
        (
            capture({"headers nested too deep": 1200, "aggregated wireless frames, not read": 2}),
            ["1,202 frames could not be read: headers nested too deep 1,200; aggregated wireless frames, not read 2"],
        ),
        (
            capture({"malformed headers": 1}, dropped=4, notes=("cut: it ends early",)),
            [
                "cut: it ends early",
                "1 frame could not be read: malformed headers 1",
                "dropped: 8 frames by the kernel, before they were captured",
            ],
        ),
    ],
)
def test_notes(one: Input, notes: list[str]) -> None:
    assert list(notes_on_captures([one, capture({})], [])) == [f"a.pcap: {note}" for note in notes]


def test_what_was_left_out_comes_first() -> None:
    notes = notes_on_captures([capture({}, notes=("cut: it ends early",))], ["b.pcap: No such file or directory"])
    assert list(notes) == ["left out: b.pcap: No such file or directory", "a.pcap: cut: it ends early"]


def test_a_target_that_is_certain_needs_no_note() -> None:
    target = Target(addresses=["192.0.2.10"], how="given", certainty="given", warnings=[])
    assert list(notes_on_target(target, "")) == []


def test_an_assumed_target_and_its_warnings_are_told() -> None:
    target = Target(
        addresses=["192.0.2.10", "fe80::1"], how="assumed: it answers", certainty="assumed", warnings=["it looks far"]
    )
    assert list(notes_on_target(target, "")) == [
        (
            "the target is 192.0.2.10 and fe80::1 (assumed: it answers; "
            "to confirm it, add --target 192.0.2.10 --target fe80::1)"
        ),
        "warning: it looks far",
    ]


def test_where_nobody_can_tell_the_target_the_reason_is_told() -> None:
    target = Target(addresses=[], how="not known", certainty=None, warnings=[])
    assert list(notes_on_target(target, "two hosts answer")) == [
        "no row has a direction or a verdict: two hosts answer"
    ]
