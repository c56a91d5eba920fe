"""The messages of a capture: drives the core's scan over the capture's blocks and collects what it writes.

A `Part` is what scanning leaves of a piece of a capture: message rows, keys, and the account of frames.
Parts of adjacent pieces join with `+`, which is associative: scanning keeps nothing between frames, so
joining is concatenation, and whatever the split the result is the same.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

from capanalyze.buffers import longs
from capanalyze.capture.records import CONTROL, DAMAGED, INTERFACE_FIELDS, MORE
from capanalyze.core import core
from capanalyze.gear import Gear
from capanalyze.packets import naming
from capanalyze.packets import scan as loop
from capanalyze.packets.buckets import BUCKETS, Bucket, numbered
from capanalyze.packets.message import FRAME, INTERFACE, KEY_COUNT, KEYS, MAX_WORDS, PROCESS, WORDS
from capanalyze.packets.steps import FIRST_REASON, REASONS
from capanalyze.protocols import PROTOCOLS, port_table

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from capanalyze.capture import Capture

ROOM = 4096  # rows taken from the scan at a time
POOL_ROOM = 4 * ROOM + MAX_WORDS
PLAIN_BLOCK = 256 * 1024
COMPILED_BLOCK = 1024 * 1024
TUNNELS = max(core.TUNNELS.values()) + 1
BUFFERS = 3  # of that size: one is scanned while another is hashed


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


@dataclass
class Part:
    """What scanning leaves of one capture, or of a piece of it.

    `rows` holds WORDS numbers a message, `keys` the match keys that rows point at. `tally` counts frames
    by where their walk ended, `tunnels` those that were read inside of one, by kind. `unread` counts those of what is
    not read once more, by reason and number: the first MAX_UNREAD of these. Times are (seconds, nanoseconds), None
    without a frame that has one: the earliest, the latest, and that of the final frame, which is not the latest where
    the clock stepped back.
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

    def __len__(self) -> int:
        return len(self.rows) // WORDS

    def __add__(self, other: Part) -> Part:
        """This part and the one right behind it, as one."""
        rows = array("q", self.rows)
        moved = array("q", other.rows)
        for base in range(0, len(moved), WORDS):
            moved[base + FRAME] += self.frames
            moved[base + KEYS] += len(self.keys)
        firsts = [time for time in (self.first, other.first) if time]
        lasts = [time for time in (self.last, other.last) if time]
        return Part(
            frames=self.frames + other.frames,
            rows=rows + moved,
            keys=self.keys + other.keys,
            tally=[a + b for a, b in zip(self.tally, other.tally, strict=True)],
            tunnels=[a + b for a, b in zip(self.tunnels, other.tunnels, strict=True)],
            unread=joined(self.unread, other.unread),
            first=min(firsts, default=None),
            last=max(lasts, default=None),
            final=other.final or self.final,
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


@dataclass(frozen=True, slots=True)
class Rows:
    """Some messages: `count` rows, and the pool that their keys are in.

    The buffers serve anew afterwards. `part` is the account of all frames up to here, without messages;
    `interfaces` and `named` say how many of either the capture had by then.
    """

    rows: Any
    pool: Any
    count: int
    part: Part = field(default_factory=Part)
    interfaces: int = 0
    named: int = 0


class Scanner:
    """The scan, ready to run over one capture: its state, its tables, the room it writes to.

    Args:
        capture: to be read from here to its end.
        gear: plain or compiled.
    """

    def __init__(self, capture: Capture, gear: Gear) -> None:
        self.capture = capture
        self._gear = gear
        self._state = longs(loop.STATE_FIELDS)
        self._state[loop.NG] = int(capture.format.startswith("pcapng"))
        self._state[loop.FIRST_SECONDS] = loop.LATEST + 1
        self._state[loop.LAST_SECONDS] = loop.EARLIEST - 1
        self._state[loop.BASE] = 0 if self._state[loop.NG] else 24
        self._state[loop.ROOM], self._state[loop.POOL_ROOM] = ROOM, POOL_ROOM
        self._rows, self._pool = longs(ROOM * WORDS), longs(POOL_ROOM)
        self._tally = longs(REASONS)
        self._tunnels = longs(TUNNELS)
        self._unreads = longs(loop.MAX_UNREAD * loop.UNREAD_FIELDS)
        self._core = core.Scanner(port_table(), bytes(protocol.empty_asks for protocol in PROTOCOLS))
        self._names = longs(naming.MAX_NAMES * naming.NAME)
        self._naming = longs(naming.STATE_FIELDS)

    def rows(self) -> Iterator[Rows]:
        """Scan the capture to its end; its messages as they come. The last ones, maybe none, have the whole account."""
        damaged = False
        left = 0
        self._mark()
        for block in blocks(self.capture, self._gear, self._state):
            self._state[loop.BASE] += self._state[loop.OFFSET]
            self._state[loop.OFFSET] = 0
            damaged = yield from self._scan_all(block)
            left = block.stop - self._state[loop.OFFSET]
            if damaged:
                break
        self._end(left, damaged=damaged)
        yield self._piece()

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
                whole.keys.extend(piece.pool[: whole.rows[-WORDS + KEYS] + whole.rows[-WORDS + KEY_COUNT] - shift])
            whole = replace(piece.part, rows=whole.rows, keys=whole.keys)
        return whole

    def _scan_all(self, block: Block) -> Generator[Rows, None, bool]:
        """Scan what is at hand; True where it cannot be read further."""
        state, capture = self._state, self.capture
        while True:
            answer = self._core.scan(
                block.octets,
                state,
                capture.layout,
                capture.table,
                messages=self._rows,
                pool=self._pool,
                tally=self._tally,
                tunnels=self._tunnels,
                unread=self._unreads,
                stop=block.stop,
            )
            self._mark()
            if state[loop.NAMED]:
                self._name(block.octets)
            if state[loop.COUNT]:
                yield self._piece()
                state[loop.COUNT] = state[loop.POOL] = 0
            if answer == MORE:
                return False
            if answer == DAMAGED:
                return True
            if answer == CONTROL:
                behind = capture.control(block.octets, state[loop.OFFSET], block.stop)
                if behind < 0:
                    return True
                if behind == state[loop.OFFSET]:
                    return False
                state[loop.OFFSET] = behind
                self._mark()

    def _mark(self) -> None:
        """Note where the next record begins."""
        state = self._state
        self.capture.marks.add(state[loop.FRAMES], state[loop.BASE] + state[loop.OFFSET], self.capture.layout)

    def _piece(self) -> Rows:
        """What was written, and what was counted by now."""
        counts = len(self.capture.interfaces), len(self.capture.named)
        return Rows(self._rows, self._pool, self._state[loop.COUNT], self._account(), *counts)

    def _name(self, octets: Any) -> None:
        """Give the rows the index of the interface that their frames name themselves."""
        state = self._naming
        state[naming.BASE] = self._state[loop.BASE]
        buffers = (octets, self._rows, state, self._names)
        done, count = 0, self._state[loop.COUNT]
        while (done := self._gear(naming.name)(buffers, done, count)) < count:
            self._learn(octets, done * WORDS)
        self._state[loop.NAMED] = 0

    def _learn(self, octets: Any, m: int) -> None:
        """Remember the name of a row's interface; where there are too many, the first ones are forgotten."""
        number = self._rows[m + INTERFACE]
        if number <= -2:
            words, name = [-2 - number, -1, 0], f"if{-2 - number}"
        else:
            at = naming.name_at(octets, self._rows[m + PROCESS] - self._state[loop.BASE])
            raw = bytes(octets[at : at + naming.LENGTH]).split(b"\0")[0]
            words = [naming.word(octets, at, at + len(raw), skip) for skip in (0, 7, 14)]
            name = raw.decode("ascii", "replace")
        index = self.capture.named_interface(name)
        place = len(self.capture.named) % naming.MAX_NAMES if self._naming[naming.KNOWN] == naming.MAX_NAMES else -1
        if place < 0:
            place = self._naming[naming.KNOWN]
            self._naming[naming.KNOWN] += 1
        self._names[place * naming.NAME : (place + 1) * naming.NAME] = array("q", [*words, index])

    def _account(self) -> Part:
        """What was counted by now."""
        state = self._state
        part = Part(
            frames=state[loop.FRAMES], tally=list(self._tally), tunnels=list(self._tunnels), unread=self._unread()
        )
        if state[loop.FIRST_SECONDS] <= loop.LATEST:
            part.first = (state[loop.FIRST_SECONDS], state[loop.FIRST_NANOS])
            part.last = (state[loop.LAST_SECONDS], state[loop.LAST_NANOS])
            part.final = (state[loop.FINAL_SECONDS], state[loop.FINAL_NANOS])
        return part

    def _unread(self) -> dict[tuple[int, int], int]:
        """What is not read by reason and number, as far as there was room for it."""
        found = {}
        for at in range(0, len(self._unreads), loop.UNREAD_FIELDS):
            key = self._unreads[at + loop.UNREAD_KEY]
            if not key:
                break
            found[divmod(key, loop.UNREAD_UNIT)] = self._unreads[at + loop.UNREAD_COUNT]
        return found

    def _end(self, left: int, *, damaged: bool) -> None:
        state = self._state
        where = f"at octet {state[loop.BASE] + state[loop.OFFSET]}, behind frame {state[loop.FRAMES]}"
        if damaged:
            self.capture.notes.append(f"cut: no record can be read {where}; the rest was left out")
        elif left:
            self.capture.notes.append(f"cut: the capture ends inside the record {where}")
        if state[loop.NG]:
            self.capture.check_links()
            self.capture.note_clocks()
        for index, interface in enumerate(self.capture.interfaces):
            interface.frames = self.capture.table[index * INTERFACE_FIELDS + loop.FRAME_COUNT]


class Block(NamedTuple):
    """Octets of a capture: those before `stop`."""

    octets: Any
    stop: int


def blocks(capture: Capture, gear: Gear, state: Any) -> Iterator[Block]:
    """A capture block by block; what the scan left of one stands before the next. The last has nothing new."""
    octets: Any = b""
    stop = 0
    turns = None
    while True:
        left = memoryview(octets)[state[loop.OFFSET] : stop]
        if gear.compiled:
            turns = turns or cycle([bytearray(COMPILED_BLOCK) for _ in range(BUFFERS)])
            buffer = next(turns)
            if len(left) > len(buffer) // 2:
                buffer = bytearray(4 * len(left))
            buffer[: len(left)] = left
            count = capture.read_into(memoryview(buffer)[len(left) :])
            octets, stop = buffer, len(left) + count
        else:
            block = capture.read(PLAIN_BLOCK)
            count = len(block)
            octets = bytes(left) + block
            stop = len(octets)
        gear.read(count)
        yield Block(octets, stop)
        if not count:
            return


def read_messages(capture: Capture, *, compiled: bool | None = None) -> Part:
    """Scan a whole capture. `compiled` None: compiled where the file is large enough to repay it."""
    return Scanner(capture, Gear(capture.size, compiled=compiled)).run()
