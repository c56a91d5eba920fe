"""The messages of a capture: drives the core's scan over the capture's blocks and collects what it writes.

A `Part` is what scanning leaves of a piece of a capture: message rows, keys, and the account of frames.
Parts of adjacent pieces join with `+`, which is associative: scanning keeps nothing between frames, so
joining is concatenation, and whatever the split the result is the same.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass, field, replace
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

from capanalyze.buffers import longs
from capanalyze.capture import HASHED_LATER
from capanalyze.capture.records import CONTROL, DAMAGED, FULL, INTERFACE_FIELDS, MORE
from capanalyze.core import core
from capanalyze.packets import scan as loop
from capanalyze.packets.buckets import BUCKETS, Bucket, numbered
from capanalyze.packets.message import FRAME, KEY_COUNT, KEYS, MAX_WORDS, READINGS, WORDS
from capanalyze.packets.steps import FIRST_REASON, REASONS
from capanalyze.protocols import PROTOCOLS, port_table
from capanalyze.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capanalyze.capture import Capture

ROOM = 4096  # frames between marks, so that any is soon found again
MARKS = 2  # in a piece at most
BLOCK = 256 * 1024  # with the rows of what is in it, it stays in the cache of a core
SMALL_BLOCK = 64 * 1024  # of small captures
TUNNELS = max(core.TUNNELS.values()) + 1
ZEROS = {count: longs(count) for count in (REASONS, TUNNELS, loop.MAX_UNREAD * loop.UNREAD_FIELDS)}
MAX_NEIGHBOURS = 1 << 16
FURTHER = "further interfaces"  # longer than a frame's own name can be


class Message(NamedTuple):
    """One row, its fields by name (see `packets.message`)."""

    frame: int
    seconds: int
    nanos: int
    interface: int
    direction: int
    role: int
    module: int
    port: int
    src: int
    src_low: int
    dst: int
    dst_low: int
    sport: int
    dport: int
    payload: int
    captured: int
    size: int
    digest: int
    identification: int
    group: int
    ttl: int
    src_mac: int
    dst_mac: int
    sender: int
    sender_low: int
    fragmented: int
    tunnels: int
    protocol: int
    detail: int
    key_at: int
    key_count: int
    process: int
    readings: int
    tags: int
    signs: int


@dataclass
class Part:
    """What scanning leaves of one capture, or of a piece of it.

    `rows` holds WORDS numbers a message, `keys` the match keys that rows point at. `tally` counts frames
    by where their walk ended, `tunnels` those that were read inside of one, by kind. `unread` counts those of what is
    not read once more, by reason and number: the first MAX_UNREAD of these. Times are (seconds, nanoseconds), None
    without a frame that has one: the earliest, the latest, and that of the final frame, which is not the latest where
    the clock stepped back. `first_cut` is the first frame that is cut before its ports, 0 for none.
    """

    frames: int = 0
    rows: array[int] = field(default_factory=lambda: array("q"))
    keys: array[int] = field(default_factory=lambda: array("q"))
    tally: list[int] = field(default_factory=lambda: [0] * REASONS)
    tunnels: list[int] = field(default_factory=lambda: [0] * TUNNELS)
    unread: dict[tuple[int, int], int] = field(default_factory=dict)
    first: tuple[int, int] | None = None
    last: tuple[int, int] | None = None
    final: tuple[int, int] | None = None
    first_cut: int = 0

    def __len__(self) -> int:
        return len(self.rows) // WORDS

    def __add__(self, other: Part) -> Part:
        """This part and the one right behind it, as one."""
        rows, keys = self.rows, self.keys
        if other.rows:
            moved = array("q", other.rows)
            for base in range(0, len(moved), WORDS):
                moved[base + FRAME] += self.frames
                moved[base + KEYS] += len(keys)
            rows, keys = rows + moved, keys + other.keys
        return Part(
            frames=self.frames + other.frames,
            rows=rows,
            keys=keys,
            tally=list(map(add, self.tally, other.tally)),
            tunnels=list(map(add, self.tunnels, other.tunnels)),
            unread=joined(self.unread, other.unread) if other.unread else self.unread,
            first=min(self.first, other.first) if self.first and other.first else self.first or other.first,
            last=max(self.last, other.last) if self.last and other.last else self.last or other.last,
            final=other.final or self.final,
            first_cut=self.first_cut or (other.first_cut and self.frames + other.first_cut),
        )

    def messages(self) -> Iterator[Message]:
        """The messages, in file order."""
        rows = self.rows
        for base in range(0, len(rows), WORDS):
            yield Message._make(rows[base : base + WORDS])

    def keys_of(self, message: Message) -> array[int]:
        """The match keys of one of this part's messages."""
        return self.keys[message.key_at : message.key_at + message.key_count]

    def account(self) -> dict[str, int]:
        """Frames by what became of them, in words; adds up to `frames`."""
        return {bucket.words: count for bucket, count in self._buckets() if count}

    def hiding(self) -> dict[str, int]:
        """Those of the account that were not read and may hide a reply."""
        return {bucket.words: count for bucket, count in self._buckets() if count and bucket.hides}

    def carried(self) -> dict[str, int]:
        """Frames that were read inside of a tunnel, by its kind; a frame with several is counted in each."""
        return {name: self.tunnels[kind] for name, kind in core.TUNNELS.items() if self.tunnels[kind]}

    def _buckets(self) -> Iterator[tuple[Bucket, int]]:
        """All buckets, some of them empty. What is not read comes by number, the most frequent first, then the rest."""
        for reason, bucket in BUCKETS.items():
            known = {number: count for (why, number), count in self.unread.items() if why == reason}
            for number in sorted(known, key=lambda number: (-known[number], number)):
                yield numbered(reason, number), known[number]
            yield bucket, self.tally[reason - FIRST_REASON] - sum(known.values())


def joined(one: dict[tuple[int, int], int], other: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Counts of two pieces added up, as far as one piece would have had room for them."""
    keys = list(dict.fromkeys((*one, *other)))[: loop.MAX_UNREAD]
    return {key: one.get(key, 0) + other.get(key, 0) for key in keys}


@dataclass(slots=True)
class Rows:
    """Some messages: `count` rows, and the pool that their keys are in.

    The buffers serve anew afterwards. `part` is the account of all frames up to here, without messages;
    `interfaces` and `named` say how many of either the capture had by then. `goes_on` tells that further ones follow
    before what came of them is looked at.
    """

    rows: Any
    pool: Any
    count: int
    part: Part = field(default_factory=Part)
    interfaces: int = 0
    named: int = 0
    goes_on: bool = False

    @property
    def last(self) -> int:
        """The clock of the last one, once they are dated."""
        return core.clock_at(self.rows, self.count - 1)

    def bound(self, clock: int, start: int = 0) -> int:
        """The first of them from `start` on that is behind a clock, once they are dated and in order."""
        return core.bound(self.rows, start, self.count, clock)


class Piece:
    """Records that are scanned at once, and room for what is in them.

    Attributes:
        octets: what holds them, among others.
        start, stop: the state of the scan before the first, and where they end in `octets`.
        frames: how many they are.
        rows, pool: for their messages.
        shown: for senders that frames show on the link.
        state, tally, tunnels, unread: of the scan, see `packets.scan`.
        layout, table: how they are written, and the interfaces that were known by then.
        interfaces: how many of these there are.
        is_last: whether no further piece is of the same octets.
    """

    def __init__(self) -> None:
        self.start, self.state = longs(loop.STATE_FIELDS), longs(loop.STATE_FIELDS)
        self.rows, self.pool, self.shown = longs(0), longs(0), longs(0)
        self.tally, self.tunnels = longs(REASONS), longs(TUNNELS)
        self.unread = longs(loop.MAX_UNREAD * loop.UNREAD_FIELDS)
        self.octets: Any
        self.stop = self.frames = self.interfaces = 0
        self.layout: array[int]
        self.table: array[int]
        self.is_last = False

    def begin(self, state: array[int], capture: Capture, octets: Any) -> None:
        """Start where `state` stands."""
        self.start = array("q", state)
        self.octets = octets
        self.layout, self.table = array("q", capture.layout), capture.table
        self.interfaces = len(capture.interfaces)
        self.is_last = False

    def end(self, state: array[int]) -> None:
        """Stop before where `state` stands; nothing is counted yet."""
        self.stop, self.frames = state[loop.OFFSET], state[loop.FRAMES] - self.start[loop.FRAMES]
        self.reset({})

    def reset(self, unread: Iterable[tuple[int, int]]) -> None:
        """Begin anew; of what is not read, count these numbers first."""
        self.state[:] = self.start
        self.state[loop.FIRST_SECONDS], self.state[loop.LAST_SECONDS] = loop.LATEST + 1, loop.EARLIEST - 1
        for counts in (self.tally, self.tunnels, self.unread):
            counts[:] = ZEROS[len(counts)]
        for number, (reason, what) in enumerate(unread):
            self.unread[number * loop.UNREAD_FIELDS + loop.UNREAD_KEY] = reason * loop.UNREAD_UNIT + what

    def make_room(self) -> None:
        """Room for a message of each frame, or for more than there are, and for more keys than there are.

        Who still looks at the messages before these holds the buffers, so that more room is elsewhere.
        """
        room = max(self.frames, 2 * self.count) + core.MESSAGES_AT_ONCE
        if len(self.rows) < room * WORDS:
            self.rows = self.rows + longs(room * WORDS - len(self.rows))
        if len(self.pool) < self.state[loop.POOL] + MAX_WORDS:
            self.pool = self.pool + longs(len(self.pool) + 2 * self.frames + MAX_WORDS)
        if len(self.shown) < self.frames * loop.SHOWN_FIELDS:
            self.shown = longs(self.frames * loop.SHOWN_FIELDS)
        self.state[loop.SHOWN_ROOM] = len(self.shown) // loop.SHOWN_FIELDS
        self.state[loop.ROOM], self.state[loop.POOL_ROOM] = len(self.rows) // WORDS, len(self.pool)

    @property
    def count(self) -> int:
        """Messages."""
        return self.state[loop.COUNT]

    @property
    def may_have_more(self) -> bool:
        """Whether more is not read than numbers of it can be told apart."""
        return self.unread[-loop.UNREAD_FIELDS + loop.UNREAD_KEY] != 0

    def account(self) -> Part:
        """What was counted, without messages."""
        state = self.state
        part = Part(frames=self.frames, tally=self.tally.tolist(), tunnels=self.tunnels.tolist(), unread=self._unread())
        if state[loop.FIRST_CUT]:
            part.first_cut = state[loop.FIRST_CUT] - self.start[loop.FRAMES]
        if state[loop.FIRST_SECONDS] <= loop.LATEST:
            part.first = (state[loop.FIRST_SECONDS], state[loop.FIRST_NANOS])
            part.last = (state[loop.LAST_SECONDS], state[loop.LAST_NANOS])
            part.final = (state[loop.FINAL_SECONDS], state[loop.FINAL_NANOS])
        return part

    def _unread(self) -> dict[tuple[int, int], int]:
        """What is not read by reason and number, as far as there was room for it."""
        found = {}
        for at in range(0, len(self.unread), loop.UNREAD_FIELDS):
            key = self.unread[at + loop.UNREAD_KEY]
            if not key:
                break
            found[divmod(key, loop.UNREAD_UNIT)] = self.unread[at + loop.UNREAD_COUNT]
        return found


class Scanner:
    """The scan, ready to run over one capture.

    Its octets are read and stepped over in order, so that it is known where pieces begin and how many frames precede
    them. Pieces are scanned side by side; what is found comes in their order again.

    Args:
        capture: to be read from here to its end.
        threads: how many threads may work on it.

    Attributes:
        neighbours: the hosts that its frames showed on the link by then.
    """

    def __init__(self, capture: Capture, threads: int = 1) -> None:
        self.capture = capture
        self._state = longs(loop.STATE_FIELDS)
        self._state[loop.NG] = int(capture.is_pcapng)
        self._state[loop.BASE] = 0 if self._state[loop.NG] else 24
        self._size = min(BLOCK, max(capture.size, SMALL_BLOCK)) if capture.size else BLOCK
        self._octets, self._stop = bytearray(), 0
        self._ended = self._damaged = False
        self._free: deque[Piece] = deque()
        self._rooms: deque[bytearray] = deque()
        self._part = Part()
        self.neighbours = core.Neighbourhood(MAX_NEIGHBOURS)
        self._core = core.Scanner(port_table(), bytes(protocol.empty_asks for protocol in PROTOCOLS))
        self._naming: core.Naming | None = None
        self._notes: list[str] = []
        self._turns = Turns(self._take, self._scan, self._give_back, threads=threads, waits=not capture.size)

    def rows(self) -> Iterator[Rows]:
        """Scan the capture to its end; its messages as they come. The last ones, maybe none, have the whole account."""
        for piece in self._turns:
            self._count(piece)
            yield Rows(piece.rows, piece.pool, piece.count, self._part, piece.interfaces, len(self.capture.named))
        self._end()
        yield Rows(longs(0), longs(0), 0, self._part, len(self.capture.interfaces), len(self.capture.named))

    def run(self) -> Part:
        """Scan the capture to its end and keep all messages."""
        whole = Part()
        for piece in self.rows():
            shift = len(whole.keys)
            base = len(whole.rows)
            whole.rows.extend(piece.rows[: piece.count * WORDS])
            for at in range(base, len(whole.rows), WORDS):
                whole.rows[at + KEYS] += shift
            if piece.count:
                last = whole.rows[-WORDS:]
                whole.keys.extend(piece.pool[: last[KEYS] + last[KEY_COUNT] + last[READINGS] - shift])
            whole = replace(piece.part, rows=whole.rows, keys=whole.keys)
        return whole

    def close(self) -> None:
        """Scan no further."""
        self._turns.close()

    # -- In order, by whichever thread is at it --

    def _take(self) -> Piece | None:
        """The next records, all of one piece of octets and with no other blocks between them; None at the end."""
        piece = self._free.popleft() if self._free else Piece()
        while not self._ended:
            piece.begin(self._state, self.capture, self._octets)
            answer = self._skim()
            piece.end(self._state)
            if answer == CONTROL:
                answer = self._control()
            if answer == MORE:
                piece.is_last = True
                self._read()
            elif answer == DAMAGED:
                self._ended = self._damaged = True
            if piece.frames or (piece.is_last and piece.octets):
                return piece
        return None

    def _skim(self) -> int:
        """Step over the records of a piece: why it ends there."""
        state, capture = self._state, self.capture
        self._mark()
        for _ in range(MARKS):
            answer = core.skim(self._octets, state, capture.layout, capture.table, self._stop, ROOM)
            self._mark()
            if answer != FULL:
                break
        return answer

    def _control(self) -> int:
        """Take in the blocks here that are no frames: what comes of it."""
        behind = self.capture.control(self._octets, self._state[loop.OFFSET], self._stop)
        if behind < 0:
            return DAMAGED
        if behind == self._state[loop.OFFSET]:
            return MORE
        self._state[loop.OFFSET] = behind
        return CONTROL

    def _read(self) -> None:
        """Read on; what is left of the octets at hand stands before the next ones."""
        state = self._state
        left = self._octets[state[loop.OFFSET] : self._stop]
        self._octets = self._rooms.popleft() if len(self._rooms) > HASHED_LATER else bytearray(self._size)
        if len(left) > len(self._octets) // 2:
            self._octets = bytearray(4 * len(left))
        self._octets[: len(left)] = left
        count = self.capture.read_into(memoryview(self._octets)[len(left) :])
        self._stop = len(left) + count
        state[loop.BASE] += state[loop.OFFSET]
        state[loop.OFFSET] = 0
        self._ended = not count

    def _mark(self) -> None:
        """Note where the next record begins."""
        state = self._state
        self.capture.marks.add(state[loop.FRAMES], state[loop.BASE] + state[loop.OFFSET], self.capture.layout)

    # -- Side by side --

    def _scan(self, piece: Piece) -> None:
        """Turn the records of a piece into messages."""
        answer = FULL
        while answer == FULL:
            piece.make_room()
            answer = self._core.scan(
                piece.octets,
                piece.state,
                piece.layout,
                piece.table,
                messages=piece.rows,
                pool=piece.pool,
                tally=piece.tally,
                tunnels=piece.tunnels,
                unread=piece.unread,
                shown=piece.shown,
                stop=piece.stop,
            )

    # -- In order again, by who reads the rows --

    def _count(self, piece: Piece) -> None:
        """Add a piece to the account, and give its messages their interfaces where only frames name these."""
        if piece.may_have_more:  # which numbers are told apart is decided by all pieces before
            piece.reset(self._part.unread)
            self._scan(piece)
        self._part += piece.account()
        self.neighbours.take(piece.shown, piece.state[loop.SHOWN])
        if piece.state[loop.NAMED]:
            self._naming = self._naming or core.Naming()
            self._naming.name(piece.octets, piece.state[loop.BASE], piece.rows, piece.count, self._index_of)

    def _give_back(self, piece: Piece) -> None:
        """All is done with a piece."""
        if piece.is_last:
            self._rooms.append(piece.octets)
        self._free.append(piece)

    def _index_of(self, name: bytes | int | None) -> int:
        """The index of an interface that frames call so, or give this number; None is all further ones."""
        if name is None:
            self._notes.append(f"frames name more than {core.MAX_NAMES:,} interfaces: the rest count as one")
            return self.capture.named_interface(FURTHER)
        return self.capture.named_interface(f"if{name}" if isinstance(name, int) else name.decode("ascii", "replace"))

    def _end(self) -> None:
        state = self._state
        self.capture.notes += self._notes
        where = f"at octet {state[loop.BASE] + state[loop.OFFSET]}, behind frame {state[loop.FRAMES]}"
        if self._damaged:
            self.capture.notes.append(f"cut: no record can be read {where}; the rest was left out")
        elif self._stop > state[loop.OFFSET]:
            self.capture.notes.append(f"cut: the capture ends inside the record {where}")
        if state[loop.NG]:
            self.capture.check_links()
            self.capture.note_clocks()
        for index, interface in enumerate(self.capture.interfaces):
            interface.frames = self.capture.table[index * INTERFACE_FIELDS + loop.FRAME_COUNT]


def read_messages(capture: Capture) -> Part:
    """Scan a whole capture."""
    return Scanner(capture).run()
