"""Which captures are of one host, and a report on several."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze.analysis import analyze
from capanalyze.audit import Audit, audit_of
from capanalyze.cli import main
from capanalyze.errors import TargetError
from capanalyze.hosts import hosts_of
from capanalyze.report.by_host import parts
from tests.build import START, ipv4, pcap, udp

SCANNER, OTHER_SCANNER = "198.51.100.7", "198.51.100.8"
HOSTS = ("192.0.2.100", "192.0.2.101", "192.0.2.102")


def asked(host: str, port: int = 5000, scanner: str = SCANNER, *, answers: bool = True) -> list[bytes]:
    """A scanner asks a host."""
    there = ipv4(scanner, host, 17, udp(40000, port, b"?"))
    back = ipv4(host, scanner, 17, udp(port, 40000, b"!"))
    return [there, back] if answers else [there]


def written(folder: Path, **captures: list[bytes]) -> list[str]:
    """Captures of some frames, half a second apart; an underline in a name stands for a dot."""
    paths = []
    for number, (name, frames) in enumerate(captures.items()):
        path = folder / f"{name.replace('_', '.')}.pcap"
        path.write_bytes(pcap([(START + 100 * number + at / 2, frame) for at, frame in enumerate(frames)]))
        paths.append(str(path))
    return paths


def hosts(audit: Audit) -> list[tuple[str | None, list[str]]]:
    return [(host.name, [file.name for file in host.audit.captures]) for host in hosts_of(audit)]


def both(host: str) -> list[bytes]:
    """Two scanners ask a host, so that it is told by itself."""
    return [*asked(host), *asked(host, 5001, OTHER_SCANNER)]


def test_captures_of_different_targets_are_of_different_hosts(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=both(HOSTS[1]))
    assert hosts(audit_of(paths)) == [("a", ["a.pcap"]), ("b", ["b.pcap"])]


@pytest.mark.parametrize("mode", [None, "block-all"])
def test_captures_of_one_target_are_of_one_host(tmp_path: Path, mode: str | None) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=both(HOSTS[0]))
    assert hosts(audit_of(paths, mode=mode)) == [(None, ["a.pcap", "b.pcap"])]


def test_a_target_that_is_given_says_that_all_is_of_one_host(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=both(HOSTS[1]))
    assert len(hosts(audit_of(paths, target=(HOSTS[0],)))) == 1


def test_one_mode_and_different_interfaces_in_their_names_make_captures_one_hosts(tmp_path: Path) -> None:
    names = written(tmp_path, **{"block-all_en0": both(HOSTS[0]), "block-all_ppp0": both(HOSTS[1])})
    assert len(hosts(audit_of(names))) == 1
    same = written(tmp_path, **{"block-all_en0": both(HOSTS[0]), "allow-all_en0": both(HOSTS[1])})
    assert len(hosts(audit_of(same))) == 2


def test_the_target_of_one_that_is_a_peer_in_the_other_is_another_host(tmp_path: Path) -> None:
    meeting = asked(HOSTS[1], 5002, HOSTS[0])
    names = written(tmp_path, **{"block-all_en0": both(HOSTS[0]), "block-all_ppp0": [*both(HOSTS[1]), *meeting]})
    assert len(hosts(audit_of(names))) == 2


def test_what_tells_of_no_host_is_of_the_only_one_there_is(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=[])
    assert hosts(audit_of(paths)) == [(None, ["a.pcap", "b.pcap"])]


def test_a_host_that_cannot_be_told_is_named(tmp_path: Path) -> None:
    undecided = [*both(HOSTS[0]), *both(HOSTS[1])]
    paths = written(tmp_path, a=undecided, b=both(HOSTS[2]), c=both(HOSTS[1]))
    with pytest.raises(TargetError, match=r"^a\.pcap: the target cannot be told"):
        hosts_of(audit_of(paths))
    done = CliRunner().invoke(main, ["report", *paths, "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_hosts_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = []
    for name, host in (("one", HOSTS[0]), ("two", HOSTS[1])):
        (tmp_path / name).mkdir()
        paths += written(tmp_path / name, dump=both(host))
    assert [name for name, _ in hosts(audit_of(paths))] == paths


def test_findings_say_of_which_host_they_are(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=[*asked(HOSTS[1]), *asked(HOSTS[1], 5001, answers=False)])
    analysis = analyze(audit_of(paths, mode="block-all"))
    assert {(one.host, one.service) for one in analysis.findings} == {
        (host, service) for host in ("a", "b") for service in ("udp/5000", "udp/5001")
    }
    assert "a/block-all/if0/udp/5000" in {one.id for one in analysis.findings}
    assert [(host.name, host.target.addresses) for host in analysis.hosts] == [("a", [HOSTS[0]]), ("b", [HOSTS[1]])]
    assert analysis.target.addresses == list(HOSTS[:2])
    assert sum(analysis.directions.values()) == sum(sum(one.directions.values()) for one in analysis.hosts)
    assert [len(part.findings) for part in parts(analysis)] == [2, 2]
    assert [part.directions for part in parts(analysis)] == [one.directions for one in analysis.hosts]


def test_silence_of_one_host_is_not_held_against_the_answer_of_another(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=[*asked(HOSTS[1]), *asked(HOSTS[1], 5001, answers=False)] * 2)
    later = ipv4(SCANNER, OTHER_SCANNER, 17, udp(1, 2, b"x"))
    Path(paths[1]).write_bytes(Path(paths[1]).read_bytes() + pcap([(START + 500, later)])[24:])
    (found,) = [
        one
        for one in analyze(audit_of(paths, mode="block-all")).findings
        if (one.host, one.service) == ("b", "udp/5001")
    ]
    assert found.verdict == "silent"


def test_a_report_on_several_hosts_in_every_form(tmp_path: Path) -> None:
    paths = written(tmp_path, **{f"h{number}": both(host) for number, host in enumerate(HOSTS)})
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["report", *paths, "--mode", "block-all", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("3 of 3 hosts leaked: h0, h1 and h2")
    for number, host in enumerate(HOSTS):
        assert f"h{number}: If {host} is the host under test:" in " ".join(done.stdout.split())
    assert {path.name for path in (out / "graphs").glob("leaks*")} == {
        f"leaks{page}.{form}" for page in ("", "-2", "-3") for form in ("svg", "png")
    }
    page = (out / "report.html").read_text()
    assert all(f'id="host{page_of}"' in page for page_of in ("", "-2", "-3"))
    ids = [piece.partition('"')[0] for piece in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    written_down = json.loads((out / "report.json").read_text())
    assert [one["name"] for one in written_down["hosts"]] == ["h0", "h1", "h2"]
    # A later report on one host leaves no further page behind.
    assert CliRunner().invoke(main, ["report", paths[0], "--mode", "block-all", "-o", str(out)]).exit_code == 0
    assert not list((out / "graphs").glob("*-[0-9].*"))


def test_rows_of_several_hosts_have_the_verdicts_of_their_findings(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=both(HOSTS[1]))
    done = CliRunner().invoke(main, ["exchanges", *paths, "--mode", "block-all", "--format", "jsonl"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["capture"], row["server"], row["verdict"]) for row in rows] == [
        (f"{name}.pcap", host, "leaked") for name, host in zip("ab", HOSTS, strict=False) for _ in range(2)
    ]
    assert "a: the target is 192.0.2.100 (assumed" in done.stderr
    assert "b: the target is 192.0.2.101 (assumed" in done.stderr
    table = CliRunner().invoke(main, ["exchanges", *paths, "--mode", "block-all"], env={"COLUMNS": "200"}).stdout
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [
        [str(number), f"{name}.pcap"] for name in "ab" for number in (1, 2)
    ]


def test_a_capture_that_cannot_be_read_makes_no_host_where_it_is_left_out(tmp_path: Path) -> None:
    paths = written(tmp_path, a=both(HOSTS[0]), b=both(HOSTS[1]))
    bad = tmp_path / "notes.pcap"
    bad.write_text("not a capture")
    done = CliRunner().invoke(main, ["exchanges", *paths, str(bad), "--keep-going", "--format", "jsonl"])
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 4
    assert "notes.pcap" in done.stderr
    refused = CliRunner().invoke(main, ["exchanges", *paths, str(bad)])
    assert refused.exit_code == 2
