"""Every exchange judged, compared with the tables of the design put into plain Python."""

from array import array
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.audit import DEFAULT_ZONES, Audit, CaptureFile, Mode, Segment
from capanalyze.exchanges.batch import Batch, Names, exchange_of, words_of
from capanalyze.exchanges.row import (
    ASKED,
    CAPTURE,
    CLIENT,
    CLOCK,
    FLAGS,
    FORGOTTEN,
    GROUP,
    KIND,
    LINK,
    MODE,
    MODULE,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PLACE,
    PORT,
    REASON,
    REPLY,
    REQUEST,
    RTT,
    SECONDS,
    SERVER,
    SERVICE,
    TTL,
    UNANSWERABLE_REQUEST,
    UNPROVEN,
    WIDE,
    ZONE,
)
from capanalyze.judging.judge import Judge
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.silence import ONE_WAY, one_way_ports
from capanalyze.verdicts import CaptureFacts

SECOND = 1_000_000_000
BEGIN, FLIP, END = 1000, 1050, 1100  # seconds
HOSTS = ["192.0.2.10", "192.0.2.11", "198.51.100.7", "203.0.113.9", "127.0.0.1", "2001:db8::10", "::1"]
OWN = ["192.0.2.10", "2001:db8::10"]
PLACES = ["en0", "ppp0", "if0", "dmz0"]
MODES = (
    Mode("strict", "strict", "block"),
    Mode("stealth", "stealth", "block", ("udp/5000", "ntp"), stealth=True),
    Mode("open", "open", "allow"),
)
AUDIT = Audit(
    captures=(
        CaptureFile("a", "a", (Segment("strict", until=FLIP * SECOND), Segment("stealth", since=FLIP * SECOND))),
        CaptureFile("b", "b", (Segment("open"),)),
        CaptureFile("c", "c"),
    ),
    modes=MODES,
    zones={"dmz0": "dmz", "198.51.100.0/24": "partners"},
)
FACTS = {name: CaptureFacts(BEGIN * SECOND, END * SECOND, one_sided=name == "c") for name in ("a", "b", "c")}
# Promise and stealth, then outcome.
VERDICTS = {
    ("block", False): {"replied": "leaked", "rejected": "refused", "silent": "silent"},
    ("block", True): {"replied": "leaked", "rejected": "visible", "silent": "silent"},
    ("allow", False): {"replied": "allowed", "rejected": "refused", "silent": "silent"},
    ("allow", True): {"replied": "allowed", "rejected": "visible", "silent": "silent"},
}
MODULES = [GENERIC_UDP, TCP, *range(2, len(PROTOCOLS))]


@dataclass(frozen=True)
class Row:
    """One exchange that was paired."""

    capture: int
    place: int
    client: str
    server: str
    module: int
    port: int
    outcome: str
    flags: int
    time: int
    replies: bool
    ttl: int


rows = st.builds(
    Row,
    capture=st.integers(0, 2),
    place=st.integers(0, len(PLACES) - 1),
    client=st.sampled_from(HOSTS),
    server=st.sampled_from(HOSTS),
    module=st.sampled_from(MODULES),
    port=st.sampled_from([7, 22, 138, 5000]),
    outcome=st.sampled_from(OUTCOMES),
    flags=st.sampled_from([0, 0, 0, GROUP, UNANSWERABLE_REQUEST, FORGOTTEN]),
    time=st.integers(BEGIN, END),
    replies=st.booleans(),
    ttl=st.sampled_from([64, 255, 54]),
)


def batch_of(found: list[Row]) -> Batch:
    """Rows of numbers."""
    wide, narrow = array("q", (0,)) * (len(found) * WIDE), array("i", (0,)) * (len(found) * NARROW)
    for number, row in enumerate(found):
        w, n = number * WIDE, number * NARROW
        wide[w + CLOCK] = wide[w + ASKED] = row.time * SECOND
        wide[w + SECONDS], wide[w + RTT] = row.time, -1
        wide[w + CLIENT : w + CLIENT + 2] = array("q", words_of(row.client))
        wide[w + SERVER : w + SERVER + 2] = array("q", words_of(row.server))
        wide[w + REQUEST] = row.capture * CAPTURE + number + 1
        wide[w + REPLY] = wide[w + REQUEST] if row.replies else 0
        narrow[n + PLACE], narrow[n + MODULE], narrow[n + SERVICE] = row.place, row.module, row.module
        narrow[n + PORT], narrow[n + OUTCOME], narrow[n + FLAGS] = row.port, OUTCOMES.index(row.outcome), row.flags
        narrow[n + MODE] = narrow[n + ZONE] = -1
        narrow[n + TTL] = row.ttl
    return Batch(wide, narrow, array("q", (0,)) * LINK, len(found))


def direction(row: Row) -> str:
    """Seen from the target; loopback is local, a group includes the target."""
    if ip_address(row.client).is_loopback and ip_address(row.server).is_loopback:
        return "local"
    asks, answers, group = row.client in OWN, row.server in OWN, bool(row.flags & GROUP)
    if row.outcome == "unsolicited":
        return "outbound" if answers else "inbound" if asks or group else "passing"
    if asks:
        return "local" if answers else "outbound"
    return "inbound" if answers or (group and not row.replies) else "passing"


def zone(row: Row) -> str:
    """By interface, by the peer's network, by default."""
    label = PLACES[row.place]
    if label in AUDIT.zones:
        return AUDIT.zones[label]
    peers = {"inbound": [row.client], "outbound": [row.server]}.get(direction(row), [row.client, row.server])
    if any(ip_address(one) in ip_network("198.51.100.0/24") for one in peers):
        return "partners"
    return DEFAULT_ZONES.get(label, label)


def outcome(row: Row, all_rows: list[Row]) -> tuple[str, bool]:
    """The outcome, once silence is told from not knowing; and whether it proves nothing."""
    protocol = PROTOCOLS[row.module]
    if row.outcome != "silent":
        return row.outcome, False
    never = row.module == GENERIC_UDP and one_way_ports()[row.port] > 0
    beyond = protocol.answers_its_link and row.ttl == 54
    if row.flags & (GROUP | UNANSWERABLE_REQUEST) or not protocol.silence_proves or never or beyond:
        return "silent", True
    if row.flags & FORGOTTEN:
        return "indeterminate", False
    if row.time * SECOND + protocol.window <= END * SECOND:
        return "silent", False
    answered = any(
        other.outcome == "replied" and other.time > row.time and asked_of(other) == asked_of(row) for other in all_rows
    )
    return ("silent", False) if answered else ("indeterminate", False)


def asked_of(row: Row) -> tuple[object, ...]:
    """Whom a request asks for what, where and under which mode."""
    return mode(row), row.server, service(row), row.place


def mode(row: Row) -> str | None:
    """That at the first request."""
    return AUDIT.captures[row.capture].mode_at(row.time * SECOND)


def promised(mode: Mode, row: Row) -> str:
    """Only stealth speaks of ICMP; a service that a mode names may answer."""
    if service(row) == "icmp":
        return "block" if mode.stealth else "allow"
    beside = {one.name for one in PROTOCOLS if one.ports and one.ports == PROTOCOLS[row.module].ports}
    return "allow" if beside.union([service(row)]).intersection(mode.allow) else mode.promise


def controlled(row: Row, all_rows: list[Row]) -> bool:
    """Whether something shows that the service listens: it answered one, or sent of itself under this mode."""
    return any(
        asked_from(other) == asked_from(row)
        and (
            (direction(other), other.outcome) == ("inbound", "replied")
            or (direction(other), other.outcome, mode(other)) == ("outbound", "unsolicited", mode(row))
        )
        for other in all_rows
    )


def asked_from(row: Row) -> tuple[object, ...]:
    """What is asked, from which zone, over which family."""
    return zone(row), service(row), ip_address(row.client).version


def service(row: Row) -> str:
    name = PROTOCOLS[row.module].name
    return f"{name}/{row.port}" if row.module in (GENERIC_UDP, TCP) else name


@settings(deadline=None)
@given(st.lists(rows, max_size=12))
def test_every_exchange_is_judged_by_the_tables(found: list[Row]) -> None:
    batch = batch_of(found)
    judge = Judge(AUDIT, PLACES)
    judge.target(OWN)
    judge.see(FACTS)
    judge.note(batch, 0, batch.count)
    if judge.judge(batch):
        judge.settle(batch)
    judge.conclude(batch)
    names = Names(["a", "b", "c"], PLACES, [one.name for one in MODES], judge.zones)
    modes = {one.name: one for one in MODES}
    for number, row in enumerate(found):
        told = exchange_of(batch, number, names)
        wanted, unproven = outcome(row, found)
        assert (told.direction, told.zone, told.mode, told.outcome) == (direction(row), zone(row), mode(row), wanted)
        judged = told.direction == "inbound" and told.mode is not None and wanted != "unsolicited"
        if not judged:
            assert told.verdict is None
            continue
        promise = modes[str(told.mode)]
        verdict = VERDICTS[promised(promise, row), promise.stealth].get(wanted, wanted)
        if promised(promise, row) == "block" and wanted == "silent" and controlled(row, found):
            verdict = "blocked"
        assert told.verdict == ("unproven" if unproven else verdict)
        assert bool(batch.narrow[number * NARROW + FLAGS] & UNPROVEN) == unproven


NUMBERS = {protocol.name: number for number, protocol in enumerate(PROTOCOLS)}


@pytest.mark.parametrize(
    ("module", "port", "flags", "ttl", "reason"),
    [
        ("udp", 2055, 0, 64, "one-way service (NetFlow)"),
        ("udp", 25826, 0, 64, f"one-way service ({ONE_WAY[-1].name})"),
        ("udp", 2055, GROUP, 64, "one-way service (NetFlow)"),
        ("udp", 5000, UNANSWERABLE_REQUEST, 64, "datagram, which need not be answered"),
        ("udp", 5000, GROUP, 64, "datagram, to a group"),
        ("udp", 5000, 0, 54, "datagram"),
        ("ntp", 123, UNANSWERABLE_REQUEST | GROUP, 64, "client request, which need not be answered"),
        ("llmnr", 5355, 0, 64, "query, which need not be answered"),
        ("mdns", 5353, 0, 54, "query, from beyond the link"),
        ("mdns", 5353, 0, 64, "query"),
        ("mdns", 5353, 0, 255, "query"),
        ("mdns", 5353, GROUP, 54, "query, to a group"),
    ],
)
def test_the_reason_says_why_silence_proves_nothing(module: str, port: int, flags: int, ttl: int, reason: str) -> None:
    row = Row(0, 0, "203.0.113.9", OWN[0], NUMBERS[module], port, "silent", flags, BEGIN, False, ttl)
    batch = batch_of([row])
    batch.narrow[KIND] = batch.narrow[REASON] = 3
    judge = Judge(AUDIT, PLACES)
    judge.target(OWN)
    judge.see(FACTS)
    for _ in range(2):  # rows are judged again where the target was still to be found
        judge.judge(batch)
        told = exchange_of(batch, 0, Names(["a", "b", "c"], PLACES, [one.name for one in MODES], judge.zones))
        assert told.reason == reason
        assert bool(batch.narrow[FLAGS] & UNPROVEN) == (reason not in ("datagram", "query"))
