"""The small servers: any datagram asks, the empty one too; what comes back answers."""

from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.protocols import small
from capanalyze.protocols._protocol import Protocol
from tests.build import PEER, TARGET, datagram, pcap
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

SAMPLES = {"datagram": b"a line\r\n"}
ECHO, DISCARD, DAYTIME, QOTD, CHARGEN, TIME = 7, 9, 13, 17, 19, 37
NAMES = {DAYTIME: "daytime", QOTD: "qotd", CHARGEN: "chargen", TIME: "time"}


@pytest.mark.parametrize("protocol", small.PROTOCOLS, ids=lambda one: one.name)
def test_only_the_port_tells_who_asks(protocol: Protocol) -> None:
    for payload in (b"", b"x", bytes(1000)):
        assert hear(protocol, payload).role == "flow"


def test_an_echo_repeats_what_it_answers() -> None:
    echo = small.PROTOCOLS[0]
    assert hear(echo, b"one").keys == hear(echo, b"one").keys != hear(echo, b"two").keys


TALKS = [
    *(
        Talk(
            f"{name} is asked by an empty datagram",
            [(0, ask(port, b"")), (0.1, answer(port, b"some words")), (1, ask(port, b"", sport=50001))],
            [
                f"{name} 1 > 2: replied, datagram, weak, 100000 us",
                f"{name} 3 > -: silent, datagram",
            ],
        )
        for port, name in NAMES.items()
    ),
    Talk(
        "the datagrams of one port are answered in order",
        [
            (0, ask(DAYTIME, b"\n")),
            (0.1, answer(DAYTIME, b"1")),
            (5, ask(DAYTIME, b"\n", ident=2)),
            (5.1, answer(DAYTIME, b"2", ident=2)),
        ],
        [
            "daytime 1 > 2: replied, datagram, weak, 100000 us",
            "daytime 3 > 4: replied, datagram, weak, 100000 us",
        ],
    ),
    Talk(
        "an echo belongs to the datagram that it repeats",
        [(0, ask(ECHO, b"one")), (0.1, ask(ECHO, b"two")), (0.2, answer(ECHO, b"one"))],
        ["echo 1 > 3: replied, datagram, 200000 us", "echo 2 > -: silent, datagram"],
    ),
    Talk(
        "what is discarded is not answered",
        [(0, ask(DISCARD, b"x"))],
        ["discard 1 > -: silent, datagram"],
    ),
    Talk(
        "a datagram from a small server that nobody asked",
        [(0, datagram(TARGET, CHARGEN, PEER, 50000, b"abc"))],
        ["chargen - > 1: indeterminate, request not captured"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_silence_of_an_empty_datagram_counts_but_for_discard(tmp_path: Path) -> None:
    path = tmp_path / "block-all.en0.pcap"
    asked = [(float(number), ask(port, b"")) for number, port in enumerate((DAYTIME, DISCARD, QOTD, 53))]
    path.write_bytes(pcap([*asked, (20.0, ask(ECHO, b"last"))]))
    found = {one.service: one.verdict for one in analyze(audit_of([str(path)], target=(TARGET,))).findings}
    assert (found["daytime"], found["qotd"]) == ("silent", "silent")
    assert (found["discard"], found["dns"]) == ("unproven", "unproven")
