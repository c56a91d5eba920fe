"""What the dpkt reference says of the exchanges that a report shows. It never decides, and never fails a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.model import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from capanalyze import reference
    from capanalyze.again import Frame
    from capanalyze.audit import Audit
    from capanalyze.model import Announcement, Evidence, Exchange, Finding, Outcome
    from capanalyze.reading import Reading

# What is told of a silent request from the rest of its capture; the reference looks at one exchange.
OF_THE_CAPTURE = ("the capture ended", "frames are cut", "too many requests were open at a time")


def confirm_evidence(
    readings: Sequence[Reading],
    frames: Mapping[str, Mapping[int, Frame]],
    findings: Sequence[Finding],
    announcements: Sequence[Announcement],
) -> Reference | None:
    """Pair the frames of the evidence once more; None where no exchange is whole in it."""
    from capanalyze import reference

    shown = {(repr(one), service): (one, service, outcome) for one, service, outcome in _shown(findings, announcements)}
    claims = [reference.Claim(*_places(one, service), outcome) for one, service, outcome in shown.values()]
    try:
        kept = [
            reference.frame_of(reading, frame)
            for reading in readings
            for _, frame in sorted(frames.get(reading.file.name, {}).items())
            if frame.interface >= 0
        ]
        said = reference.confirm(kept, claims)
    except Exception as error:  # noqa: BLE001 - whatever happens, the report stands
        return Reference(confirmed=0, of=0, differences=[], note=f"could not be asked ({type(error).__name__})")
    return told(said) if said.of or said.unread else None


def verify(audit: Audit) -> Reference:
    """Pair all frames of all captures once more, in plain Python: slow, and all of it in memory.

    Raises:
        CaptureError: a capture cannot be read.
    """
    from capanalyze import reference
    from capanalyze.analysis import find_exchanges
    from capanalyze.stream import Stream, together

    claims = [
        reference.Claim(*_places(one, one.service), "silent" if one.reason in OF_THE_CAPTURE else one.outcome)
        for one in (pair.exchange for pair in find_exchanges(audit))
    ]
    with Stream(audit) as stream:
        for _ in stream.batches():
            pass
        said = [
            reference.compare(
                [
                    frame
                    for reading in stream.readings
                    if reading.file.name in names
                    for frame in reference.frames_of(reading)
                    if _is_asked_for(audit, frame.time)
                ],
                [claim for claim in claims if claim.capture in names],
            )
            for names in together(audit.captures)
        ]
    return told(reference.joined(said), whole=True)


def told(said: reference.Confirmation, *, whole: bool = False) -> Reference:
    """As the report keeps it."""
    return Reference(
        confirmed=said.confirmed, of=said.of, differences=said.differences, unread=said.unread, whole=whole
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
