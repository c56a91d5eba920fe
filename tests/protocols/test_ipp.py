"""CUPS browsing: packets that nobody asked for, and a port where nobody answers."""

from pathlib import Path

import pytest

from capanalyze.protocols import ipp
from tests.build import TARGET, datagram
from tests.conversations import Talk, ask, each, heard, refuse
from tests.protocols import hear

IPP = 631
PRINTER = b'1000c 3 ipp://qf98e.local:631/printers/laser "Hannover" "Laser on the first floor" "HP LaserJet 4"\n'

SAMPLES = {"browse packet": PRINTER}


@pytest.mark.parametrize(
    ("payload", "role"),
    [
        (PRINTER, "request"),
        (b"0 3 ipp://h/printers/p\n", "request"),
        (b"A 3 ipp://h/printers/p", "request"),
        (b"3 ipp://h/printers/p", "malformed"),
        (b"123456789 3 ipp://h/p", "malformed"),
        (b" 3 ipp://h/p", "malformed"),
        (b"10 3 http://h/p", "malformed"),
        (b"10 3 ipp", "malformed"),
        (b"\r\n\r\n", "malformed"),
        (b"1", "malformed"),
    ],
)
def test_role(payload: bytes, role: str) -> None:
    assert hear(ipp.PROTOCOL, payload).role == role


def test_a_cut_packet_is_called_so() -> None:
    assert hear(ipp.PROTOCOL, PRINTER[:9], len(PRINTER)).kind == "cut message"


ASKED = ask(IPP, b"\r\n\r\n")
TALKS = [
    Talk(
        "a printer is announced",
        [(0, datagram(TARGET, IPP, "192.0.2.255", IPP, PRINTER))],
        ["ipp - > 1: unsolicited, browse packet"],
    ),
    Talk("told to one host, it is not answered", [(0, ask(IPP, PRINTER))], ["ipp 1 > -: silent, browse packet"]),
    Talk("a probe is not answered", [(0, ASKED)], ["ipp 1 > -: silent, malformed message"]),
    Talk(
        "a probe may be refused",
        [(0, ASKED), (0.1, refuse(ASKED))],
        ["ipp 1 > 2: rejected, port unreachable, weak, 100000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
