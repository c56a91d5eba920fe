"""What Python sees of the compiled core."""

from array import array
from typing import Any, TypeAlias

Octets: TypeAlias = bytes | bytearray | memoryview
Words: TypeAlias = array[int] | bytearray | memoryview

NAMES: list[str]
"""The services in the order of their numbers."""

REASONS: dict[str, int]
"""Why the walk through a frame ends, by the names that `packets.steps` has for them."""

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

def match(service: str, octets: Octets, size: int | None = None) -> tuple[str, int, frozenset[str], tuple[int, ...]]:
    """What the match function of a service says of one message.

    Args:
        service: its name, one of `NAMES`.
        octets: the payload as far as it was captured.
        size: how many octets of it were sent; without it, all were captured.

    Returns:
        Role, number of the kind, flags, and match keys of 64 bits.

    Raises:
        ValueError: there is no such service.
    """

JudgedMode: TypeAlias = tuple[bool, bool, list[int], bytes | None]
"""Whether a rejection is a sign of the host; whether any port may answer; which services may; which ports, or None."""

JudgedSegment: TypeAlias = tuple[int, tuple[int, int], tuple[int, int]]
"""A mode, and since and until when: seconds and nanoseconds, -NO_TIME and NO_TIME where it is open."""

JudgedNetwork: TypeAlias = tuple[tuple[int, int], tuple[int, int], bool, int]
"""Two words of address, two of mask, whether it is one of IPv4, its zone."""

MOST_KINDS: int
"""Kinds of request that a finding tells apart."""

class Judge:
    """Judges exchanges.

    Args:
        modules: for each service its window in nanoseconds, and whether its silence proves anything.
        modes: what each promises.
        captures: the stretches of each, by mode.
        networks: those that are in a zone.
        never: for each of the 65,536 UDP ports whether its silence proves nothing.

    Raises:
        ValueError: a table is too short.
        MemoryError: there is no room for what it is told.
    """

    def __init__(
        self,
        modules: list[tuple[int, bool]],
        modes: list[JudgedMode],
        captures: list[list[JudgedSegment]],
        networks: list[JudgedNetwork],
        never: bytes,
    ) -> None: ...
    def target(self, addresses: list[tuple[int, int]]) -> None:
        """The target's addresses, two unsigned words each; IPv4 as ::ffff:a.b.c.d."""

    def places(self, zones: list[tuple[int, int]]) -> None:
        """For each place the zone that it is given, -1 for none, and the zone where nothing else tells."""

    def see(self, captures: list[tuple[int, bool, bool]], cut: list[bool], covered: list[tuple[int, int, int]]) -> None:
        """What is known by now.

        Args:
            captures: the last clock of each, whether it is one-sided, whether its frames are cut.
            cut: for no mode, and then for each mode, whether frames of its captures are cut.
            covered: mode, first and last clock of the stretches that captures cover.

        Raises:
            ValueError: there are more or fewer captures or modes than before.
        """

    def judge(self, wide: Words, narrow: Words, count: int) -> int:
        """Judge rows, in place; how many wait for `settle`. Raises ValueError where there are fewer rows."""

    def note(self, wide: Words, narrow: Words, start: int, stop: int) -> None:
        """Note which requests were answered of rows `start` to before `stop`: earlier silence is then silence."""

    def settle(self, wide: Words, narrow: Words, count: int) -> None:
        """Tell silence from not knowing in rows that were judged."""

class Summary:
    """Exchanges summed up.

    Args:
        always: for each UDP port and then each TCP port whether it is told apart in any case.

    The others are how many records of each kind there is room for, see `summary.store.Rooms`.

    Raises:
        ValueError: `always` is too short.
        MemoryError: there is no room for so many.
    """

    def __init__(
        self,
        always: bytes,
        *,
        cells: int,
        reasons: int,
        details: int,
        quiet: int,
        answering: int,
        full: int,
        turns: int,
        changes: int,
        rows: int,
        waiting: int,
        links: int,
        met: int,
    ) -> None: ...
    def add(self, wide: Words, narrow: Words, links: Words, count: int) -> None:
        """Sum up judged rows. Raises ValueError where there are fewer than `count`."""

    def finish(self) -> None:
        """All was added: what is shown of findings is settled, and ports without one of their own are joined."""

    def counts(self) -> tuple[list[int], int, int, int]:
        """Exchanges by direction, and outside of every mode's time; records and exchanges without room."""

    def kept(self) -> tuple[bytes, bytes, bytes]:
        """The rows that are kept: wide ones, narrow ones, links."""

    def cells(self) -> list[tuple[int, dict[str, Any]]]:
        """Numbers of cells, and their fields, see `sums.pxd`."""

    def reasons(self) -> list[tuple[int, dict[str, int], int]]:
        """Cell, what was said, and how often, beside each cell's usual reason."""

    def met(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Zones with numbers of their places; cells with numbers of captures that they have no bit for."""

    def detail(self, number: int) -> dict[str, Any]:
        """What is shown of a finding besides its counts, see `summary.store.Detail`. Raises IndexError."""

    def changes(self) -> list[dict[str, Any]]:
        """Where outcomes changed, see `sums.pxd`."""

def step_of(time: int) -> int:
    """The step of the histogram that a round-trip time in nanoseconds is in."""

def reach_of(wide: Words, narrow: Words) -> int:
    """Where the client of the first of some rows is, in the order of `model.Reach`. Raises ValueError."""

def bins_of(exchanges: list[tuple[int, int]]) -> tuple[int, list[tuple[int, list[int]]]]:
    """Exchanges (time in nanoseconds, class) by bins of time.

    Returns:
        The level: a bin is 2 to this nanoseconds wide. Number and counts by class of each bin that is not empty.
    """
