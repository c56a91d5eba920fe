"""What is said of a capture beside its rows: where it was cut and what was not read; of a whole one nothing."""

import pytest

from capanalyze.model import Input, InterfaceInfo
from capanalyze.packets.steps import (
    ENCRYPTED,
    LATER_FRAGMENT,
    LEFT_OUT,
    MALFORMED_HEADER,
    MESSAGE,
    NO_INTERFACE,
    NOT_A_PACKET,
    NOT_IP,
    OTHER_ICMP,
    OTHER_TRANSPORT,
    REASONS,
    SEGMENT,
    TOO_DEEP,
    TRUNCATED,
    UNKNOWN_INNER_LINK,
    UNREAD_LINK,
)
from capanalyze.report.notes import notes_on_captures, unread

UNREAD = (
    *(OTHER_TRANSPORT, TRUNCATED, MALFORMED_HEADER, TOO_DEEP, ENCRYPTED),
    *(UNKNOWN_INNER_LINK, UNREAD_LINK, NO_INTERFACE),
)
READ = (MESSAGE, SEGMENT, NOT_IP, OTHER_ICMP, LATER_FRAGMENT, NOT_A_PACKET, LEFT_OUT)


def capture(account: dict[int, int], *, dropped: int | None = None, notes: tuple[str, ...] = ()) -> Input:
    return Input(
        name="a.pcap",
        sha256="",
        octets=0,
        format="pcap",
        mode=None,
        frames=sum(account.values()),
        first=None,
        last=None,
        interfaces=[InterfaceInfo(name="en0", link_type="Ethernet", frames=0, dropped=dropped)] * 2,
        account={REASONS[reason]: count for reason, count in account.items()},
        malformed={},
        notes=list(notes),
    )


def test_every_kind_of_frame_was_read_or_was_not() -> None:
    assert {*UNREAD, *READ} == set(REASONS)
    account = capture(dict.fromkeys(REASONS, 1)).account
    assert list(unread(account)) == [REASONS[reason] for reason in sorted(UNREAD, key=list(REASONS).index)]


@pytest.mark.parametrize(
    ("one", "notes"),
    [
        (capture({MESSAGE: 7, NOT_IP: 3}), []),
        (capture({MESSAGE: 7}, dropped=0), []),
        (
            capture({MESSAGE: 7, UNREAD_LINK: 1}),
            ["1 frame could not be read: of a link type that is not read 1"],
        ),
        (
            capture({MESSAGE: 7, TOO_DEEP: 1200, ENCRYPTED: 2}),
            ["1,202 frames could not be read: headers nested too deep 1,200, encrypted wireless frames 2"],
        ),
        (
            capture({MALFORMED_HEADER: 1}, dropped=4, notes=("cut: it ends early",)),
            [
                "cut: it ends early",
                "1 frame could not be read: malformed headers 1",
                "dropped: 8 frames by the kernel, before they were captured",
            ],
        ),
    ],
)
def test_notes(one: Input, notes: list[str]) -> None:
    assert list(notes_on_captures([one, capture({MESSAGE: 1})])) == [f"a.pcap: {note}" for note in notes]
