"""The made captures that each hold one trap, and the hostile ones: what a user gets to see."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from capanalyze.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows(path: Path, *options: str) -> list[dict[str, Any]]:
    result = run("exchanges", "--format", "jsonl", path, *options)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def traps(shared: Path) -> Path:
    return shared / "captures" / "traps"


def pairs(path: Path, *options: str) -> list[tuple[list[int], list[int]]]:
    return [(row["requests"], row["replies"]) for row in rows(path, *options)]


def test_a_reply_goes_to_the_request_whose_timestamp_it_returns(traps: Path) -> None:
    assert pairs(traps / "t3.pcap") == [([1], [3]), ([2], []), ([], [4]), ([5], [6])]


def test_the_targets_own_client_traffic_is_no_leak(traps: Path) -> None:
    found = rows(traps / "t3.pcap", "--target", "192.0.2.10", "--mode", "block-all")
    assert [(row["direction"], row["verdict"]) for row in found] == [
        ("inbound", "leaked"),
        ("inbound", "blocked"),
        ("inbound", "indeterminate"),
        ("outbound", None),
    ]


def test_without_a_word_on_the_target_two_hosts_that_answer_are_undecidable(traps: Path, tmp_path: Path) -> None:
    result = run("report", traps / "t3.pcap", "-o", tmp_path)
    assert result.exit_code == 2
    assert result.stderr == (
        "capanalyze: the target cannot be told; candidates are 192.0.2.10, 198.51.100.7 (answered); "
        "name the host under test with --target 192.0.2.10, once for each of its addresses\n"
    )


def test_every_exchange_of_the_sampler_is_paired(traps: Path) -> None:
    # All its frames bear one source MAC address: the multicast answer in 8 looks like the asker's own.
    assert pairs(traps / "t1.pcap") == [
        ([1], [2]),
        ([3], [4]),
        ([5], [6]),
        ([7], []),
        ([], [8]),
        ([9], [10]),
        ([11], [12]),
        ([13], [14, 15, 16]),
    ]


def test_nmaps_probes_are_told_apart_by_what_they_can_draw(traps: Path) -> None:
    found = {row["requests"][0]: (row["service"], row["outcome"], row["reason"]) for row in rows(traps / "nm.pcap")}
    assert found[3] == ("ipp", "rejected", "port unreachable")
    assert found[5] == ("nbdgm", "rejected", "port unreachable")
    assert found[7] == ("mdns", "silent", "server status request, which need not be answered")
    assert found[8] == ("mdns", "silent", "query of another class, which need not be answered")
    assert [service for service, _, _ in found.values()].count("nbns") == 6
    assert {row["direction"] for row in rows(traps / "nm.pcap")} == {"local"}


@pytest.mark.parametrize("name", ["pktap258.pcap", "pktap149.pcap"])
def test_pktap_tells_interface_and_direction(traps: Path, name: str) -> None:
    (row,) = rows(traps / name, "--mode", "block-all")
    assert (row["zone"], row["direction"], row["verdict"]) == ("internet", "inbound", "leaked")


def test_times_are_right_on_both_interfaces_of_a_mixed_capture(traps: Path) -> None:
    (row,) = rows(traps / "mix.pcapng")
    assert (row["requests"], row["replies"]) == ([1], [2])
    assert (row["time"], row["rtt_us"]) == ("2007-10-29T09:33:06.944735Z", 272.0)


def test_on_the_target_a_dropped_request_is_seen_and_a_dropped_reply_is_not(traps: Path) -> None:
    found = [(row["service"], row["outcome"], row["reason"]) for row in rows(traps / "tap.pcap")]
    assert found == [
        ("udp/12345", "replied", "datagram"),
        ("udp/12345", "indeterminate", "the capture ended"),
        ("udp/12345", "indeterminate", "the capture ended"),
        ("udp/12345", "rejected", "communication administratively prohibited, by a filter"),
        ("udp/12399", "rejected", "port unreachable"),
    ]


# Runs in a process of its own, so that its memory is its own: each file through both commands.
HOSTILE = """
import gc, sys, time
from pathlib import Path
from click.testing import CliRunner
from capanalyze.cli import main
files = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file())
for path in files[int(sys.argv[3]) :: 2]:
    for command in (
        ["exchanges", "--disclosures", "--format", "jsonl"],
        ["report", "--mode", "block-all", "--depth", "auto", "--format", "html,json", "-o", sys.argv[2]],
    ):
        gc.collect()  # the program itself hardly does: it ends with each command
        start = time.monotonic()
        result = CliRunner().invoke(main, [*command, str(path)])
        took = time.monotonic() - start
        crashed = result.exception and not isinstance(result.exception, SystemExit)
        lines = result.stderr.splitlines()
        if crashed or took > 10 or result.exit_code not in (0, 2) or (result.exit_code == 2 and len(lines) != 1):
            print(path.name, command[0], result.exit_code, round(took, 1), repr(result.exception), lines[:3])
# Not ru_maxrss, which starts with what the parent had when it made this process.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print("peak", status["VmHWM"].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from Linux's /proc")
def test_nothing_hostile_crashes_hangs_or_eats_memory(shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "captures" / "hostile.tar.xz") as archive:
        archive.extractall(tmp_path / "hostile", filter="data")
    halves = [
        subprocess.Popen(
            [sys.executable, "-c", HOSTILE, str(tmp_path / "hostile"), str(tmp_path / f"report{half}"), str(half)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for half in range(2)
    ]
    for process in halves:
        lines = process.communicate()[0].splitlines()
        assert process.returncode == 0
        assert lines[:-1] == []
        assert int(lines[-1].split()[1]) * 1024 < 350 * 1024 * 1024
