"""What Python sees of the compiled core."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

Octets: TypeAlias = bytes | bytearray | memoryview
Words: TypeAlias = array[int] | bytearray | memoryview

NAMES: list[str]
"""The services in the order of their numbers."""

REASONS: dict[str, int]
"""Why the walk through a frame ends, by the names that `packets.steps` has for them."""

ROW: dict[str, int]
"""Sizes, flags, outcomes and reasons of a row of an exchange, by the names that `exchanges.row` has for them."""

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
        shown: Words,
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
            shown: MAC and IP addresses of senders that frames show on the link.
            stop: the octet before which the walk ends.

        Returns:
            Why it ended, as `capture.records` numbers it.

        Raises:
            ValueError: a buffer is shorter than what has to fit into it.
        """

class Neighbourhood:
    """The hosts that were shown on the link: so many addresses, each with the MAC address that it sends from."""

    def __init__(self, room: int) -> None: ...
    def __len__(self) -> int: ...
    def take(self, shown: Words, count: int) -> None:
        """Remember senders that a scan noted. Raises ValueError where there are fewer than `count`."""

    @property
    def is_full(self) -> bool:
        """Whether there was no room for another one."""

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

def skim(octets: Octets, state: Words, layout: Words | bytes, interfaces: Words, stop: int, frames: int) -> int:
    """Step over records, counting them in `state` and by interface.

    Args:
        octets: a piece of the capture.
        state: where the walk stands, as in `Scanner.scan`; it is moved on.
        layout: how the capture's format writes records.
        interfaces: the capture's interfaces, whose frames are counted.
        stop: the octet before which the walk ends.
        frames: how many records to step over at most.

    Returns:
        Why it ended, as `capture.records` numbers it.

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
        facts: ten numbers a service, `Facts` of `exchange.pxd`.
        waits: the lengths of waiting in nanoseconds, `exchange.pxd` numbers the first ones.
        ports: facts about each UDP port, and behind them the service of each.
        services: for each service and kind of message, the service that it is of.
        sources: for each capture the number of its source.
        room: exchanges that may be open at a time.

    Raises:
        MemoryError: there is no room for the table.
        ValueError: a table is too short, or the room less than one message may need.
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
            start: the first message to be taken in.
            stop: the message before which to end.
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
    def behind(self) -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
        """Endpoints of the host, two words and a port each, and the ones that it passes their requests on to."""

    @property
    def same_packet(self) -> tuple[int, int]:
        """Two frames of different sources that hold the same packet; 0 for none."""

    def malformed(self) -> dict[tuple[int, int, int], int]:
        """Messages that did not parse: (capture, service, kind) → how many."""

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
        modules: for each service its window in nanoseconds, whether its silence proves anything, and whether it need
            not answer whom a router separates from it.
        modes: what each promises.
        captures: the stretches of each, by mode.
        networks: those that are in a zone.
        one_way: for each of the 65,536 UDP ports the number of its row in `silence.ONE_WAY`, from 1; 0 for none.

    Raises:
        ValueError: a table is too short, or the room less than one message may need.
        MemoryError: there is no room for what it is told.
    """

    def __init__(
        self,
        modules: list[tuple[int, bool, bool]],
        modes: list[JudgedMode],
        captures: list[list[JudgedSegment]],
        networks: list[JudgedNetwork],
        one_way: bytes,
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

    def conclude(self, wide: Words, narrow: Words, count: int) -> None:
        """Tell what was held back from mere silence in judged rows, by all controls that are known by now."""

    def learn(self, other: Judge) -> None:
        """Take over the controls that another judge of the same captures has noted."""

    def controls(self) -> list[dict[str, Any]]:
        """What shows that services listened: fields as in `Control` of `setting.pxd`."""

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
        rejecting: int,
        answering: int,
        ports: int,
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

    def finish(self, shown: list[Neighbourhood]) -> None:
        """All was added, of captures that showed these hosts on the link.

        What is shown of findings is settled, it is told where clients are, and ports without a finding of their own are
        joined.
        """

    def counts(self) -> tuple[list[int], int, int, int, bool, int]:
        """What is counted of all exchanges.

        Exchanges by direction, and outside of every mode's time; records, exchanges, any ports without room; answered
        requests of which it is not known from where they came.
        """

    def kept(self) -> tuple[bytes, bytes, bytes]:
        """The rows that are kept: wide ones, narrow ones, links."""

    def joined(self, named: bytes) -> list[tuple[int, int]]:
        """Ports that are silent in cells of further ports: the cell's number, and the port.

        Args:
            named: for each UDP port and then each TCP port whether it is wanted.

        Raises:
            ValueError: `named` is too short.
        """

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

class Alike:
    """Different rows of numbers, and how often each was met: a relation.

    Args:
        width: numbers of a row.
        room: how many rows there is room for; further ones are not counted.
        frames: how many of the frames that a row was met in are kept, 3 at most: capture << 40 | frame.

    Raises:
        ValueError: there is no such width, or, of any method, no such columns.
        MemoryError: there is no room for so many.
    """

    def __init__(self, width: int, room: int, frames: int = 0) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """Rows as they were met, each with how often it was met behind it."""

    def row(self, number: int) -> tuple[int, ...]:
        """A row, and how often it was met. Raises IndexError."""

    def frames(self, number: int) -> tuple[int, ...]:
        """The first frames that a row was met in, as far as they are kept. Raises IndexError."""

    def times(self, row: tuple[int, ...]) -> int:
        """How often a row was met."""

    def take_messages(self, messages: Words, count: int, loopback: bytes) -> None:
        """Count what messages tell, see `target.hints`; `loopback` says of each interface whether it is one."""

    def take_exchanges(self, times: Alike, wide: Words, narrow: Words, start: int, stop: int) -> None:
        """Count what exchanges tell, see `target.contacts`, and their round-trip times."""

    def add(self, other: Alike, columns: tuple[int, ...], each_once: bool = False) -> None:
        """Count what columns of another relation hold: as often as it was met there, or once for each of its rows."""

    def where(self, columns: tuple[int, ...], values: Sequence[tuple[int, ...]], equal: bool = True) -> Alike:
        """The rows that hold one of some values in some columns, or those that do not."""

    def first(self, columns: tuple[int, ...], most: int) -> Alike:
        """So many rows for each value of some columns."""

class Handshakes:
    """TCP handshakes: how long the answer took, and how long its acknowledgment."""

    @property
    def done(self) -> Alike:
        """Client and server (two words each), interface, and nanoseconds from SYN to SYN/ACK and from there to ACK."""

    def take(self, messages: Words, count: int) -> None:
        """Look at messages that were dated, in their order."""

def step_of(time: int) -> int:
    """The step of the histogram that a round-trip time in nanoseconds is in."""

def reach_of(wide: Words, narrow: Words) -> int:
    """Where the client of the first of some rows is, in the order of `model.Reach`. Raises ValueError."""

def bins_of(exchanges: list[tuple[int, int]]) -> tuple[int, list[tuple[int, list[int]]]]:
    """Exchanges (time in nanoseconds, class) by bins of time.

    Returns:
        The level: a bin is 2 to this nanoseconds wide. Number and counts by class of each bin that is not empty.
    """

# -- Messages on their way into the pairing -----------------------------------------------------------

MAX_NAMES: int
MESSAGES_AT_ONCE: int
"""Names of interfaces that are told apart in one capture."""

class Naming:
    """Gives messages the index of the interface that their frames name, for one capture."""

    def name(
        self, octets: Octets, base: int, messages: Words, count: int, index_of: Callable[[bytes | int | None], int]
    ) -> None:
        """Give messages an index where they lack one.

        Args:
            octets: what the messages were scanned from.
            base: the offset of the octets in the capture.
            messages: `Message` of `message.pxd`.
            count: how many of them.
            index_of: says the index of a name or number that is not known yet; of None, that of all further ones.

        Raises:
            ValueError: there are fewer messages.
        """

class Dater:
    """Dates the messages of one source: each place has a clock that does not run back.

    Args:
        since, until: seconds and nanoseconds; what is before the one, or not before the other, is left out.

    Attributes:
        count: messages written since the last `turn`.
        is_ordered: whether no message was written behind one with a later clock.
        clocks: the first and the latest clock of the capture at hand, nanoseconds; None without a message.
        earliest: a message whose clock is before this one counts as of then.
    """

    count: int
    is_ordered: bool
    clocks: tuple[int, int] | None
    earliest: int

    def __init__(self, since: tuple[int, int] | None, until: tuple[int, int] | None) -> None: ...
    def begin(self, capture: int, clocks: Words) -> None:
        """A further capture begins; it has this number, and its places have these clocks."""

    def turn(self) -> None:
        """Write from the beginning of the room again."""

    def date(
        self,
        messages: Words,
        pool: Words,
        start: int,
        stop: int,
        places: Words,
        named: Words,
        clocks: Words,
        into: Words,
        into_pool: Words,
    ) -> int:
        """Date messages from `start` to before `stop`, behind those that are written.

        Args:
            messages: `Message` of `message.pxd`.
            pool: their keys.
            start: the first.
            stop: behind the last.
            places: for each interface of the capture its place.
            named: for each interface that frames name, `Named` of `dating.pxd`.
            clocks: for each place `Clock` of `dating.pxd`.
            into: room for messages.
            into_pool: room for keys.

        Returns:
            The message where the room ended, else `stop`.

        Raises:
            ValueError: there are fewer messages, or there is no clock.
        """

    def date_in_place(
        self, messages: Words, pool: Words, start: int, stop: int, places: Words, named: Words, clocks: Words
    ) -> None:
        """Date messages from `start` to before `stop` where they are, whatever time is asked for.

        Args: see `date`.

        Raises:
            ValueError: there are fewer messages, or there is no clock.
        """

    def hold(self, messages: Words, pool: Words, start: int, stop: int, into: Words, into_pool: Words) -> None:
        """Write messages that were dated before once more, with others to follow.

        Raises:
            ValueError: there are fewer, or there is no room for them.
        """

def joined(parts: Sequence[tuple[Words, Words, int, int]]) -> tuple[Words, Words]:
    """Stretches of messages (messages, keys, from, to before) behind each other: messages and keys.

    Raises:
        ValueError: there are fewer messages.
    """

def reorder(messages: Words, count: int) -> Words:
    """Messages that were dated in the order of their clocks, of equal ones as they came; their keys stay.

    Raises:
        ValueError: there are fewer.
    """

def bound(messages: Words, start: int, count: int, clock: int) -> int:
    """The first of `count` messages in order, from `start` on, that is behind a clock; `count` where none is.

    Raises:
        ValueError: there are fewer.
    """

def clock_at(messages: Words, number: int) -> int:
    """The clock of a message that was dated, nanoseconds.

    Raises:
        ValueError: there is no such message.
    """

# -- Rows on their way out ----------------------------------------------------------------------------

REASON_SPAN: int
"""Reasons of a service are below."""

def write_rows(
    wide: Words,
    narrow: Words,
    links: Words,
    start: int,
    stop: int,
    vocabulary: Words,
    text: bytes,
    ends: Words,
    reasons: Words,
    into: bytearray,
) -> tuple[int, int, int]:
    """Write rows as lines of text.

    Args:
        wide: the rows, `Wide` of `row.pxd`.
        narrow: the rows, `Narrow`.
        links: what their lists of frames are in, `Link`.
        start: the first of them.
        stop: behind the last.
        vocabulary: which pieces are for which words, `Vocabulary` of `rows_text.pxd`.
        text: all pieces, one behind the other.
        ends: where each begins, and where the last ends.
        reasons: for each service and reason the number of its piece, 0 where it has none yet.
        into: room for the lines.

    Returns:
        The first row that was not written, why (`Why` of `rows_text.pxd`), and how many octets were.

    Raises:
        ValueError: a buffer is shorter than what has to fit into it.
    """

class Group:
    """Rows spread over columns.

    Args:
        modules: how many services there are.
        room: rows that there is room for.
        frames: that there is room for, of requests and of replies.

    Attributes:
        rows: how many it has.
        services: service and port that each code stands for; -1 for no port.
        reasons: service and reason that each code stands for.
    """

    rows: int
    services: list[tuple[int, int]]
    reasons: list[tuple[int, int]]

    def __init__(self, modules: int, room: int, frames: int) -> None: ...
    def make_lists(self, frames: int) -> None:
        """Room for so many frames of requests, and of replies; there are no rows yet."""

    def add(self, wide: Words, narrow: Words, links: Words, start: int, stop: int, zoned: bool) -> int:
        """Add rows from `start` to before `stop`, structs of `row.pxd`; `zoned`: indices of zones mean any.

        Returns:
            The first that there is no room for, `stop` where there is for all.

        Raises:
            ValueError: there are fewer, or one is no exchange.
        """

    def clear(self) -> None:
        """Begin anew."""

    def octets(self, name: str) -> memoryview:
        """What a column holds, all that there is room for; ` ends` behind the name are where its rows end."""

def words_column(codes: Words, count: int, meaning: Words, into: Words, bits: bytearray) -> int:
    """Put the meaning of each code in its place, numbers of 32 bits; how many have none.

    Args:
        codes: of each row, -1 for none.
        count: how many rows.
        meaning: of each code, -1 for none.
        into: room for them.
        bits: room for a bit a row, which tells whether there is a meaning.

    Raises:
        ValueError: a buffer is shorter than what has to fit into it; so do the functions below.
    """

def ports_column(ports: Words, count: int, bits: bytearray) -> int:
    """Note in a bit a row which ports there are; how many are not."""

def text_column(ends: Words, count: int, bits: bytearray) -> int:
    """Note in a bit a row which texts take octets; how many take none."""

def micros_column(nanos: Words, count: int, into: array[float], bits: bytearray) -> tuple[int, int]:
    """Nanoseconds as microseconds, floats; a bit a row tells which there are.

    Returns:
        How many there are not, and the most nanoseconds, -1 without any.
    """
