"""UDP without a module: one exchange per five-tuple until it is idle for a minute."""

from pathlib import Path

import pytest

from capanalyze.protocols import udp
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, captured, each, heard, refuse
from tests.protocols import hear

SAMPLES = {"datagram": b"anything"}
PORT = 28524


@pytest.mark.parametrize("payload", [b"", b"x", bytes(2000)])
def test_only_the_endpoints_tell(payload: bytes) -> None:
    assert hear(udp.PROTOCOL, payload).role == "flow"


TALKS = [
    Talk(
        "the first datagram asks, the first one back answers",
        [(0, ask(PORT, b"1")), (0.001, answer(PORT, b"2"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "the same datagram back is an answer (echo)",
        [(0, ask(PORT, b"same")), (0.001, answer(PORT, b"same"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "what follows is counted, not listed",
        [
            (0, ask(PORT, b"1")),
            (0.001, answer(PORT, b"2")),
            (0.1, ask(PORT, b"3")),
            (0.2, answer(PORT, b"4")),
            (30, ask(PORT, b"5")),
        ],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "an answer may come late, as long as the five-tuple is not idle",
        [(0, ask(PORT, b"1")), (50, ask(PORT, b"2")), (100, answer(PORT, b"3"))],
        ["udp/28524 1 > 3: replied, datagram, weak, no rtt"],
    ),
    Talk(
        "after a minute of silence it begins anew",
        [
            (0, ask(PORT, b"1")),
            (0.001, answer(PORT, b"2")),
            (60.002, ask(PORT, b"3")),
            (60.003, answer(PORT, b"4")),
        ],
        [
            "udp/28524 1 > 2: replied, datagram, weak, 1000 us",
            "udp/28524 3 > 4: replied, datagram, weak, 1000 us",
        ],
    ),
    Talk(
        "either side keeps it alive",
        [(0, ask(PORT, b"1")), (0.001, answer(PORT, b"2")), (50, answer(PORT, b"3")), (100, ask(PORT, b"4"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "another port is another exchange",
        [(0, ask(PORT, b"1")), (0.1, ask(PORT, b"1", sport=50001)), (0.2, answer(PORT, b"2"))],
        ["udp/28524 1 > 3: replied, datagram, weak, 200000 us", "udp/28524 2 > -: silent, datagram"],
    ),
    Talk(
        "sent again within the window and unanswered it is a retransmission",
        [(0, ask(PORT, b"1")), (1, ask(PORT, b"1", ident=2)), (2, ask(PORT, b"2")), (2.1, answer(PORT, b"3"))],
        ["udp/28524 1,2 > 4: replied, datagram, weak, 2100000 us"],
    ),
    Talk(
        "from a registered port to an ephemeral one it is mid-flow, until the other end asks",
        [(0, answer(1194, b"1")), (0.1, ask(1194, b"2")), (0.2, answer(1194, b"3"))],
        ["udp/1194 - > 1: indeterminate, mid-flow", "udp/1194 2 > 3: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "from a registered port to one that is neither it is a request (a scanner's)",
        [(0, ask(PORT, b"1", sport=53)), (0.1, answer(PORT, b"2", sport=53))],
        ["udp/28524 1 > 2: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "between two registered ports it is a request",
        [(0, ask(1701, b"1", sport=1701)), (0.1, answer(1701, b"2", sport=1701))],
        ["udp/1701 1 > 2: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "what comes back behind the window of the first, when others were sent meanwhile, tells no round trip of it",
        [*((20 * n, ask(PORT, b"alive%d" % n, ident=n + 1)) for n in range(3)), (43.9, answer(PORT, b"2"))],
        ["udp/28524 1 > 4: replied, datagram, weak, no rtt"],
    ),
    Talk(
        "a slow answer to the one datagram does",
        [(0, ask(PORT, b"1")), (9, answer(PORT, b"2"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 9000000 us"],
    ),
    Talk(
        "a closed port rejects it",
        [(0, ask(PORT, b"1")), (0.001, refuse(ask(PORT, b"1")))],
        ["udp/28524 1 > 2: rejected, port unreachable, weak, 1000 us"],
    ),
    Talk(
        "a reply outranks the rejection before it",
        [(0, ask(PORT, b"1")), (0.001, refuse(ask(PORT, b"1"))), (0.1, answer(PORT, b"2"))],
        ["udp/28524 1 > 2,3: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "an empty datagram asks and answers like any other",
        [(0, ask(PORT, b"")), (0.001, answer(PORT, b""))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "a group is answered by whoever likes, from the port that was asked",
        [
            (0, datagram(PEER, 50000, "192.0.2.255", PORT, b"1")),
            (0.1, answer(PORT, b"2")),
            (0.2, datagram("192.0.2.11", PORT, PEER, 50000, b"3")),
        ],
        [
            "udp/28524 1 > 2 at 192.0.2.10:28524: replied, datagram, weak, 100000 us",
            "udp/28524 1 > 3 at 192.0.2.11:28524: replied, datagram, weak, 200000 us",
        ],
    ),
    Talk(
        "from another port something came back",
        [(0, ask(PORT, b"1")), (0.1, answer(PORT + 1, b"2"))],
        ["udp/28524 1 > 2: indeterminate, something came back from another port, weak, no rtt"],
    ),
    Talk(
        "a service that never answers announces to a group",
        [(0, datagram(TARGET, 514, "192.0.2.255", 514, b"browse"))],
        ["udp/514 - > 1: unsolicited, datagram"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_of_a_group_each_hosts_octets_are_counted_by_themselves(tmp_path: Path) -> None:
    frames = [
        (0.0, datagram(PEER, 50000, "192.0.2.255", PORT, b"1")),
        (0.1, answer(PORT, bytes(10))),
        (0.2, datagram("192.0.2.11", PORT, PEER, 50000, bytes(20))),
        (0.3, datagram("192.0.2.11", PORT, PEER, 50000, bytes(30))),
    ]
    pairing, _ = captured(tmp_path, frames)
    octets = {pair.exchange.server: pair.exchange.reply_octets for pair in pairing.done}
    assert octets == {TARGET: 10, "192.0.2.11": 50}


def test_octets_of_all_replies_are_counted(tmp_path: Path) -> None:
    frames = [
        (0.0, ask(PORT, b"12")),
        (0.1, answer(PORT, b"123")),
        (0.2, answer(PORT, b"1234")),
        (0.3, ask(PORT, b"12345")),
        (0.4, answer(PORT, b"123456")),
    ]
    (pair,) = captured(tmp_path, frames)[0].done
    assert (pair.exchange.request_octets, pair.exchange.reply_octets) == (2, 3 + 4 + 6)
