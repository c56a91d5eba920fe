"""What the dpkt reference says of the exchanges that a report shows. It never decides, and never fails a report."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.again import read_again
from capanalyze.capture.records import NO_TIME
from capanalyze.model import Reference
from capanalyze.packets.message import OUTBOUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from capanalyze import reference
    from capanalyze.again import Frame
    from capanalyze.audit import Audit
    from capanalyze.model import Announcement, Evidence, Exchange, Finding, Outcome
    from capanalyze.reading import Reading

# What is told of a silent request from the rest of its capture; the reference looks at one exchange.
OF_THE_CAPTURE = ("the capture ended", "frames are cut", "too many requests were open at a time")
CHUNK = 65536  # frames that are held at a time


class Claim(NamedTuple):
    """An exchange that a report shows; service and outcome are None where these are not told of it alone."""

    capture: str
    service: str | None
    client: str
    server: str
    requests: list[int]
    replies: list[int]
    reply_capture: str | None
    outcome: str | None

    def keys(self) -> tuple[list[reference.Key], list[reference.Key]]:
        """Its frames."""
        return [(self.capture, one) for one in self.requests], [
            (self.reply_capture or self.capture, one) for one in self.replies
        ]


class Confirmation(NamedTuple):
    """How many exchanges the reference finds too, of how many that it reads; the others; frames not read, and why."""

    confirmed: int
    of: int
    differences: list[str]
    unread: dict[str, int]


def confirm_evidence(
    readings: Sequence[Reading],
    frames: Mapping[str, Mapping[int, Frame]],
    findings: Sequence[Finding],
    announcements: Sequence[Announcement],
) -> Reference | None:
    """Pair the frames of the evidence once more; None where no exchange is whole in it."""
    shown = {(repr(one), service): (one, service, outcome) for one, service, outcome in _shown(findings, announcements)}
    claims = [Claim(*_places(one, service), outcome) for one, service, outcome in shown.values()]
    try:
        kept = [
            frame_of(reading, frame)
            for reading in readings
            for _, frame in sorted(frames.get(reading.file.name, {}).items())
            if frame.interface >= 0
        ]
        said = confirm(kept, claims)
    except Exception as error:  # noqa: BLE001 - whatever happens, the report stands
        return Reference(confirmed=0, of=0, differences=[], note=f"could not be asked ({type(error).__name__})")
    return told(said) if said.of or said.unread else None


def verify(audit: Audit) -> Reference:
    """Pair all frames of all captures once more, in plain Python: slow, and all of it in memory.

    Raises:
        CaptureError: a capture cannot be read.
    """
    from capanalyze.hosts import hosts_or_one

    return told(joined([said for host in hosts_or_one(audit) for said in _compared(host.audit)]), whole=True)


def _compared(audit: Audit) -> list[Confirmation]:
    """What the reference says of all exchanges of one host, for each of the captures that are paired together."""
    from capanalyze.flow import find_exchanges
    from capanalyze.stream import Stream, together

    claims = [
        Claim(*_places(one, one.service), "silent" if one.reason in OF_THE_CAPTURE else one.outcome)
        for one in (pair.exchange for pair in find_exchanges(audit))
    ]
    with Stream(audit) as stream:
        for _ in stream.batches():
            pass
        return [
            compare(
                [
                    frame
                    for reading in stream.readings
                    if reading.file.name in names
                    for frame in frames_of(reading)
                    if _is_asked_for(audit, frame.time)
                ],
                [claim for claim in claims if claim.capture in names],
            )
            for names in together(audit.captures)
        ]


def told(said: Confirmation, *, whole: bool = False) -> Reference:
    """As the report keeps it."""
    return Reference(
        confirmed=said.confirmed,
        of=said.of,
        differences=said.differences,
        unread=sum(said.unread.values()),
        unread_because=said.unread,
        whole=whole,
    )


def _is_asked_for(audit: Audit, time: int | None) -> bool:
    """Whether a frame lies in the time that is asked for; without a time of its own only where all of it is."""
    if audit.since is None and audit.until is None:
        return True
    return (
        time is not None
        and (audit.since is None or audit.since <= time)
        and (audit.until is None or time < audit.until)
    )


def _shown(
    findings: Sequence[Finding], announcements: Sequence[Announcement]
) -> Iterator[tuple[Evidence, str, Outcome | None]]:
    """The exchanges that a report points to, with their services, and their outcomes where these are told."""
    for found in findings:
        for change in found.changes:
            yield change.last_before, found.service, change.before
            yield change.first_after, found.service, change.after
        for one in found.shown():
            yield one, found.service, None
    for unasked in announcements:
        for message in (unasked.first, unasked.last):
            if message is not None:
                yield message, unasked.service, "unsolicited"


def _places(
    one: Evidence | Exchange, service: str
) -> tuple[str, str | None, str, str, list[int], list[int], str | None]:
    """What a claim begins with. Further ports together have no name that the reference knows."""
    port = service.partition("/")[2]
    known = service if not port or port.isdecimal() else None
    return one.capture, known, one.client, one.server, one.requests, one.replies, one.reply_capture


def confirm(frames: Sequence[reference.Frame], claims: Sequence[Claim]) -> Confirmation:
    """Pair the frames of these exchanges alone; an exchange whose frames are not all at hand is left out."""
    at_hand = {frame.key for frame in frames}
    groups: dict[frozenset[str], list[Claim]] = {}
    for claim in claims:
        if at_hand.issuperset(claim.keys()[0] + claim.keys()[1]):
            groups.setdefault(frozenset({claim.capture, claim.reply_capture or claim.capture}), []).append(claim)
    said = []
    for group in groups.values():
        wanted = {key for claim in group for key in claim.keys()[0] + claim.keys()[1]}
        said.append(compare([frame for frame in frames if frame.key in wanted], group))
    return joined(said)


def joined(said: Sequence[Confirmation]) -> Confirmation:
    """Several confirmations as one."""
    return Confirmation(
        sum(one.confirmed for one in said),
        sum(one.of for one in said),
        [words for one in said for words in one.differences],
        dict(sum((Counter(one.unread) for one in said), Counter())),
    )


def compare(frames: Iterable[reference.Frame], claims: Sequence[Claim]) -> Confirmation:
    """Pair frames, and look for these exchanges among the result; one with a frame that is not read is left out."""
    from capanalyze.reference import pair

    paired = pair(frames)
    by_frame: dict[reference.Key, list[reference.Exchange]] = {}
    for one in paired.exchanges:
        for key in one.requests + one.replies:
            by_frame.setdefault(key, []).append(one)
    claimed = {key for claim in claims for key in claim.keys()[0] + claim.keys()[1]}
    read = [claim for claim in claims if paired.unread.keys().isdisjoint(claim.keys()[0] + claim.keys()[1])]
    differences = []
    for claim in read:
        found = [one for key in claim.keys()[0] + claim.keys()[1] for one in by_frame.get(key, ())]
        if not any(is_same(one, claim) for one in found) and not is_translated(found, claim):
            others = ", ".join(dict.fromkeys(map(words, found))) or "nothing"
            differences.append(f"{claim.capture}: {words(claim)}; dpkt reference: {others}")
    confirmed = len(read) - len(differences)
    unclaimed = [one for one in paired.exchanges if claimed.isdisjoint(one.requests + one.replies)]
    differences += [f"{(one.requests + one.replies)[0][0]}: dpkt reference alone: {words(one)}" for one in unclaimed]
    unread = Counter(why for key, why in sorted(paired.unread.items()) if key in claimed)
    return Confirmation(confirmed, len(read), differences, dict(unread))


def is_same(one: reference.Exchange, claim: Claim) -> bool:
    """Whether both say the same."""
    is_named = claim.service in (None, one.service) and claim.outcome in (None, one.outcome)
    return is_named and ((one.requests, one.replies), str(one.client), str(one.server)) == (claim.keys(), *claim[2:4])


def is_translated(found: Sequence[reference.Exchange], claim: Claim) -> bool:
    """Whether the reference finds the same on both sides of a translation, which are exchanges of their own to it.

    One of them is between the claim's hosts and has its outcome; the others are between one of these and another one,
    and no frame of any is another's or beyond the claim.
    """
    frames = [key for one in {id(one): one for one in found}.values() for key in one.requests + one.replies]
    sides = {(str(one.client), str(one.server)): one for one in found}
    side = sides.pop((claim.client, claim.server), None)
    if side is None or not sides or sorted(frames) != sorted(claim.keys()[0] + claim.keys()[1]):
        return False
    is_beside = all((claim.client == client) != (claim.server == server) for client, server in sides)
    return is_beside and claim.service in (None, side.service) and claim.outcome in (None, side.outcome)


def words(one: reference.Exchange | Claim) -> str:
    """An exchange in short: service, frames of requests and replies, outcome."""
    frames = [[key if isinstance(key, int) else key[1] for key in keys] for keys in (one.requests, one.replies)]
    asked, back = (",".join(map(str, numbers)) or "-" for numbers in frames)
    return f"{one.service or 'exchange'} {asked} > {back}{f' ({one.outcome})' if one.outcome else ''}"


def frame_of(reading: Reading, frame: Frame) -> reference.Frame:
    """A frame of a capture as the reference takes it."""
    from capanalyze import reference

    time = frame.seconds * 1_000_000_000 + frame.nanos if frame.seconds < NO_TIME else None
    label = reading.label(frame.interface, len(reading.capture.interfaces), len(reading.capture.named))
    link_type = reading.capture.interfaces[frame.interface].link_type
    key = reading.file.name, frame.number
    return reference.Frame(key, time, label, link_type, frame.octets, frame.direction == OUTBOUND)


def frames_of(reading: Reading) -> Iterator[reference.Frame]:
    """All frames of a capture that was read to its end, by the interfaces that are asked for."""
    for start in count(1, CHUNK):
        _, found = read_again(reading.capture, (), range(start, start + CHUNK))
        if not found:
            break
        for _, frame in sorted(found.items()):
            if frame.interface >= 0 and frame.interface in (reading.file.interfaces or (frame.interface,)):
                yield frame_of(reading, frame)
