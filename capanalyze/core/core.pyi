"""What Python sees of the compiled core."""

from array import array
from typing import TypeAlias

Octets: TypeAlias = bytes | bytearray | memoryview
Words: TypeAlias = array[int] | bytearray | memoryview

NAMES: list[str]
"""The services in the order of their numbers."""

REASONS: dict[str, int]
"""Why the walk through a frame ends, by the names that `packets.steps` has for them."""

TUNNELS: dict[str, int]
"""What a frame may be read inside of, and its number."""

class Scanner:
    """Turns records into messages, for one capture.

    Args:
        of_port: for each of the 65,536 UDP ports the number of its service.
        empty_asks: for each service, whether an empty datagram asks.

    Raises:
        ValueError: a table is too short, or names a service that there is not.
    """

    def __init__(self, of_port: bytes, empty_asks: bytes) -> None: ...
    def scan(
        self,
        octets: Octets,
        state: Words,
        layout: Words | bytes,
        interfaces: Words,
        messages: Words,
        pool: Words,
        tally: Words,
        tunnels: Words,
        unread: Words,
        stop: int,
    ) -> int:
        """Walk records up to `stop`, or until there is no room.

        Args:
            octets: a piece of the capture.
            state: where the walk stands, `State` of `scan.pxd`; the next call goes on from there.
            layout: how the capture's format writes records, `Layout` of `record.pxd`.
            interfaces: the capture's interfaces.
            messages: where the messages go, as many as `state` says that there is room for.
            pool: where their keys go.
            tally: for each reason not to read a frame, how many there were.
            tunnels: for each kind of tunnel, how many frames were read inside of it.
            unread: numbers of what is not read, and how many of each there were.
            stop: the octet before which the walk ends.

        Returns:
            Why it ended, as `capture.records` numbers it.

        Raises:
            ValueError: a buffer is shorter than what has to fit into it.
        """

def read_record(octets: Octets, state: Words, layout: Words | bytes, interfaces: Words, found: Words) -> int:
    """Read the record at the offset in `state`.

    Args:
        octets: a piece of the capture.
        state: where the walk stands, as in `Scanner.scan`; it is not moved on.
        layout: how the capture's format writes records.
        interfaces: the capture's interfaces.
        found: where the record goes, `Record` of `record.pxd`.

    Returns:
        Whether it is one, as `capture.records` numbers answers.

    Raises:
        ValueError: a buffer is shorter than what has to fit into it.
    """

def find(
    octets: Octets,
    state: Words,
    layout: Words | bytes,
    interfaces: Words,
    wanted: Words | bytes,
    found: Words,
    before: int,
) -> int:
    """Walk the records of a piece of a capture to the frames that are wanted.

    Args:
        octets: the piece.
        state: where the walk stands, as in `Scanner.scan`.
        layout: how the capture's format writes records.
        interfaces: the capture's interfaces.
        wanted: numbers of frames in rising order, 64 bits each.
        found: where their records go, `Record` of `record.pxd`.
        before: how many frames precede the piece.

    Returns:
        How many of the frames were found.

    Raises:
        ValueError: a buffer is shorter than what has to fit into it.
    """

def first_step(link_type: int) -> int:
    """The number of the first header of a link type's frames."""

def tunnel_of(port: int) -> int:
    """The number of the tunnel that uses a UDP port, 0 for none; `TUNNELS` names it."""

def match(
    service: str, octets: Octets, size: int | None = None, port: int = 0
) -> tuple[str, int, frozenset[str], tuple[int, ...]]:
    """What the match function of a service says of one message.

    Args:
        service: its name, one of `NAMES`.
        octets: the payload as far as it was captured.
        size: how many octets of it were sent; without it, all were captured.
        port: the service's, which it went to or came from; 0 where that is not known.

    Returns:
        Role, number of the kind, flags, and match keys of 64 bits.

    Raises:
        ValueError: there is no such service.
    """

class Pairs:
    """Pairs messages: the table of open exchanges, and what was settled.

    Args:
        facts: eight numbers a service, `Facts` of `exchange.pxd`.
        waits: the lengths of waiting in nanoseconds, `exchange.pxd` numbers the first ones.
        ports: facts about each UDP port, and behind them the service of each.
        services: for each service and kind of message, the service that it is of.
        sources: for each capture the number of its source.
        room: exchanges that may be open at a time.

    Raises:
        MemoryError: there is no room for the table.
        ValueError: a table is too short.
    """

    def __init__(
        self, facts: Words, waits: Words, ports: bytes, services: bytes, sources: Words, room: int
    ) -> None: ...
    def feed(
        self, messages: Words, pool: Words, start: int, stop: int, wide: Words, narrow: Words, links: Words
    ) -> tuple[int, int, int]:
        """Take in messages from `start` to before `stop`, dated and in order.

        Args:
            messages: rows of messages.
            pool: their keys.
            wide: where settled exchanges go, wide rows.
            narrow: their narrow rows.
            links: their frames, where there is more than one; the first stands for none.

        Returns:
            The message at which the room for rows ended, else `stop`; how many rows and links there are.
        """

    def finish(self, wide: Words, narrow: Words, links: Words) -> tuple[bool, int, int]:
        """Close what is open: whether that is all; how many rows and links there are."""

    def look(self, number: int, wide: Words, narrow: Words) -> tuple[int, int]:
        """Rows of what is open, without frames, from exchange `number` on (0: the first).

        Returns:
            How many, and the number of the next exchange, 0 for none.
        """

    @property
    def taken(self) -> tuple[int, int]:
        """Places in the table that are taken, and links."""

    @property
    def evicted(self) -> tuple[int, int]:
        """Exchanges that were let go before their time, and how many of these within their window."""

    @property
    def same_packet(self) -> tuple[int, int]:
        """Two frames of different sources that hold the same packet; 0 for none."""

    def malformed(self) -> dict[tuple[int, int, int], int]:
        """Messages that did not parse: (capture, service, kind) → how many."""
