"""Conversations as tables: frames and their times in, exchanges as lines of text out.

A line reads `service requests > replies at server: outcome, reason, pairing, rtt`, frames by number from 1.
`at server` stands where the server is not the endpoint that was asked. `weak` stands where the pairing is,
and the round trip (`no rtt` where none can be told), where something came back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from capanalyze.audit import Audit, CaptureFile
from capanalyze.exchanges.pair import Pair, pairs_of
from capanalyze.model import Exchange
from capanalyze.packets.message import address
from capanalyze.packets.messages import Part
from capanalyze.stream import Stream
from tests.build import PEER, START, TARGET, datagram, icmp_error, pcap, pcapng, scanned

RAW, ETHERNET = 101, 1  # link types
CLIENT_PORT = 50000

Frames = Sequence[tuple[float, bytes]]


@dataclass(frozen=True)
class Talk:
    """One row: what holds, the frames with seconds from the start, the exchanges expected."""

    holds: str
    frames: Frames
    exchanges: Sequence[str]
    link: int = RAW
    snaplen: int = 65535


def each(*talks: Talk) -> pytest.MarkDecorator:
    """A test for every row of a table."""
    return pytest.mark.parametrize("talk", [pytest.param(talk, id=talk.holds) for talk in talks])


def heard(talk: Talk, folder: Path) -> Sequence[str]:
    """The exchanges that the frames of a row give."""
    return lines(folder, talk.frames, talk.link, talk.snaplen)


def ask(port: int, payload: bytes, *, sport: int = CLIENT_PORT, ident: int = 1) -> bytes:
    """A datagram of the peer to a port of the target."""
    return datagram(PEER, sport, TARGET, port, payload, ident=ident)


def answer(port: int, payload: bytes, *, sport: int = CLIENT_PORT, ident: int = 1) -> bytes:
    """A datagram back."""
    return datagram(TARGET, port, PEER, sport, payload, ident=ident)


def refuse(asked: bytes, *, octets: int = 512, code: int = 3) -> bytes:
    """ICMP destination unreachable, about a packet that came."""
    return icmp_error(asked, 3, code, octets=octets)


def lines(folder: Path, frames: Frames, link: int = RAW, snaplen: int = 65535) -> list[str]:
    """The exchanges of one capture as text, in order of their first frames."""
    return described(*captured(folder, frames, link, snaplen))


@dataclass(frozen=True)
class Heard:
    """What pairing found: all exchanges as they were settled, and what did not parse."""

    done: list[Pair]
    malformed: dict[tuple[str, str, str], int]


def paired(*paths: Path, since: int | None = None, until: int | None = None) -> Heard:
    """The exchanges of captures that are paired together."""
    files = tuple(CaptureFile(str(path), path.name) for path in paths)
    with Stream(Audit(files, since=since, until=until)) as stream:
        pairs = [pair for batch in stream.batches() for pair in pairs_of(batch, stream.names)]
        return Heard(pairs, stream.malformed)


def captured(
    folder: Path, frames: Frames, link: int = RAW, snaplen: int = 65535, name: str = "one.pcap"
) -> tuple[Heard, Part]:
    """The exchanges of one capture, and its messages."""
    octets = pcap([(START + time, frame) for time, frame in frames], link, snaplen=snaplen)
    part = scanned(folder / name, octets)
    return paired(folder / name), part


def on_interfaces(
    folder: Path, frames: Sequence[tuple[int, float, bytes]], links: Sequence[int] = (RAW, RAW)
) -> list[str]:
    """The exchanges of one capture of several interfaces as text."""
    part = scanned(
        folder / "many.pcapng", pcapng([(number, START + time, frame) for number, time, frame in frames], links)
    )
    return described(paired(folder / "many.pcapng"), part)


def described(pairing: Heard, part: Part) -> list[str]:
    """The exchanges of one capture as text, in order of their first frames."""
    asked = {message.frame: (str(address(message.dst, message.dst_low)), message.dport) for message in part.messages()}
    exchanges = sorted(
        (pair.exchange for pair in pairing.done), key=lambda one: (one.requests or one.replies, one.replies)
    )
    return [line(exchange, asked) for exchange in exchanges]


def line(exchange: Exchange, asked: dict[int, tuple[str, int]]) -> str:
    """One exchange as text."""
    text = f"{exchange.service} {numbers(exchange.requests)} > {numbers(exchange.replies)}"
    server = (exchange.server, -1 if exchange.server_port is None else exchange.server_port)
    if exchange.requests and asked[exchange.requests[0]] != server:
        text += f" at {exchange.server}" + ("" if exchange.server_port is None else f":{exchange.server_port}")
    text += f": {exchange.outcome}, {exchange.reason}"
    if not exchange.requests or not exchange.replies:
        return text
    weak = ", weak" if exchange.pairing == "weak" else ""
    return text + weak + (", no rtt" if exchange.rtt_us is None else f", {exchange.rtt_us:.0f} us")


def numbers(frames: Sequence[int]) -> str:
    """Frame numbers as text."""
    return ",".join(map(str, frames)) or "-"
