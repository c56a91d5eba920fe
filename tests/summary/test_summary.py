"""Exchanges summed up as they come say what they say when they are held and in order, up to what is rounded."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capanalyze import analysis
from capanalyze.analysis import analyze
from capanalyze.audit import Audit, audit_of, load_audit
from capanalyze.core import core
from capanalyze.errors import CapanalyzeError
from capanalyze.exchanges import arrival
from capanalyze.model import Analysis
from capanalyze.packets import messages
from capanalyze.protocols import PROTOCOLS
from capanalyze.protocols._protocol import COMMON_KINDS
from capanalyze.summary import store
from capanalyze.summary.steps import STEPS_OF_OCTAVE, bounds
from capanalyze.summary.store import CLASSES, Rooms
from tests.build import PEER, START, TARGET, dns_message, icmp, ipv4, ipv6, ntp, pcap, question, record, udp
from tests.packets.test_scan import CAPTURES

LEOPARD = Path(__file__).resolve().parents[2] / "pcaps" / "leopard" / "audit.toml"
FAR = ipv4(PEER, "10.255.255.1", 89, b"ospf")
MOST_BINS = 240
HELD = Rooms().waiting
OUTCOMES = ("replied", "rejected", "silent", "indeterminate", "unproven")


def summed(audit: Audit, monkeypatch: pytest.MonkeyPatch, *, held: bool = True, **rooms: int) -> Analysis | str:
    """The analysis, with exchanges held or summed up as they come; or why there is none."""
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0, **rooms))
    try:
        return analysis.analyze(audit)
    except CapanalyzeError as error:
        return str(error)


def compared(one: Analysis | str) -> Any:
    """All of an analysis but for what is rounded where nothing is held: bins of time, round trips."""
    if isinstance(one, str):
        return one
    tree = msgspec.to_builtins(one)
    for finding in tree["findings"]:
        del finding["timeline"]
        if finding["rtt_us"]:
            del finding["rtt_us"]["median"], finding["rtt_us"]["spread"]
    return tree


def in_time(one: Analysis | str) -> list[Counter[str]]:
    """Exchanges on each finding's timeline, by outcome."""
    counts = []
    for finding in [] if isinstance(one, str) else one.findings:
        line = finding.timeline
        count = Counter("unproven" if mark.unproven else mark.outcome for mark in line.marks)
        for piece in line.bins:
            count.update({outcome: getattr(piece, outcome) for outcome in OUTCOMES})
        counts.append(+count)
    return counts


def medians(one: Analysis | str) -> list[float]:
    return [] if isinstance(one, str) else [found.rtt_us.median for found in one.findings if found.rtt_us]


AUDITS = [
    *(pytest.param(lambda path=path: audit_of([str(path)], mode="block-all"), id=path.name) for path in CAPTURES),
    pytest.param(lambda: load_audit(LEOPARD), id="audit.toml"),
]


@pytest.mark.parametrize("make", AUDITS)
def test_as_they_come_they_say_what_they_say_when_held(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held, coming = (summed(make(), monkeypatch, held=held) for held in (True, False))
    assert compared(held) == compared(coming)
    assert in_time(held) == in_time(coming)
    # The middle of a 32nd of an octave stands for the times in it where none is held.
    assert all(
        0.98 * exact - 0.01 <= one <= 1.02 * exact + 0.01
        for exact, one in zip(medians(held), medians(coming), strict=True)
    )


def test_cut_frames_make_all_silence_uncertain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        (START + number, ipv4(PEER, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number)))) for number in (1, 2)
    ]
    cut = pcap([(START + 3, ipv4(TARGET, PEER, 17, udp(123, 40001, ntp(4))))], snaplen=22)[24:]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap(asked) + cut + pcap([(START + 200, FAR)])[24:])
    found = summed(audit_of([str(path)], target=(TARGET,)), monkeypatch, held=False)
    assert isinstance(found, Analysis)
    (finding,) = found.findings
    assert (finding.verdict, finding.silent, finding.indeterminate) == ("indeterminate", 0, 2)
    assert finding.reasons == {"frames are cut": 2}


@given(st.integers(0, (1 << 44) - 1))
def test_a_step_of_the_histogram_holds_its_times(time: int) -> None:
    low, high = bounds(core.step_of(time))
    assert low <= time <= high
    assert high - low <= max(0, time / STEPS_OF_OCTAVE)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4_000_000_000), st.integers(0, 4)), min_size=1, max_size=40))
def test_bins_reach_as_far_as_needed_and_lose_nothing(rows: list[tuple[int, int]]) -> None:
    level, bins = core.bins_of([(seconds * 10**9, kind) for seconds, kind in rows])
    wanted = Counter((seconds * 10**9 >> level, kind) for seconds, kind in rows)
    assert +Counter({(number, kind): counts[kind] for number, counts in bins for kind in range(CLASSES)}) == wanted
    assert max(number for number, _ in bins) - min(number for number, _ in bins) < MOST_BINS


def test_services_that_are_too_many_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [(START + port, ipv4(PEER, TARGET, 17, udp(40000, 20000 + port, b"x"))) for port in range(20)]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap([*frames, (START + 200, FAR)]))
    found = summed(audit_of([str(path)], target=(TARGET,)), monkeypatch, cells=0)
    assert isinstance(found, Analysis)
    assert found.findings == []
    assert found.notes == ["20 exchanges are in no finding: too many services and zones"]


def test_every_kind_of_request_has_a_line() -> None:
    assert len(COMMON_KINDS) + max(len(protocol.kinds) for protocol in PROTOCOLS) <= core.MOST_KINDS


# Exchanges that are settled late

OTHER_HOST = "192.0.2.11"


def datagram(port: int, payload: bytes, server: int = 4433) -> bytes:
    return ipv4(PEER, TARGET, 17, udp(port, server, payload))


def flow(start: int, port: int, length: int) -> list[tuple[float, bytes]]:
    """A datagram and its answer every ten seconds."""
    answer = ipv4(TARGET, PEER, 17, udp(4433, port, b"xyz"))
    return [
        (start + 10 * number + late, frame)
        for number in range(length)
        for late, frame in ((0, datagram(port, b"abc")), (0.1, answer))
    ]


def refused(time: float, port: int) -> list[tuple[float, bytes]]:
    asked = datagram(port, b"abc")
    return [(time, asked), (time + 0.1, ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked)))]


def told(folder: Path, frames: list[tuple[float, bytes]], more: bytes = b"", service: str = "udp/4433") -> Any:
    """The finding of a service in these frames."""
    path = folder / "block-all.ppp0.pcap"
    ordered = sorted(frames, key=lambda one: one[0])
    path.write_bytes(pcap([(START + time, frame) for time, frame in ordered]) + more)
    findings = analyze(audit_of([str(path)], target=(TARGET, OTHER_HOST))).findings
    return next(one for one in findings if one.service == service)


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(
    ("frames", "changes"),
    [
        ([*flow(0, 50000, 21), *refused(100.5, 50001)], [("replied", "rejected", 1, 23)]),
        ([*flow(0, 50000, 21), *refused(100.5, 50001), *refused(150.5, 50002)], [("replied", "rejected", 1, 23)]),
        ([*flow(0, 50000, 21), *flow(5, 50001, 3), *refused(100.5, 50002)], [("replied", "rejected", 3, 29)]),
    ],
    ids=["a long flow", "and more of the other", "and more of its own"],
)
def test_a_flow_that_goes_on_for_long_does_not_turn_a_flip_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool, frames: Any, changes: list[tuple[str, str, int, int]]
) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0))
    found = told(tmp_path, [*frames, (400, FAR)])
    assert [
        (one.before, one.after, one.last_before.requests[0], one.first_after.requests[0]) for one in found.changes
    ] == changes
    assert found.notes == []


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(
    ("silent", "said"),
    [
        ([100.5], ["the silent request was sent once: alone it may be a loss"]),
        ([100.5, 150.5], []),
    ],
    ids=["one", "two in a row"],
)
def test_a_flow_that_goes_on_for_long_does_not_hide_that_silence_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool, silent: list[float], said: list[str]
) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0))
    asked = [(time, datagram(50001 + number, b"abc")) for number, time in enumerate(silent)]
    (flip,) = told(tmp_path, [*flow(0, 50000, 21), *asked, (400, FAR)]).changes
    assert (flip.before, flip.after, flip.circumstances) == ("replied", "silent", said)


def test_what_cannot_be_compared_any_more_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [*refused(0, 50001), *flow(50, 50000, 21), *refused(100.5, 50002), *refused(150.5, 50003), (500.0, FAR)]
    changes = told(tmp_path, frames).changes
    assert [(one.before, one.after) for one in changes] == [("rejected", "replied"), ("replied", "rejected")]
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=0))
    found = told(tmp_path, frames)
    assert found.changes == []
    assert found.notes == ["1 exchanges lasted so long that they are not compared with those around them"]


@pytest.mark.parametrize("held", [True, False])
def test_hosts_that_answer_later_do_not_change_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0))

    def query(name: str, ident: int) -> bytes:
        return ipv4(PEER, "224.0.0.251", 17, udp(5353, 5353, dns_message(0, 0, [question(name)])), ident=ident)

    def response(host: str, name: str, ident: int) -> bytes:
        return ipv4(host, "224.0.0.251", 17, udp(5353, 5353, dns_message(0, 0x8400, (), [record(name)])), ident=ident)

    frames = [
        *((0.0, query("a.local", 1)), (0.1, response(TARGET, "a.local", 2))),
        *((0.2, query("b.local", 3)), (0.3, response(TARGET, "b.local", 4))),
        *((0.5, response(OTHER_HOST, "a.local", 5)), (99.0, FAR)),
    ]
    found = told(tmp_path, frames, service="mdns")
    assert [one.requests for one in found.evidence] == [[1], [1], [3]]
    assert (found.first.requests, found.last.requests) == ([1], [3])


@pytest.mark.parametrize("held", [True, False])
def test_families_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0))
    peer, target = "2001:db8::7", "2001:db8::10"
    frames = [
        *((10.0 * number, ipv4(PEER, TARGET, 17, udp(40000 + number, 4433, b"?"))) for number in range(3)),
        *((10.0 * number, ipv6(peer, target, 17, udp(40000 + number, 4433, b"?"))) for number in range(2)),
        (10.1, ipv6(target, peer, 17, udp(4433, 40001, b"!"))),
        (200.0, FAR),
    ]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in sorted(frames)]))
    (found,) = analyze(audit_of([str(path)], target=(TARGET, target))).findings
    four, six = found.families["ipv4"], found.families["ipv6"]
    assert (found.exchanges, found.replied, found.provable, found.verdict) == (5, 1, 5, "leaked")
    assert (four.exchanges, four.replied, four.silent, four.provable, four.verdict) == (3, 0, 3, 3, "silent")
    assert (six.exchanges, six.replied, six.silent, six.provable, six.verdict) == (2, 1, 1, 2, "leaked")
    assert list(found.families) == ["ipv4", "ipv6"]


# What replies disclose


@pytest.mark.parametrize("held", [True, False])
def test_of_many_replies_later_ones_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0))
    frames: list[tuple[float, bytes]] = [(900.0, FAR)]
    for number in range(1, 300):
        body = ntp(4, origin=number, transmit=9, stratum=2 if number < 256 else 3)
        reply = ipv4(TARGET, PEER, 17, udp(123, 40000 + number, body))
        frames += [(float(number), asked(number)), (number + 0.1, reply)]
    found = told(tmp_path, frames, service="ntp")
    told_by = {fact.value: fact.frame for fact in found.disclosures if fact.kind == "stratum"}
    assert told_by == {"2": 2, "3": 512}


# Frames that are found cut when much was judged


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settling begins before all is read, as in a large capture."""
    monkeypatch.setattr(messages, "BLOCK", 200)
    monkeypatch.setattr(arrival, "UNIT", 8)
    monkeypatch.setattr(arrival, "ROOM_AT_FIRST", 8)
    monkeypatch.setattr("capanalyze.flow.TRIES", (1, 2, 4))


def asked(number: int, port: int = 123) -> bytes:
    return ipv4(PEER, TARGET, 17, udp(40000 + number, port, ntp(transmit=number)), ident=number)


def answered(number: int) -> bytes:
    return ipv4(TARGET, PEER, 17, udp(123, 40000 + number, ntp(4, origin=number, transmit=9)), ident=number)


def cut_at(time: float) -> bytes:
    return pcap([(START + time, answered(1))], snaplen=22)[24:]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize(
    ("third", "changes"),
    [(ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked(3))), [("replied", "rejected")]), (answered(3), [])],
    ids=["rejected", "replied"],
)
def test_a_cut_frame_that_comes_late_lets_changes_be_told_across_silence(
    tmp_path: Path, third: bytes, changes: list[tuple[str, str]]
) -> None:
    between: list[tuple[float, bytes]] = [(30.0 + number, asked(100 + number, port=7)) for number in range(30)]
    frames = [(0, asked(1)), (0.1, answered(1)), (10, asked(2)), (20, asked(3)), (20.1, third), *between, (200, FAR)]
    found = told(tmp_path, frames, cut_at(201), service="ntp")
    assert [(one.before, one.after) for one in found.changes] == changes
    assert found.more_changes == 0


@pytest.mark.usefixtures("small_steps")
def test_a_cut_frame_that_comes_late_leaves_the_last_exemplar(tmp_path: Path) -> None:
    frames = [*((10.0 * number, asked(number + 1)) for number in range(30)), (299.0, asked(60))]
    found = told(tmp_path, frames, cut_at(301), service="ntp")
    assert (found.indeterminate, found.first.requests, found.last.requests) == (31, [1], [31])


def test_ports_that_share_a_cell_are_not_called_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(cells=16))
    frames = [(number / 100, datagram(40000, b"x", 3000 + number)) for number in range(60)]
    assert told(tmp_path, [*frames, (200, FAR)], service="udp/other").name == "further ports"
    monkeypatch.setattr(store, "ROOMS", Rooms(cells=16, quiet=4))
    assert told(tmp_path, [*frames, (200, FAR)], service="udp/other").name == "more than 3 further ports"


@pytest.mark.parametrize("held", [True, False])
def test_what_went_to_a_group_is_compared_with_what_went_to_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=HELD if held else 0))

    def query(to: str, ident: int) -> bytes:
        packet = ipv4(PEER, to, 17, udp(5353, 5353, dns_message(0, 0, [question("a.local")])), ident=ident)
        return packet[:8] + b"\xff" + packet[9:]  # of TTL 255: from the link

    answer = ipv4(TARGET, "224.0.0.251", 17, udp(5353, 5353, dns_message(0, 0x8400, (), [record("a.local")])))
    frames = [(0.0, query("224.0.0.251", 1)), (0.1, answer), (20.0, query(TARGET, 2)), (99.0, FAR)]
    found = told(tmp_path, frames, service="mdns")
    assert (found.replied, found.silent, found.changes) == (1, 1, [])


# Little room


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Many services, clients, outcomes and retransmissions."""
    frames: list[tuple[float, bytes]] = [(900.0, FAR)]
    for number in range(120):
        request = datagram(40000 + number % 50, b"abc", 4433 + number % 7)
        reply = ipv4(TARGET, PEER, 17, udp(4433 + number % 7, 40000 + number % 50, b"xyz"))
        frames += [(3.0 * number, request), (3.0 * number + 0.1, reply if number % 3 else request)]
        frames += [(3.0 * number + 0.5, asked(number)), (3.0 * number + 0.6, answered(number))][: 1 + number % 2]
    path = tmp_path_factory.mktemp("crowd") / "block-all.ppp0.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in sorted(frames, key=lambda one: one[0])]))
    return audit_of([str(path)], target=(TARGET,))


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional={name: st.integers(0, 5) for name in asdict(Rooms())}))
def test_with_little_room_every_exchange_is_counted_once(
    crowd: Audit, monkeypatch: pytest.MonkeyPatch, rooms: dict[str, int]
) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(**rooms))
    found = analyze(crowd)
    left_out = sum(int(note.split()[0]) for note in found.notes if "in no finding" in note)
    assert sum(one.exchanges for one in found.findings) + left_out == found.directions["inbound"]
