"""The words of the report as records: what the analysis hands to every form of output.

An `Exchange` is one request and what came back; a `Finding` sums up the exchanges of one service under
one mode in one zone; an `Analysis` is all that a report shows. They are values: reporters only read them,
and `report.json` is an `Analysis` written down, field by field.
"""

from typing import Any, Literal

import msgspec

Outcome = Literal["replied", "rejected", "silent", "indeterminate", "unsolicited"]
Verdict = Literal["leaked", "visible", "refused", "allowed", "blocked", "silent", "unproven", "indeterminate"]
Direction = Literal["inbound", "outbound", "local", "passing"]
Pairing = Literal["exact", "weak"]
Promise = Literal["block", "allow"]
Certainty = Literal["given", "told", "shown", "assumed"]
CERTAINTIES: tuple[Certainty, ...] = ("given", "told", "shown", "assumed")  # the best known first

# What a reader looks at first; the order of findings in every form of report.
VERDICTS: tuple[Verdict, ...] = (
    "leaked",
    "visible",
    "refused",
    "allowed",
    "blocked",
    "silent",
    "indeterminate",
    "unproven",
)

# Files of a report beside its forms: the frames that findings rest on, and the audit that describes them.
EVIDENCE, EVIDENCE_AUDIT = "evidence.pcapng", "evidence.toml"


class Record(msgspec.Struct, kw_only=True):
    """Base of records that the analysis fills in step by step; written to JSON in field order."""


class Value(msgspec.Struct, kw_only=True, frozen=True):
    """Base of records that never change."""


class Disclosure(Value, frozen=True):
    """One fact that a reply told the peer."""

    kind: str
    value: str


class Exchange(Record):
    """One request, its retransmissions included, and what came back.

    `requests` and `replies` are frame numbers from 1. `time_ns` is nanoseconds since 1970 UTC of the
    first request (of the first reply where no request was captured); None where the frame has no time.
    `reply_to` and `reply_from` are endpoints (`address:port`): where the first reply went, if not to the client's, and
    where it came from, if not from the one that was asked.
    """

    capture: str
    service: str
    transport: str
    client: str
    client_port: int | None
    server: str
    server_port: int | None
    requests: list[int]
    replies: list[int]
    time_ns: int | None
    rtt_us: float | None
    request_octets: int
    reply_octets: int
    outcome: Outcome
    reason: str
    pairing: Pairing
    direction: Direction | None = None
    mode: str | None = None
    zone: str | None = None
    verdict: Verdict | None = None
    disclosures: list[Disclosure] = []
    reply_capture: str | None = None
    reply_to: str | None = None
    reply_from: str | None = None


class Evidence(Value, frozen=True):
    """Where to look: an exchange by capture and frame numbers. `time` is UTC, ISO 8601, or None.

    `asked` is the address that was asked, a group perhaps, where another one answered; `reply_to` the endpoint that the
    first reply went to, if not to the one that asked.
    """

    capture: str
    requests: list[int]
    replies: list[int]
    time: str | None
    client: str
    server: str
    reply_capture: str | None = None
    asked: str | None = None
    reply_to: str | None = None


class Frame(Value, frozen=True):
    """A frame of a capture, numbered from 1."""

    capture: str
    frame: int


class Change(Value, frozen=True):
    """A flip: two consecutive exchanges of one server, service and kind of request with other outcomes.

    `seconds` lie between the requests of the two, `silence` since the last one before that was answered, where one
    was and this one is again; the reasons are those of their outcomes. `own_traffic` is the
    last that the target itself sent as this service in between. `circumstances` are what may explain the flip.
    """

    time: str | None
    server: str
    kind: str
    before: Outcome
    after: Outcome
    last_before: Evidence
    first_after: Evidence
    seconds: float | None = None
    silence: float | None = None
    reason_before: str = ""
    reason_after: str = ""
    own_traffic: Frame | None = None
    circumstances: list[str] = []


class Control(Value, frozen=True):
    """What shows that a service listened which stayed silent: an exchange of the same kind that it answered.

    `mode` is the mode of that exchange, `capture` that of its request, `reply_capture` that of its reply if another.
    `requests` is empty where the service sent `replies` of itself, under the same mode.
    """

    mode: str | None
    capture: str
    requests: list[int]
    replies: list[int]
    reply_capture: str | None = None


class Fact(Value, frozen=True):
    """A disclosure with the frame that made it."""

    kind: str
    value: str
    capture: str
    frame: int


class Step(Value, frozen=True):
    """Round-trip times that are the same, or, of many, in one 32nd of an octave: its middle, microseconds."""

    us: float
    count: int


class RoundTrip(Value, frozen=True):
    """Round-trip times of a finding's replies, microseconds; `spread` counts them by size, and has their median."""

    count: int
    minimum: float
    median: float
    maximum: float
    spread: list[Step] = []


class Asked(Value, frozen=True):
    """Requests of one kind in a finding, and what they drew.

    Octets, frames and factors are those of the requests that drew replies; `first` is the first of these, and
    `first_reply` the first frame that came back.
    """

    kind: str
    exchanges: int
    replied: int
    request_octets: int
    reply_octets: int
    reply_frames: int
    factor: float | None
    frame_factor: float | None
    first: Frame | None
    first_reply: Frame | None


class Reach(Value, frozen=True):
    """Requests that drew replies, by where they came from.

    `on_link`: sent to a group, by a link-local address, or with a TTL of 255, which no router has lowered. `near`:
    with another TTL that hosts begin with, over a link where frames have senders. Of all others, `private` and
    `public` are their source addresses.
    """

    on_link: int = 0
    near: int = 0
    private: int = 0
    public: int = 0


class Mark(Value, frozen=True):
    """One exchange on the timeline: seconds since the timeline's `start`; `reply` likewise or None."""

    request: float
    reply: float | None
    outcome: Outcome
    unproven: bool = False


class Bin(Value, frozen=True):
    """Exchanges that began in one slice of a crowded timeline, counted by outcome."""

    start: float
    requests: int
    replied: int
    rejected: int
    silent: int
    indeterminate: int
    unproven: int = 0


class Timeline(Value, frozen=True):
    """When a finding's exchanges happened: every one as a mark while they are few, else bins.

    `start` is nanoseconds since 1970 UTC; `width` the bins' width in seconds (0 with marks).
    """

    start: int
    width: float
    marks: list[Mark]
    bins: list[Bin]


class Field(Value, frozen=True):
    """One line of a dissection, with those below it.

    `name` is what a display filter calls it, empty for a line that only groups others; `shown` is what Wireshark
    shows. It stands in `size` octets from `offset` in the frame; `size` is 0 where it is worked out from others.
    """

    name: str
    shown: str
    offset: int
    size: int
    value: str = ""
    fields: list["Field"] = []


class Expert(Value, frozen=True):
    """What Wireshark remarks on a frame: as it words severity and group."""

    severity: str
    group: str
    message: str


class Dissection(Value, frozen=True):
    """One frame as tshark dissects it: its protocols from the outermost, and their fields."""

    protocols: list[str]
    layers: list[Field]
    experts: list[Expert] = []


class DissectedFrame(Value, frozen=True):
    """One frame of a capture, to its octets.

    `time` is UTC, ISO 8601, or None; `interface` None where the capture has no name for it. `hex` has the `captured`
    of its `octets`. `protocols`, `layers` and `experts` are tshark's, empty without it.
    """

    frame: int
    time: str | None
    interface: str | None
    link_type: str
    captured: int
    octets: int
    hex: str
    protocols: list[str] = []
    layers: list[Field] = []
    experts: list[Expert] = []


class Dissected(Value, frozen=True, kw_only=True):
    """Some frames of a capture, and the exchanges that they were asked for by. Format 1 is the first.

    `sha256` is that of the capture, None where it was not wanted (`--no-hash`) and of standard input that was not read
    to its end; `tshark` the version, None where it could not be asked; `note` says what is missing and why. `filter`
    shows these frames of the capture in Wireshark; empty where there are none. `exchanges` are records as `capanalyze
    exchanges` writes them, each with its number there.
    """

    format: Literal["capanalyze-dissection"] = "capanalyze-dissection"
    format_version: Literal[1] = 1
    capture: str
    sha256: str | None
    tshark: str | None
    note: str | None
    filter: str
    frames: list[DissectedFrame]
    exchanges: list[dict[str, Any]] = []


class Exhibit(Value, frozen=True):
    """A frame that proves something: where it is in its capture, and in the file of evidence.

    `number` is that in the file of evidence; `captured` of its `octets` are there. `proves` says of which findings it
    is evidence. `protocols` and `experts` are tshark's, empty without it.
    """

    number: int
    capture: str
    frame: int
    time: str | None
    interface: str | None
    captured: int
    octets: int
    proves: list[str]
    protocols: list[str] = []
    experts: list[Expert] = []


class Agreement(Value, frozen=True):
    """Whether tshark sees in a finding's frames what the fast path does.

    `protocols` is what it sees above the transport; `confirmed` counts frames of which both say the same, and links
    between request and reply that both drew; `differences` are those that nothing explains.
    """

    protocols: list[str]
    confirmed: int
    links: int
    differences: list[str]
    explained: list[str]


class Depth(Value, frozen=True):
    """The second opinion: the frames behind the findings in a file of their own, and who dissected them.

    `file` lies beside the report, `audit` describes it to `capanalyze report`, where that can be; `tshark` is the
    version, None where it could not be asked, and `note` then says why.
    """

    file: str
    sha256: str
    octets: int
    exhibits: list[Exhibit]
    audit: str | None = None
    tshark: str | None = None
    note: str | None = None


class Reference(Value, frozen=True):
    """What the dpkt reference finds of the same exchanges: so many of those whose frames it was given and reads.

    `differences` name the others, `unread` counts the frames that the reference does not read, `unread_because` counts
    them by what they are. `whole`: it was given all frames, not the evidence alone. `note` says why it was of no help.
    """

    confirmed: int
    of: int
    differences: list[str]
    unread: int = 0
    unread_because: dict[str, int] = {}
    whole: bool = False
    note: str | None = None


class Counts(Value, frozen=True):
    """The exchanges of a finding over one family of addresses, counted as in the finding, and their verdict.

    `control` is what shows that the service listened over this family, where it is `blocked`.
    """

    exchanges: int
    replied: int
    rejected: int
    silent: int
    indeterminate: int
    unproven: int
    provable: int
    verdict: Verdict | None
    control: Control | None = None


class Finding(Record):
    """The exchanges of one service under one mode in one zone, summed up.

    `replied` of `provable` is the count that a cell shows: exchanges that were answered, of those that
    could have been (neither unproven nor indeterminate). `factor` is payload octets of the replies over
    those of the requests that drew them, `frame_factor` frames over requests. `kinds` are told apart where the
    service has a module of its own. `families` has the counts over `ipv4` and `ipv6`, each where it was asked.
    `control` is what shows that something listened where the verdict is `blocked`, else None. `host` is the name of one
    of several hosts; `id` names the finding in all reports of the same captures.
    """

    mode: str | None
    zone: str
    service: str
    transport: str
    port: int | None
    name: str
    promise: Promise | None
    verdict: Verdict | None
    outcome: Outcome
    exchanges: int
    replied: int
    rejected: int
    silent: int
    indeterminate: int
    unproven: int
    provable: int
    retransmissions: int
    reasons: dict[str, int]
    first: Evidence
    last: Evidence
    evidence: list[Evidence]
    rtt_us: RoundTrip | None
    request_octets: int
    reply_octets: int
    factor: float | None
    disclosures: list[Fact]
    changes: list[Change]
    more_changes: int
    timeline: Timeline
    notes: list[str] = []
    reply_frames: int = 0
    frame_factor: float | None = None
    kinds: list[Asked] = []
    reach: Reach = Reach()
    agreement: Agreement | None = None
    families: dict[str, Counts] = {}
    control: Control | None = None
    host: str | None = None
    id: str = ""

    def shown(self) -> list[Evidence]:
        """The exchanges that it points to, each once, the best first; those of its flips come with the flips."""
        shown: list[Evidence] = []
        for one in (*self.evidence, self.first, self.last):
            if one not in shown:
                shown.append(one)
        return shown

    def flipped(self) -> list[Evidence]:
        """The exchanges that its flips lie between."""
        return [one for change in self.changes for one in (change.last_before, change.first_after)]


class Announcement(Value, frozen=True):
    """What the target told the network unasked: messages of one service under one mode in one zone.

    `kinds` counts the messages by kind, `octets` their payload; `disclosures` is what they told.
    """

    mode: str | None
    zone: str
    service: str
    name: str
    messages: int
    first: Evidence
    finding: Literal["announces"] = "announces"
    last: Evidence | None = None
    octets: int = 0
    kinds: dict[str, int] = {}
    disclosures: list[Fact] = []
    host: str | None = None


class ModeInfo(Record):
    """A firewall setting and what it promises; `first` and `last` are those of its captures, UTC.

    `named_by` says where its name comes from, as nothing on the wire shows it; `conclusions` are what its findings
    prove together.
    """

    name: str
    title: str
    promise: Promise | None
    allow: list[str]
    stealth: bool
    captures: list[str]
    first: str | None
    last: str | None
    named_by: str = ""
    conclusions: list[str] = []


class Zone(Value, frozen=True):
    """A network that exchanges crossed, and the interfaces (or networks) that lead there."""

    name: str
    interfaces: list[str]


class InterfaceInfo(Value, frozen=True):
    """One interface of a capture."""

    name: str | None
    link_type: str
    frames: int
    dropped: int | None


class Input(Record):
    """One capture: identity, extent, and the account of every frame in it.

    `account` counts frames by what became of them; its values add up to `frames`. `unread` has those of its buckets
    that were not read and may hide a reply. `tunnels` counts frames that were read inside of a tunnel, by its kind.
    `sha256` is that of the file, None where it was not wanted (`--no-hash`).
    """

    name: str
    sha256: str | None
    octets: int
    format: str
    mode: str | None
    frames: int
    first: str | None
    last: str | None
    interfaces: list[InterfaceInfo]
    account: dict[str, int]
    malformed: dict[str, int]
    notes: list[str]
    unread: dict[str, int] = {}
    tunnels: dict[str, int] = {}


class Because(Value, frozen=True):
    """What a decision about the target rests on: the kind of evidence, what was seen, and the first frames with it."""

    kind: str
    said: str
    frames: list[Frame]


class Target(Value, frozen=True):
    """The host under test, how it was found, and what speaks against it.

    `certainty` is the kind of evidence: the user gave the address, the capture itself tells it, its frames show it,
    or it is only assumed from who answers; None where there is no target. `because` has the evidence.
    """

    addresses: list[str]
    how: str
    certainty: Certainty | None
    warnings: list[str]
    assumed: bool = False
    because: list[Because] = []

    def __post_init__(self) -> None:
        """Say in a word of its own whether it is assumed: format 1 of the report has it so."""
        msgspec.structs.force_setattr(self, "assumed", self.certainty == "assumed")


class HostInfo(Value, frozen=True):
    """One of several hosts: what it is called in the report, its addresses, captures, and exchanges by direction."""

    name: str
    target: Target
    captures: list[str]
    directions: dict[str, int]


class Analysis(Record, kw_only=True):
    """All that a report shows. `first` and `last` are UTC, ISO 8601. Format 1 is the first.

    `hosts` is empty where there is one host; else findings say of which one they are. `left_out` says of each capture
    that could not be read why, where it was asked to keep going.
    """

    format: Literal["capanalyze-report"] = "capanalyze-report"
    format_version: Literal[1] = 1
    capanalyze: str
    command: str
    title: str
    inputs: list[Input]
    first: str | None
    last: str | None
    target: Target
    modes: list[ModeInfo]
    zones: list[Zone]
    findings: list[Finding]
    announcements: list[Announcement]
    directions: dict[str, int]
    notes: list[str]
    left_out: list[str] = []
    depth: Depth | None = None
    reference: Reference | None = None
    hosts: list[HostInfo] = []

    def leaks(self) -> list[Finding]:
        """The findings that a mode's promise forbids."""
        return [found for found in self.findings if found.verdict in ("leaked", "visible")]
