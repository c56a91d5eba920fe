"""Some frames of a capture, to the octet: by their numbers, or those of an exchange.

The capture is read once to find them; they alone go to tshark, in a file of their own. What that says of other
frames is said by the numbers that these have in the capture.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from capanalyze.again import read_again
from capanalyze.analysis import disclosures_of
from capanalyze.capture import MAX_COPY
from capanalyze.capture.records import NOT_A_PACKET
from capanalyze.depth import dissect
from capanalyze.errors import AuditError
from capanalyze.exchanges.batch import chosen, exchange_of
from capanalyze.exhibits import Packing, display_filter, name_of, time_of
from capanalyze.findings import utc
from capanalyze.flow import Flow
from capanalyze.model import Dissected, DissectedFrame, Dissection, Field
from capanalyze.packets.link_names import link_name
from capanalyze.progress import progress
from capanalyze.reading import open_reading
from capanalyze.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.again import Frame
    from capanalyze.audit import Audit
    from capanalyze.model import Exchange, Target
    from capanalyze.reading import Reading

MOST = 1000  # frames at a time


class Answer(NamedTuple):
    """What was asked for: frames, exchanges by their numbers; what is missing, a line each; the target."""

    dissected: Dissected
    exchanges: dict[int, Exchange]
    notes: list[str]
    target: Target | None = None


def wanted_frames(texts: Iterable[str]) -> list[int]:
    """The frames that some texts name, ascending: `12`, `12,14`, `12-15`.

    Raises:
        AuditError: one names none, or they are too many.
    """
    found: set[int] = set()
    for text in texts:
        for part in text.split(","):
            match = re.fullmatch(r"\s*([0-9]{1,18})\s*(?:-\s*([0-9]{1,18})\s*)?", part)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if not 0 < first <= last:
                raise AuditError(f"--frame: is {text!r}, expected numbers from 1 such as 12, 12,14 or 12-15")
            if last - first >= MOST:
                raise AuditError(_too_many("--frame", last - first + 1))
            found.update(range(first, last + 1))
    if len(found) > MOST:
        raise AuditError(_too_many("--frame", len(found)))
    return sorted(found)


def _too_many(asked: str, count: int) -> str:
    return f"{asked}: asks for {count:,} frames, at most {MOST:,} are dissected at a time"


def dissect_frames(audit: Audit, wanted: Sequence[int], *, identify: bool, quiet: bool = True) -> Answer:
    """Frames by their numbers.

    Args:
        audit: names one capture.
        wanted: the numbers, ascending, from 1.
        identify: whether its SHA-256 is shown, for which a file is read to its end.
        quiet: show no progress.

    Raises:
        CaptureError: the capture cannot be read.
        AuditError: it has no such frame.
    """
    identify = identify and audit.hashed
    reading = open_reading(audit.captures[0], hashed=identify, threads=audit.threads)
    capture = reading.capture
    try:
        with progress(lambda: capture.octets_read, capture.size or None, quiet=quiet):
            _read_to(reading, wanted[-1])
            if identify and capture.path and not reading.sha256:
                reading.sha256, _ = capture.finish()
        return _answer(reading, wanted, sha256=reading.sha256 if capture.path else None)
    finally:
        reading.close()


def _read_to(reading: Reading, last: int) -> None:
    """Read a capture until so many frames were met."""
    count = known = 0
    for rows in reading.rows():
        # What interfaces are called is told as they are met, however far is read at a time.
        for number in range(known, rows.interfaces):
            reading.label(number, rows.interfaces, rows.named)
        count, known = rows.part.frames, rows.interfaces
        if count >= last:
            return
    raise AuditError(f"{reading.file.name}: there is no frame {last}: {_counted(count, 'frame')}")


def dissect_exchanges(audit: Audit, wanted: Sequence[int], *, quiet: bool = True) -> Answer:
    """The frames of exchanges, by the order in which `capanalyze exchanges` lists these.

    Args:
        audit: names one capture.
        wanted: numbers of exchanges, from 1.
        quiet: show no progress.

    Raises:
        CaptureError: the capture cannot be read.
        AuditError: it has no such exchange, or they have too many frames.
    """
    with Stream(audit) as stream:
        with progress(stream.octets_read, stream.total, quiet=quiet):
            found, target = _exchanges(stream, set(wanted))
        (reading,) = stream.readings
        frames = {frame for one in found.values() for frame in (*one.requests, *one.replies)}
        if len(frames) > MOST:
            raise AuditError(_too_many("--exchange", len(frames)))
        return _answer(reading, sorted(frames), found, sha256=reading.sha256)._replace(target=target)


def _exchanges(stream: Stream, wanted: set[int]) -> tuple[dict[int, Exchange], Target]:
    """Some exchanges by their numbers, with what their replies disclosed; and the target of their verdicts."""
    flow = Flow(stream, needs_target=False)
    kept = []
    count = 0
    for batch in flow.in_order():
        here = (number - count - 1 for number in sorted(wanted))
        kept.append(chosen([batch], ((0, place) for place in here if 0 <= place < batch.count)))
        count += batch.count
    if missing := [number for number in wanted if number > count]:
        name = stream.audit.captures[0].name
        raise AuditError(f"{name}: there is no exchange {min(missing)}: {_counted(count, 'exchange')}")
    rows = chosen(kept, ((which, number) for which, batch in enumerate(kept) for number in range(batch.count)))
    found = {}
    for place, (number, told) in enumerate(zip(sorted(wanted), disclosures_of(rows, flow.names, stream), strict=True)):
        found[number] = exchange_of(rows, place, flow.names)
        found[number].disclosures = told
    return found, flow.target_in_the_end()


def _counted(count: int, word: str) -> str:
    """How many there are: `the capture has 12 frames`."""
    return f"the capture has {count or 'no'} {word}{'s' if count != 1 else ''}"


# -- What tshark is given, and what it says -----------------------------------------------------------


def _answer(
    reading: Reading, wanted: Sequence[int], exchanges: dict[int, Exchange] | None = None, *, sha256: str | None
) -> Answer:
    """Some frames of a capture that was read as far as them."""
    _, frames = read_again(reading.capture, (), wanted)
    kept = "" if reading.capture.path else f": of standard input the first {MAX_COPY >> 20} MiB are kept"
    notes = [note for number in wanted if (note := _trouble(number, frames.get(number), kept))]
    shown = [frames[number] for number in wanted if number in frames and frames[number].interface >= 0]
    packing = Packing()
    for frame in shown:
        packing.add(reading, frame, f"{reading.file.name}, frame {frame.number}")
    opinion = dissect(packing.octets(), len(shown))
    numbers = [frame.number for frame in shown]
    said = {number: renumbered(one, numbers) for number, one in opinion.dissections.items()}
    notes += [opinion.trouble] if opinion.trouble else []
    dissected = Dissected(
        capture=reading.file.name,
        sha256=sha256,
        tshark=opinion.tshark,
        note="; ".join(notes) or None,
        filter=display_filter(numbers),
        frames=[_frame(reading, frame, said.get(place)) for place, frame in enumerate(shown, 1)],
    )
    return Answer(dissected, exchanges or {}, notes)


def _trouble(number: int, frame: Frame | None, kept: str) -> str | None:
    """Why a frame is not shown; `kept` is what is known of the capture."""
    if frame is None:
        return f"frame {number} could not be read again{kept}"
    if frame.interface == NOT_A_PACKET:
        return f"frame {number} is a block without a packet"
    return f"frame {number} came by an interface that the capture does not describe" if frame.interface < 0 else None


def _frame(reading: Reading, frame: Frame, said: Dissection | None) -> DissectedFrame:
    said = said or Dissection(protocols=[], layers=[])
    return DissectedFrame(
        frame=frame.number,
        time=utc(time_of(frame)),
        interface=name_of(reading, frame.interface),
        link_type=link_name(reading.capture.interfaces[frame.interface].link_type),
        captured=len(frame.octets),
        octets=frame.size,
        hex=frame.octets.hex(),
        protocols=said.protocols,
        layers=said.layers,
        experts=said.experts,
    )


# Names of fields that number another frame, and are worked out: `dns.response_to`, `tcp.analysis.acks_frame`; those
# that are put to octets which they do not stand in.
ANOTHER = re.compile(r"(frame|[._-](in|to|for)|original|request|duplicate|dup)$")
HANDLES = ("dcerpc.nt.open_frame", "dcerpc.nt.close_frame")
# Fields that say what a datagram was put together from, by frame; and how they begin and list them (Wireshark's
# epan/reassemble.c).
PIECES = re.compile(r"(fragments?|segments?)$")
PIECE = re.compile(r"(?<=^Frame: )[0-9]+|(?<=#)[0-9]+(?=\()")


def renumbered(said: Dissection, numbers: Sequence[int]) -> Dissection:
    """A dissection with the `numbers` that frames have in their capture, for those from 1 that tshark met them by."""
    return replace(said, layers=[_renumbered(line, numbers) for line in said.layers])


def _renumbered(line: Field, numbers: Sequence[int]) -> Field:
    shown, value = line.shown, line.value
    if PIECES.search(line.name):
        shown = PIECE.sub(lambda found: _number(found[0], numbers), shown)
        value = _number(value, numbers)
    elif (line.name in HANDLES or (not line.size and ANOTHER.search(line.name))) and shown.endswith(f": {value}"):
        value = _number(value, numbers)
        shown = shown.removesuffix(line.value) + value
    return replace(line, shown=shown, value=value, fields=[_renumbered(one, numbers) for one in line.fields])


def _number(text: str, numbers: Sequence[int]) -> str:
    """The number of a frame in its capture; what numbers none of them stays as it is."""
    place = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return str(numbers[place - 1]) if 0 < place <= len(numbers) else text
