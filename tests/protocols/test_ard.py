"""Apple Remote Desktop: endpoints decide."""

from pathlib import Path

from capanalyze.protocols import ard
from tests.build import TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

ARD = 3283
PROBE = bytes.fromhex("0014000103")  # nmap's
# A made one: where Apple puts the name is not public.
REPLY = bytes.fromhex("000103ea0001") + bytes(20) + b"Qf98e\0" + bytes(30) + b"10.5.0\0"
SAMPLES = {"datagram": PROBE}


def test_only_the_port_tells_who_asks() -> None:
    assert hear(ard.PROTOCOL, PROBE).role == "flow"
    assert hear(ard.PROTOCOL, REPLY).role == "flow"


TALKS = [
    Talk(
        "a probe is answered",
        [(0, ask(ARD, PROBE)), (0.1, answer(ARD, REPLY)), (1, ask(ARD, PROBE, sport=50001))],
        ["ard 1 > 2: replied, datagram, weak, 100000 us", "ard 3 > -: silent, datagram"],
    ),
    Talk(
        "where both use the port of the service, who spoke first asks",
        [
            (0, ask(ARD, PROBE, sport=ARD)),
            (0.1, answer(ARD, REPLY, sport=ARD)),
            (0.2, ask(ARD, PROBE + b"\0", sport=ARD)),
            (5, ask(ARD, PROBE, sport=ARD)),
            (5.1, answer(ARD, REPLY, sport=ARD)),
        ],
        [
            "ard 1 > 2: replied, datagram, weak, 100000 us",
            "ard 3 > -: silent, datagram",
            "ard 4 > 5: replied, datagram, weak, 100000 us",
        ],
    ),
    Talk(
        "what nobody asked was not captured",
        [(0, datagram(TARGET, ARD, "198.51.100.7", 40000, REPLY))],
        ["ard - > 1: indeterminate, request not captured"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
