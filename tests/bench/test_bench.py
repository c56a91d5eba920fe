"""The generator against tshark, and the runner on captures that are too small to say anything."""

import gzip
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner

from capanalyze.audit import Audit, CaptureFile
from capanalyze.flow import find_exchanges
from tests.bench.__main__ import main
from tests.bench.chamber import HOSTS
from tests.bench.generate import Wanted, beside, ensure, generate, octets_of
from tests.bench.kinds import KINDS
from tests.bench.measure import Case, measure
from tests.bench.programs import REPORT
from tests.bench.table import Table
from tests.bench.truth import Truth, read_truth
from tests.build import dissected

TARGET = "192.0.2.10"
PORTS = {"123": "ntp", "137": "nbns", "5353": "mdns"}
MESSAGES = "udp && (ntp || nbns || mdns)"
SERVER_MODE = "4"
SIZE = 1_000_000


def made(tmp_path: Path, kind: str, size: int = SIZE) -> tuple[Path, Truth]:
    """A capture and its truth."""
    path, truth = tmp_path / f"{kind}.pcap", tmp_path / f"{kind}.npz"
    generate(Wanted(kind, size), path, truth)
    return path, read_truth(truth)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_seed_makes_the_same_octets(tmp_path: Path, kind: str) -> None:
    files = [tmp_path / f"{number}.pcap" for number in range(3)]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        generate(Wanted(kind, SIZE, seed=seed), file)
    first, again, other = (file.read_bytes() for file in files)
    assert first == again
    assert first != other
    assert abs(len(first) - SIZE) < SIZE // 10


@pytest.mark.parametrize("kind", ["flood", "small", "bulk"])
def test_the_truth_is_what_tshark_sees(tmp_path: Path, kind: str) -> None:
    path, truth = made(tmp_path, kind)
    fields = ("frame.number", "ip.src", "udp.srcport", "ip.dst", "udp.dstport")
    replies = ("ntp.flags.mode", "nbns.flags.response", "dns.flags.response")
    seen = Counter(
        message(*line) for line in dissected(path, *fields, *replies, options=("-Y", f"{MESSAGES} && !icmp"))
    )
    told = Counter(
        (frame, exchange.service, exchange.client, exchange.port, reply)
        for exchange in truth.exchanges()
        for frames, reply in ((exchange.requests, False), (exchange.replies, True))
        for frame in frames
    )
    assert seen == told
    assert len(told) == len(truth.frame)


def message(
    frame: str, source: str, sport: str, target: str, dport: str, mode: str, *responses: str
) -> tuple[int, str, str, int, bool]:
    """Frame, service, client, its port, and whether it is a reply."""
    reply = mode == SERVER_MODE or any(flag in ("1", "True") for flag in responses)
    if reply:
        source, sport, target, dport = target, dport, source, sport
    assert target == TARGET
    return int(frame), PORTS[dport], source, int(sport), reply


@pytest.mark.parametrize("kind", list(KINDS))
def test_frames_are_sound(tmp_path: Path, kind: str) -> None:
    path, _ = made(tmp_path, kind)
    checks = ("-o", "ip.check_checksum:TRUE")
    fields = ("frame.time_delta", "ip.checksum.status", "_ws.malformed", "frame.protocols")
    lines = dissected(path, *fields, options=checks)
    manifest = json.loads(beside(path).read_text())
    assert len(lines) == manifest["frames"]
    for delta, status, malformed, protocols in lines:
        assert float(delta) >= 0
        assert set(status.split(",")) <= {"1", ""}
        if kind != "small":  # what is sent to any port is anything but what the port is for
            assert not malformed, protocols


def test_a_flood_holds_nothing_else(tmp_path: Path) -> None:
    path, truth = made(tmp_path, "flood")
    manifest = json.loads(beside(path).read_text())
    assert len(truth.frame) == manifest["frames"]
    exchanges = list(truth.exchanges())
    assert Counter(exchange.service for exchange in exchanges) == manifest["exchanges"]
    assert sum(1 for exchange in exchanges if not exchange.requests) == manifest["orphans"]
    assert sum(1 for exchange in exchanges if not exchange.replies) == manifest["unanswered"]
    assert sum(1 for exchange in exchanges if exchange.requests and exchange.replies) == manifest["answered"]
    assert sum(1 for exchange in exchanges if len(exchange.requests) > 1) == manifest["resent"]
    assert sum(1 for exchange in exchanges if len(exchange.replies) > 1) == manifest["twice"]
    assert all(frames == sorted(frames) for exchange in exchanges for frames in exchange[:2])
    assert all(max(exchange.requests, default=0) < min(exchange.replies, default=1 << 32) for exchange in exchanges)


def test_in_the_echo_chamber_an_answer_is_for_all(tmp_path: Path) -> None:
    path, truth = made(tmp_path, "echo-chamber", 500_000)
    manifest = json.loads(beside(path).read_text())
    exchanges = list(truth.exchanges())
    answered = [one for one in exchanges if one.replies]
    assert len(exchanges) == manifest["exchanges"]["mdns"]
    assert len(answered) == manifest["answered"]
    assert len(exchanges) - len(answered) == manifest["unanswered"]
    assert sum(1 for one in exchanges if len(one.requests) > 1) == manifest["resent"]
    assert set(Counter(one.replies[0] for one in answered).values()) == {len(HOSTS)}
    assert all(one.requests == sorted(one.requests) and one.requests[-1] < one.replies[0] for one in answered)
    rate = manifest["frames"] / manifest["seconds"]
    assert rate == pytest.approx(140_000, rel=0.01)
    lines = dissected(path, "frame.number", "ip.src", "ip.dst", "ip.ttl", "dns.flags.response", "dns.count.answers")
    told = {frame: one.client for one in exchanges for frame in one.requests}
    told |= dict.fromkeys((one.replies[0] for one in answered), TARGET)
    assert {int(frame): source for frame, source, *_ in lines} == told
    assert {tuple(rest) for _, source, *rest in lines if source != TARGET} == {("224.0.0.251", "255", "0", "0")}
    assert {tuple(rest) for _, source, *rest in lines if source == TARGET} == {("224.0.0.251", "255", "1", "1")}
    found = [pair.exchange for pair in find_exchanges(Audit((CaptureFile(str(path), path.name),)))]
    assert [(one.requests, one.replies, one.client) for one in found] == [
        (one.requests, one.replies, one.client) for one in exchanges
    ]


def test_no_two_exchanges_share_client_and_key(tmp_path: Path) -> None:
    path, truth = made(tmp_path, "flood", 2 * SIZE)
    keys = ("ntp.xmt", "ntp.org", "nbns.id", "dns.qry.name", "dns.qry.type")
    lines = dissected(path, "frame.number", *keys, "dns.resp.name", "dns.resp.type")
    by_frame = {int(frame): words for frame, *words in lines}
    claimed: Counter[tuple[str, ...]] = Counter()
    clients: Counter[tuple[str, int]] = Counter()
    for exchange in truth.exchanges():
        frames = exchange.requests or exchange.replies
        transmit, origin, ident, name, kind, *answer = by_frame[frames[0]]
        if not exchange.requests:
            transmit, name, kind = origin, name or answer[0].split(",")[0], kind or answer[1].split(",")[0]
        own = transmit if exchange.service == "ntp" else ident or f"{name} {kind}"
        claimed[exchange.service, exchange.client, str(exchange.port), own] += 1
        clients[exchange.client, exchange.port] += 1
    assert set(claimed.values()) == {1}
    assert max(clients.values()) > 1  # so that ports alone do not tell


def test_containers_hold_the_same_frames(tmp_path: Path) -> None:
    plain, packed, other, blocks = (tmp_path / name for name in ("a.pcap", "a.pcap.gz", "a.pcap.zst", "a.pcapng"))
    for path in (plain, packed, other):
        generate(Wanted("flood", SIZE), path)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(other.read_bytes()) as stream:
        assert stream.read() == plain.read_bytes()
    frames = json.loads(beside(plain).read_text())["frames"]
    generate(Wanted("flood", count=500, pcapng=True), blocks)
    generate(Wanted("flood", count=500), plain)
    fields = ("frame.time_epoch", "frame.len", "ip.src", "ip.id", "udp.length", "udp.payload")
    assert dissected(blocks, *fields) == dissected(plain, *fields)
    assert frames > len(dissected(plain, "frame.len")) > 500


def test_a_capture_is_kept_while_it_is_what_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    first = ensure(Wanted("flood", 100_000), path)
    before = path.stat().st_mtime_ns
    assert ensure(Wanted("flood", 100_000), path) == first
    assert path.stat().st_mtime_ns == before
    ensure(Wanted("flood", 100_000, seed=2), path)
    assert path.stat().st_mtime_ns > before


def test_truth_as_lines(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    result = CliRunner().invoke(
        main, ["generate", "unanswered", "--count", "1000", "--truth", str(truth), str(tmp_path / "a.pcap")]
    )
    assert json.loads(result.output)["unanswered"] == 1000
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert [line["requests"] for line in lines] == [[number] for number in range(1, 1001)]
    assert len({(line["client"], line["port"]) for line in lines}) == 1000


@pytest.mark.parametrize(("text", "octets"), [("4GB", 4 * 10**9), ("1.5mb", 1_500_000), ("12K", 12_000), ("7", 7)])
def test_sizes(text: str, octets: int) -> None:
    assert octets_of(text) == octets


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-I", "-S", "-c", code


def test_time_and_memory_are_those_of_the_process(tmp_path: Path) -> None:
    ballast = bytearray(200_000_000)
    cases = [
        Case("small", python("")),
        Case("large", python("import time; octets = bytearray(100_000_000); time.sleep(0.2)")),
        Case("busy", python("for _ in range(3_000_000): pass")),
    ]
    small, large, busy = measure(cases, 1, 20, lambda _: None)
    del ballast
    assert small.peak < 50
    assert 1 < small.runs[0].floor < 50
    assert 95 < large.peak < 150
    assert large.wall > large.cpu + 0.15  # it slept for 0.2: that costs no processor, however slow the machine is
    assert busy.cpu > small.cpu


def test_a_case_that_fails_says_why(tmp_path: Path) -> None:
    output = tmp_path / "out"
    cases = [
        Case("fails", python("import sys; sys.exit('so it is')")),
        Case("hangs", python("import time; time.sleep(60)")),
        Case("writes", python(f"open({str(output)!r}, 'w').write('row\\n')"), output=output, rows=lambda _: 7),
    ]
    fails, hangs, writes = measure(cases, 2, 1, lambda _: None)
    assert (fails.failure, fails.runs) == ("status 1: so it is", [])
    assert (hangs.failure, hangs.runs) == ("not done within 1 s", [])
    assert (len(writes.runs), writes.rows, writes.written) == (2, 7, 4)
    assert not output.exists()


def test_tables() -> None:
    table = Table("title", ["name", "s"], [["a", "1.00"], ["bc", "10"]], ["remark"])
    assert table.render() == "title\nname     s\na     1.00\nbc      10\nremark\n"
    assert table.render(markdown=True).splitlines()[2:4] == ["| name |    s |", "| ---- | ---: |"]


def test_the_runner_measures_what_is_here(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    options = ["--size", "60KB", "--kinds", "flood", "--sections", "throughput", "--repeat", "1"]
    options += ["--only", "json,tcpdump,dpkt", "--folder", str(tmp_path / "captures"), "--json", str(results)]
    result = CliRunner().invoke(main, ["run", *options], catch_exceptions=False)
    assert result.exit_code == 0
    everything = json.loads(results.read_text())
    (section,) = everything["sections"]["throughput"]
    named = {one["name"]: one for one in section["results"]}
    assert named["dpkt"]["medians"]["wall"] > 0
    assert named["dpkt"]["frames"] == section["frames"]
    assert named[REPORT]["report_over_this"]["of_medians"] == 1
    rows = named["capanalyze exchanges --format jsonl"]
    assert rows["rows"] == len(list(made(tmp_path, "flood", 60_000)[1].exchanges()))
    assert rows["medians"]["rows_per_second"] > 0
    assert everything["versions"]["dpkt"]
    assert ("tcpdump: not installed" in result.output) == (shutil.which("tcpdump") is None)
    assert "report/this" in result.output
