"""What is summed up as it comes says the same as all exchanges held at once, up to what only few have room for."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze import analysis, stream
from capanalyze.audit import Audit, audit_of, load_audit
from capanalyze.buffers import ints, longs
from capanalyze.errors import CapanalyzeError
from capanalyze.exchanges.row import NARROW, SECONDS, WIDE
from capanalyze.gear import Gear
from capanalyze.model import Analysis
from capanalyze.summary import fold
from capanalyze.summary import layout as t
from capanalyze.summary.details import add_time, step_of
from capanalyze.summary.tell import bounds
from tests.build import PEER, START, TARGET, ipv4, ntp, pcap, udp
from tests.packets.test_scan import CAPTURES

LEOPARD = Path(__file__).resolve().parents[2] / "pcaps" / "leopard" / "audit.toml"
FAR = ipv4(PEER, "10.255.255.1", 89, b"ospf")
OUTCOMES = ("replied", "rejected", "silent", "indeterminate", "unproven")


def summed(audit: Audit, monkeypatch: pytest.MonkeyPatch, *, few: bool, compiled: bool = False) -> Analysis | str:
    """The analysis, held at once or summed up as it comes; or why there is none."""
    monkeypatch.setattr(analysis, "FEW", 1 << 40 if few else -1)
    monkeypatch.setattr(stream, "Gear", lambda *_, **__: Gear(compiled=compiled))
    try:
        return analysis.analyze(audit)
    except CapanalyzeError as error:
        return str(error)


def compared(one: Analysis | str) -> Any:
    """All of an analysis but for what is rounded where there are many: bins of time, the median."""
    if isinstance(one, str):
        return one
    tree = msgspec.to_builtins(one)
    for finding in tree["findings"]:
        del finding["timeline"]
        if finding["rtt_us"]:
            del finding["rtt_us"]["median"]
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
def test_many_say_what_few_say(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MAX_PLAIN", 1 << 40)
    few, many = (summed(make(), monkeypatch, few=few) for few in (True, False))
    assert compared(few) == compared(many)
    assert in_time(few) == in_time(many)
    # Of an even number of times, the lower one of the middle two stands for the median where there are many.
    assert all(many <= 1.02 * few for few, many in zip(medians(few), medians(many), strict=True))


@pytest.mark.parametrize("make", AUDITS[::9])
def test_compiled_they_say_the_same(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, compiled = (summed(make(), monkeypatch, few=False, compiled=compiled) for compiled in (False, True))
    assert plain == compiled


def test_ports_beyond_the_first_ones_are_summed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = range(20000, 20000 + t.MAX_PLAIN + 50)
    frames = [(START + port / 1e5, ipv4(PEER, TARGET, 17, udp(40000, port, b"x"))) for port in ports]
    answers = [(START + 1 + port / 1e5, ipv4(TARGET, PEER, 17, udp(port, 40000, b"y"))) for port in ports[-3:]]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap([*frames, *answers, (START + 200, FAR)]))
    found = summed(audit_of([str(path)], target=(TARGET,)), monkeypatch, few=False)
    assert isinstance(found, Analysis)
    by_service = {one.service: one for one in found.findings}
    leaked = [one for one in found.findings if one.verdict == "leaked"]
    assert [one.port for one in leaked] == list(ports[-3:])
    assert (by_service["udp/other"].exchanges, by_service["udp/other"].verdict) == (47, "blocked")
    assert by_service["udp/other"].name == "47 further ports"
    assert sum(one.exchanges for one in found.findings) == len(ports)
    assert len(found.findings) == t.MAX_PLAIN + 3 + 1


def test_cut_frames_make_all_silence_uncertain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        (START + number, ipv4(PEER, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number)))) for number in (1, 2)
    ]
    cut = pcap([(START + 3, ipv4(TARGET, PEER, 17, udp(123, 40001, ntp(4))))], snaplen=22)[24:]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap(asked) + cut + pcap([(START + 200, FAR)])[24:])
    found = summed(audit_of([str(path)], target=(TARGET,)), monkeypatch, few=False)
    assert isinstance(found, Analysis)
    (finding,) = found.findings
    assert (finding.verdict, finding.silent, finding.indeterminate) == ("indeterminate", 0, 2)
    assert finding.reasons == {"frames are cut": 2}


@given(st.integers(0, (1 << 44) - 1))
def test_a_step_of_the_histogram_holds_its_times(time: int) -> None:
    low, high = bounds(step_of(time))
    assert low <= time <= high
    assert high - low <= max(0, time / t.STEPS_OF_OCTAVE)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4_000_000_000), st.integers(0, 4)), min_size=1, max_size=40))
def test_bins_reach_as_far_as_needed_and_lose_nothing(rows: list[tuple[int, int]]) -> None:
    b: list[Any] = [b""] * t.BUFFERS
    b[t.WIDES], b[t.NARROWS], b[t.DETAILS] = longs(WIDE), ints(NARROW), longs(t.DETAIL_SIZE)
    for seconds, kind in rows:
        b[t.WIDES][SECONDS] = seconds
        add_time(b, 0, 0, kind)
    details = b[t.DETAILS]
    counts = [sum(details[t.BINS + kind : t.DETAIL_SIZE : t.CLASSES]) for kind in range(t.CLASSES)]
    assert counts == [sum(kind == other for _, other in rows) for kind in range(t.CLASSES)]
    for seconds, kind in rows:
        place = (seconds * 10**9 >> details[t.LEVEL]) - details[t.FIRST_BIN]
        assert 0 <= place < t.MOST_BINS
        assert details[t.BINS + place * t.CLASSES + kind] > 0


def test_services_that_are_too_many_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST", (4, *fold.MOST[1:]))
    frames = [(START + port, ipv4(PEER, TARGET, 17, udp(40000, 20000 + port, b"x"))) for port in range(20)]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap([*frames, (START + 200, FAR)]))
    found = summed(audit_of([str(path)], target=(TARGET,)), monkeypatch, few=False)
    assert isinstance(found, Analysis)
    assert [one.exchanges for one in found.findings] == [1] * 4
    assert found.notes == ["16 exchanges are in no finding: too many services and zones"]
