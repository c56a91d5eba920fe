"""The command line as a user meets it: help, exit status, one line for what is wrong, files whole or not at all."""

import csv
import gzip
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capanalyze.cli import main
from capanalyze.escape import printable
from capanalyze.folder import default_folder
from tests.build import PEER, START, TARGET, block, enhanced, interface, ipv4, ntp, option, pcap, section, udp
from tests.conftest import ROOT
from tests.test_depth import make_stub

COMMANDS = ("report", "exchanges", "dissect", "modes", "services")


def run(*arguments: str | Path, octets: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=octets)


def asking() -> bytes:
    return ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(transmit=7)))


def conversation() -> bytes:
    answer = ipv4(TARGET, PEER, 17, udp(123, 50000, ntp(4, origin=7, transmit=9)))
    return pcap([(START, asking()), (START + 0.000272, answer)])


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "block-all.ppp0.pcap"
    path.write_bytes(conversation())
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_stands_in_the_readme(command: str) -> None:
    assert run(command, "--help").exit_code == 0
    assert f"capanalyze {command}" in (ROOT / "README.md").read_text("utf-8")


def test_the_list_of_commands_has_whole_sentences() -> None:
    listed = run("--help").stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == sorted(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_every_option_of_a_command_stands_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for name in ("report", "exchanges", "dissect"):
        for parameter in main.commands[name].params:
            if parameter.opts[0].startswith("-"):
                assert parameter.opts[-1] in text, (name, parameter.opts)


def test_commands_import_nothing_heavy_that_they_do_not_need(tmp_path: Path) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from capanalyze.cli import main;"
        "CliRunner().invoke(main, sys.argv[1:]);"
        "print(*sorted({'numpy','matplotlib','dpkt','pyshark','jinja2','rich','asyncio'} & set(sys.modules)))"
    )
    capture = str(ROOT / "pcaps" / "leopard" / "block-all.en0.pcap")
    for arguments, heavy in (
        (["--help"], ""),
        (["modes"], ""),
        (["exchanges", capture], ""),
        (["report", capture, "--depth", "off", "--format", "json", "-o", str(tmp_path)], "dpkt rich"),
    ):
        loaded = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert loaded.stdout == f"{heavy}\n", arguments


def test_the_package_imports_nothing_heavy() -> None:
    code = "import sys, capanalyze; print(*sorted({'numpy','matplotlib','click','msgspec'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_the_report_is_printed_and_written(capture: Path, tmp_path: Path) -> None:
    result = run("report", "--target", TARGET, capture, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "“Block all incoming connections” let ntp answer."
    assert lines[-3:] == ["", lines[0], f"Written to {tmp_path / 'out' / 'report.html'} and 11 more files"]
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")) == [
        *("evidence.pcapng", "evidence.toml"),
        *(
            f"graphs/{graph}.{form}"
            for graph in ("amplification", "latency", "leaks", "timeline")
            for form in ("png", "svg")
        ),
        *("report.html", "report.json"),
    ]


STUBS = {"killed": "kill -9 $$", "hung": "sleep 1000", "rubbish": "echo '<packet>x</packet>'", "dead": "exit 3"}


@pytest.mark.skipif(sys.platform == "win32", reason="the stubs are shell scripts")
@pytest.mark.parametrize("stub", [*STUBS, "absent"])
def test_whatever_tshark_does_the_verdicts_are_the_same(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: str
) -> None:
    monkeypatch.setattr("capanalyze.depth.PATIENCE", 0.5)
    expected = run("report", capture, "--depth", "off", "--format", "json", "-o", tmp_path / "off")
    assert expected.exit_code == 0
    make_stub(tmp_path, monkeypatch, STUBS.get(stub, ""))
    if stub == "absent":
        monkeypatch.setattr("capanalyze.depth.find_tshark", lambda: None)
    result = run("report", capture, "--format", "json", "-o", tmp_path / "on")
    assert (result.exit_code, result.stderr) == (0, "")
    off, on = (json.loads((tmp_path / folder / "report.json").read_text()) for folder in ("off", "on"))
    depth = on.pop("depth")
    assert off.pop("depth") is None
    assert off.pop("reference") is None
    assert on.pop("reference")["differences"] == []
    assert off.pop("command").replace(" --depth off", "") == on.pop("command")
    assert on == off
    assert "\n" not in depth["note"]
    assert depth["note"].startswith("tshark ")
    assert depth["tshark"] is None
    assert len(depth["exhibits"]) == 2
    assert (tmp_path / "on" / depth["file"]).stat().st_size == depth["octets"]


def test_the_command_can_be_repeated_as_it_stands_in_the_report(capture: Path, tmp_path: Path) -> None:
    options = ("--format", "json", "-o", tmp_path / "out")
    for given, named in (("auto", ""), ("off", " --depth off"), ("all", " --depth all")):
        assert run("report", capture, "--target", TARGET, "--depth", given, *options).exit_code == 0
        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert report["command"] == f"capanalyze report --target {TARGET}{named} {capture.name}"


def test_exchanges_of_a_capture_without_a_mode_are_not_judged_and_it_is_said(capture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pcap"
    other.write_bytes(pcap([(START + 9, ipv4("198.51.100.9", TARGET, 17, udp(50001, 123, ntp(transmit=9))))]))
    result = run("report", capture, other, "--target", TARGET, "--format", "json", "-o", tmp_path / "out")
    assert result.exit_code == 0
    (note,) = json.loads((tmp_path / "out" / "report.json").read_text())["notes"]
    reason = "they began outside every mode's time, or their capture has no mode"
    assert note == f"1 exchanges are not judged: {reason}"


def test_dissect_takes_no_audit_file(leopard: Path) -> None:
    result = run("dissect", leopard / "audit.toml", "--frame", "1")
    assert result.exit_code == 2
    assert result.stderr.endswith("audit.toml: is an audit file; give one of its captures\n")


def test_an_earlier_reports_evidence_does_not_stand_beside_this_ones(capture: Path, tmp_path: Path) -> None:
    assert run("report", capture, "--format", "json", "-o", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "evidence.pcapng").exists()
    assert run("report", capture, "--format", "json", "--depth", "off", "-o", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.json"]


def test_the_folder_is_named_after_the_capture(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report", capture, "--format", "json").exit_code == 0
    assert (tmp_path / "block-all.ppp0-report" / "report.json").is_file()


def test_an_audit_does_not_write_where_another_did(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mode = f'[modes.block-all]\npromise = "block"\ncaptures = ["{capture.name}"]\n'
    (tmp_path / "audit.toml").write_text(f'title = "Leopard firewall"\n{mode}')
    assert run("report", "audit.toml", "--format", "json").exit_code == 0
    assert (tmp_path / "leopard-firewall-report" / "report.json").is_file()
    (tmp_path / "audit.toml").write_text(mode)
    assert run("report", "audit.toml", "--format", "json").exit_code == 0
    assert (tmp_path / default_folder(["audit.toml"]) / "report.json").is_file()
    evidence = Path("leopard-firewall-report", "evidence.toml")
    before = {path: path.read_bytes() for path in evidence.parent.iterdir()}
    assert run("report", evidence, "--format", "json").exit_code == 0
    assert {path: path.read_bytes() for path in evidence.parent.iterdir()} == before
    assert (tmp_path / "evidence-report" / "report.json").is_file()


@pytest.mark.parametrize(
    ("forms", "depth", "line"),
    [
        ("json", "off", "Written to out/report.json"),
        ("json", "auto", "Written to out/report.json and 2 more files"),
        ("html,json", "off", "Written to out/report.html and 1 more file"),
        ("graphs", "off", "Written to out/graphs/amplification.png and 7 more files"),
        ("", "off", "“Block all incoming connections” let ntp answer."),
    ],
)
def test_the_last_line_says_where_to_look(
    forms: str, depth: str, line: str, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(capture.parent)
    result = run("report", "--target", TARGET, capture.name, "--format", forms, "--depth", depth, "-o", "out")
    assert result.stdout.splitlines()[-1] == line


def test_a_folder_that_has_a_hostile_name_steers_no_terminal(capture: Path, tmp_path: Path) -> None:
    result = run("report", capture, "--format", "json", "--depth", "off", "-o", tmp_path / "\x1b[31m\u202e\x9b")
    assert result.stdout.splitlines()[-1] == rf"Written to {tmp_path}/\x1b[31m\u202e\x9b/report.json"


def test_the_same_input_gives_the_same_octets(capture: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        environment = os.environ | {"PYTHONHASHSEED": str(len(folder) + ord(folder[0]))}
        command = [sys.executable, "-m", "capanalyze", "report", str(capture), "-o", str(tmp_path / folder)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path


def test_without_a_hash_a_report_says_the_same_but_for_that(capture: Path, tmp_path: Path) -> None:
    reports, pages = [], []
    for options in ([], ["--no-hash"]):
        done = run("report", capture, "--target", TARGET, "-o", tmp_path / "r", *options)
        assert ("not hashed (--no-hash)" in done.stdout) == bool(options)
        reports.append(json.loads((tmp_path / "r" / "report.json").read_bytes()))
        pages.append((tmp_path / "r" / "report.html").read_text())
    assert [one["inputs"][0]["sha256"] for one in reports] == [sha256(capture.read_bytes()).hexdigest(), None]
    assert "--no-hash" in reports[1].pop("command")
    del reports[0]["command"], reports[0]["inputs"][0]["sha256"], reports[1]["inputs"][0]["sha256"]
    assert reports[0] == reports[1]
    assert ["<dd>not hashed (--no-hash)</dd>" in page for page in pages] == [False, True]


def test_the_record_of_an_exchange(capture: Path) -> None:
    result = run("exchanges", "--format", "jsonl", "--target", TARGET, "--disclosures", capture)
    row = json.loads(result.stdout)
    facts = row.pop("disclosures")
    assert row == {
        "capture": "block-all.ppp0.pcap",
        "service": "ntp",
        "transport": "udp",
        "client": PEER,
        "client_port": 50000,
        "server": TARGET,
        "server_port": 123,
        "requests": [1],
        "replies": [2],
        "time": "2007-10-29T10:13:06.000000Z",
        "rtt_us": 272.0,
        "request_octets": 48,
        "reply_octets": 48,
        "outcome": "replied",
        "reason": "server reply",
        "pairing": "exact",
        "direction": "inbound",
        "mode": "block-all",
        "zone": "internet",
        "verdict": "leaked",
    }
    assert {"kind": "stratum", "value": "2"} in facts


def test_rows_say_the_same_in_every_form(leopard: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    capture = leopard / "block-all.ppp0.pcap"
    lines = [json.loads(line) for line in run("exchanges", "--format", "jsonl", capture).stdout.splitlines()]
    assert run("exchanges", "-o", tmp_path / "rows.parquet", capture).exit_code == 0
    assert run("exchanges", "-o", tmp_path / "rows.csv", capture).exit_code == 0
    columns = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    # A column is null where a line does not have the key.
    assert [
        {key: value for key, value in row.items() if key in lines[0] or value is not None} for row in columns
    ] == lines
    with (tmp_path / "rows.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [(row["service"], row["requests"], row["outcome"]) for row in cells] == [
        (row["service"], " ".join(map(str, row["requests"])), row["outcome"]) for row in lines
    ]
    assert len(run("exchanges", capture).stdout.splitlines()) == len(lines) + 1


def test_only_the_services_asked_for_are_listed(leopard: Path) -> None:
    result = run(
        "exchanges", "--format", "jsonl", "--service", "ntp", "--service", "tcp/22", leopard / "block-all.en0.pcap"
    )
    assert {json.loads(line)["service"] for line in result.stdout.splitlines()} == {"ntp", "tcp/22"}


def test_a_port_asks_for_every_service_on_it(leopard: Path) -> None:
    result = run("exchanges", "--format", "jsonl", "--service", "udp/123", leopard / "block-all.en0.pcap")
    assert {json.loads(line)["service"] for line in result.stdout.splitlines()} == {"ntp", "ntp-control"}


@pytest.mark.parametrize("service", ["ntpd", "tcp/99999", "tcp", ""])
def test_a_service_that_cannot_be_listed_is_refused(capture: Path, service: str) -> None:
    result = run("exchanges", "--service", service, capture)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"capanalyze: --service: is {service!r}, expected tcp/PORT, udp/PORT or one of ard")


def test_a_span_of_time_limits_what_is_read(capture: Path) -> None:
    assert run("exchanges", "--format", "jsonl", "--since", "2007-10-29T10:13:07Z", capture).stdout == ""
    both = run("exchanges", "--format", "jsonl", "--until", "2007-10-29T11:13:07+01:00", capture)
    assert json.loads(both.stdout)["replies"] == [2]


def test_stdin_packed_or_not() -> None:
    for octets in (conversation(), gzip.compress(conversation())):
        command = [sys.executable, "-m", "capanalyze", "exchanges", "--format", "jsonl", "--disclosures", "-"]
        done = subprocess.run(command, input=octets, capture_output=True, check=True)
        row = json.loads(done.stdout)
        assert (row["capture"], row["replies"]) == ("stdin", [2])
        assert row["disclosures"]


def test_a_header_without_frames_is_a_result(tmp_path: Path) -> None:
    (tmp_path / "empty.pcap").write_bytes(pcap([]))
    result = run("report", tmp_path / "empty.pcap", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["findings"] == []
    assert "the capture holds no frames" in report["inputs"][0]["notes"]


def test_a_capture_cut_in_mid_frame_is_read_as_far_as_it_goes(capture: Path, tmp_path: Path) -> None:
    capture.write_bytes(conversation()[:-5])
    assert run("report", capture, "-o", tmp_path / "out", "--format", "json").exit_code == 0
    (entry,) = json.loads((tmp_path / "out" / "report.json").read_text())["inputs"]
    assert entry["frames"] == 1
    assert any(note.startswith("cut: the capture ends inside the record at octet") for note in entry["notes"])


def test_every_frame_is_accounted_for(leopard: Path, tmp_path: Path) -> None:
    assert run("report", leopard / "audit.toml", "-o", tmp_path, "--format", "json").exit_code == 0
    for entry in json.loads((tmp_path / "report.json").read_text())["inputs"]:
        assert sum(entry["account"].values()) == entry["frames"] > 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["{tmp}/none.pcap"], "none.pcap: No such file or directory"),
        (["{tmp}"], "is a directory, not a capture"),
        (["{tmp}/empty"], "empty: not a capture: the file is empty"),
        (["{tmp}/text"], "text: not a capture but text: packets are recorded with tcpdump -w FILE"),
        (["{tmp}/usb.pcap"], "usb.pcap: link type 220 (USB_LINUX_MMAPPED) is not one that is read"),
        (["--mode", "x", "{tmp}/a.pcap"], "--mode: is 'x', expected one of"),
        (["--since", "noon", "{tmp}/a.pcap"], "--since: is 'noon', expected a time such as"),
        (["--format", "pdf", "{tmp}/a.pcap"], "--format: is 'pdf', expected some of html, json, graphs"),
        (["{tmp}/a.toml", "{tmp}/a.pcap"], "give it alone"),
        (["-o", "{tmp}/text", "--target", TARGET, "{tmp}/a.pcap"], "text"),
        (["{tmp}/a.pcap", "{tmp}/copy.pcap"], "a.pcap and copy.pcap hold the same traffic (frame 1 of one is frame 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, arguments: list[str], reason: str) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("not a capture at all")
    (tmp_path / "a.pcap").write_bytes(conversation())
    (tmp_path / "copy.pcap").write_bytes(conversation())
    (tmp_path / "usb.pcap").write_bytes(pcap([], link=220))
    out = [] if "-o" in arguments else ["-o", str(tmp_path / "out")]
    result = run("report", *[argument.format(tmp=tmp_path) for argument in arguments], *out)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("capanalyze: ")
    assert reason in line
    assert not (tmp_path / "out").exists()


def test_without_a_command_it_is_shown_what_to_type() -> None:
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("capanalyze shows which replies leaked through a host's firewall.\n")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    commands = [line.strip() for line in result.stdout.splitlines() if line.startswith("  ") and line[2] != " "]
    assert commands == [
        "capanalyze report capture.pcap",
        "capanalyze report --mode block-all capture.pcap",
        "tcpdump -U -w - | capanalyze report -",
        "capanalyze exchanges capture.pcap",
    ]
    assert result.stdout.endswith("\ncapanalyze --help lists all commands.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["report"],
        ["nothing"],
        ["exchanges", "--form", "x"],
        ["report", "--mode"],
        ["dissect", "x.pcap"],
        ["dissect", "x.pcap", "--frame", "1", "--exchange", "1"],
        ["dissect", "x.pcap", "--exchange", "0"],
    ],
)
def test_wrong_use_is_said_in_one_line(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stderr) < 120


@pytest.mark.parametrize(
    "arguments",
    [
        ["{x}"],
        ["report", "--{x}"],
        ["report", "--mode", "{x}", "x.pcap"],
        ["report", "--mode={x}", "x.pcap"],
        ["report", "--quiet={x}", "x.pcap"],
        ["report", "--depth", "{x}", "x.pcap"],
        ["report", "--format", "{x}", "x.pcap"],
        ["report", "--target", "{x}", "x.pcap"],
        ["report", "--zone", "{x}", "x.pcap"],
        ["report", "--since", "{x}", "x.pcap"],
        ["report", "{x}.pcap"],
        ["report", "{x}.toml"],
        ["exchanges", "--service", "{x}", "x.pcap"],
        ["exchanges", "-o", "{x}/x", "{capture}"],
        ["dissect", "x.pcap", "{x}"],
        ["dissect", "x.pcap", "--frame", "{x}"],
        ["dissect", "x.pcap", "--exchange", "{x}"],
    ],
)
def test_an_argument_that_is_repeated_steers_no_terminal(arguments: list[str], capture: Path) -> None:
    hostile = "a\x1b[31m\x9b\u202e\u200b\u3164\x85\r\u2028\udcff"
    result = run(*[word.format(x=hostile, capture=capture) for word in arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("\n")
    assert printable(result.stderr[:-1], sys.maxsize) == result.stderr[:-1]


def test_a_file_is_called_by_its_name_in_an_error() -> None:
    result = run("report", "a  b\nc\u2028d.pcap")
    assert result.stderr == "capanalyze: a  b\\x0ac\\u2028d.pcap: No such file or directory\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("arguments", [["report"], ["dissect", "--frame", "1"]])
def test_a_named_pipe_is_refused_and_not_waited_for(arguments: list[str], tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    result = run(*arguments, pipe)
    assert result.exit_code == 2
    assert result.stderr == f"capanalyze: {pipe}: is a pipe: give - and let it be standard input\n"


def test_a_span_of_time_that_ends_before_it_begins_is_refused(capture: Path) -> None:
    result = run("exchanges", "--since", "2007-10-30", "--until", "2007-10-29", capture)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "capanalyze: --until: is '2007-10-29', expected a time after --since '2007-10-30'\n"


@pytest.mark.parametrize(
    "arguments",
    ["exchanges {capture}", "exchanges --format jsonl {capture}", "report -o {out} {capture}", "services"],
)
def test_a_reader_that_stops_reading_is_no_error(arguments: str, leopard: Path, tmp_path: Path) -> None:
    words = arguments.format(capture=leopard / "block-all.en0.pcap", out=tmp_path / "out").split()
    command = [sys.executable, "-m", "capanalyze", *words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_built_in_is_listed() -> None:
    assert "specific (also specific-services)" in run("modes").stdout
    listed = run("services").stdout
    assert "ntp" in listed
    assert "    NetFlow            udp 2055, 9995, 9996: a collector stores what exporters send (RFC 3954" in listed
    assert "    discard            any datagram (RFC 863)\n" in listed
    assert "    RIP response       udp 520, 521: routes are told; a request is answered" in listed


# -- Numbers and notes of rows -----------------------------------------------------------------------


def cells_of(*arguments: str | Path) -> list[dict[str, str]]:
    """The rows of a table; no cell is asked for that holds two blanks."""
    heading, *lines = run("exchanges", *arguments).stdout.splitlines()
    return [dict(zip(heading.split(), re.split(r" {2,}", line.strip()), strict=False)) for line in lines]


def frames_shown(capture: Path, number: str) -> set[int]:
    """The frames that `dissect` shows of an exchange."""
    shown = json.loads(run("dissect", capture, "--exchange", number, "--format", "json").stdout)
    return {frame["frame"] for frame in shown["frames"]}


@pytest.mark.parametrize("options", [(), ("--service", "ntp", "--service", "tcp/22"), ("--mode", "allow-all")])
def test_dissect_takes_the_number_of_a_row(
    leopard: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr("capanalyze.depth.find_tshark", lambda: None)
    capture = leopard / "block-all.en0.pcap"
    rows = cells_of(capture, *options)
    shown = [row for row in rows if re.fullmatch(r"[0-9]+→([0-9]+|–)", row["frames"])]  # noqa: RUF001 - none
    assert (len(rows) == 73) == (options[:1] != ("--service",))
    for row in (*shown[:4], shown[-1]):
        assert frames_shown(capture, row["#"]) == {int(one) for one in re.findall("[0-9]+", row["frames"])}


def test_dissect_takes_the_number_of_a_row_of_many(leopard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capanalyze.depth.find_tshark", lambda: None)
    monkeypatch.setattr("capanalyze.flow.FEW", 10)
    capture = leopard / "block-all.en0.pcap"
    rows = cells_of(capture, "--target", "198.51.100.10", "--service", "nbns")
    shown = [row for row in rows if re.fullmatch("[0-9]+→[0-9]+", row["frames"])]
    assert shown
    for row in shown:
        assert frames_shown(capture, row["#"]) == {int(one) for one in re.findall("[0-9]+", row["frames"])}


def test_in_an_audit_dissect_takes_it_for_each_capture(leopard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capanalyze.depth.find_tshark", lambda: None)
    rows = cells_of(leopard / "audit.toml", "--service", "ntp")
    assert len({row["capture"] for row in rows}) == 6
    for row in [row for row in rows if row["frames"].endswith("→4")]:
        assert frames_shown(leopard / row["capture"], row["#"]) == {3, 4}


def test_a_row_has_no_number_that_dissect_would_not_take(
    leopard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = leopard / "block-all.en0.pcap", leopard / "allow-all.en0.pcap"
    assert "#" not in cells_of("--since", "2007-10-29", captures[0])[0]
    (tmp_path / "block-all.pcapng").write_bytes(section() + interface(101) + enhanced(0, 0, asking()))
    (tmp_path / "audit.toml").write_text(
        '[modes.block-all]\npromise = "block"\ncaptures = [{ file = "block-all.pcapng", interfaces = [0] }]\n'
    )
    assert ["#" in row for row in cells_of(tmp_path / "block-all.pcapng")] == [True]
    assert ["#" in row for row in cells_of(tmp_path / "audit.toml")] == [False]
    monkeypatch.setattr("capanalyze.flow.FEW", 10)
    assert "#" in cells_of(captures[0])[0]
    assert "#" not in cells_of(*captures)[0]


CUT = conversation() + pcap([(START + 1, asking())])[24:-9]
SPECIAL = {
    "whole.pcap": (conversation(), []),
    "cut.pcap": (CUT, ["cut: the capture ends inside the record at octet 208, behind frame 2"]),
    "damaged.pcapng": (
        section() + interface(101) + enhanced(0, 0, asking()) + bytes(32),
        ["cut: no record can be read at octet 156, behind frame 1; the rest was left out"],
    ),
    "short.pcap": (
        pcap([(START, asking())], snaplen=22),
        [
            "frames are cut before their ports: silence is not proven; capture with a larger snap length",
            "1 frame could not be read: cut by the snap length before the ports 1",
        ],
    ),
    "odd.pcap": (
        pcap([(START, ipv4(PEER, TARGET, 132, bytes(20)))]),
        ["1 frame could not be read: IP protocol 132 (SCTP), not read 1"],
    ),
    "dropped.pcapng": (
        section() + interface(101) + block(5, bytes(12) + option(5, (17).to_bytes(8, "little"))),
        ["the capture holds no frames", "dropped: 17 frames by the kernel, before they were captured"],
    ),
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_what_is_special_of_a_capture_is_said_beside_its_rows(tmp_path: Path, name: str, form: str) -> None:
    octets, notes = SPECIAL[name]
    (tmp_path / name).write_bytes(octets)
    result = run("exchanges", "--format", form, "--target", TARGET, tmp_path / name)
    assert (result.exit_code, result.stderr.splitlines()) == (0, [f"capanalyze: {name}: {note}" for note in notes])


def test_it_is_said_beside_parquet_too(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "cut.pcap").write_bytes(CUT)
    result = run("exchanges", "--target", TARGET, "-o", tmp_path / "rows.parquet", tmp_path / "cut.pcap")
    assert result.stderr == f"capanalyze: cut.pcap: {SPECIAL['cut.pcap'][1][0]}\n"


def test_a_note_on_the_whole_names_no_capture(capture: Path) -> None:
    result = run("exchanges", "--target", TARGET, "--zone", "en7=lan", capture)
    assert result.stderr == "capanalyze: zone lan: no capture has an interface en7\n"


def test_a_note_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\n.pcap"
    path.write_bytes(CUT)
    result = run("exchanges", "--target", TARGET, "--format", "jsonl", path)
    assert result.stderr.startswith("capanalyze: a\\x1b[2J\\x0a.pcap: cut: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_a_table_fits_the_terminal_that_it_is_shown_on(columns: int) -> None:
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm"}
    command = [sys.executable, "-m", "capanalyze", "exchanges", str(ROOT / "pcaps" / "ipv6" / "audit.toml")]
    shown, terminal = os.openpty()
    octets = b""
    with subprocess.Popen(command, stdout=terminal, env=environment) as process:
        os.close(terminal)
        with suppress(OSError):  # the other end was closed
            while more := os.read(shown, 65536):
                octets += more
    os.close(shown)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", octets.decode()).splitlines()
    rows = CliRunner().invoke(main, [*command[3:4], "--format", "jsonl", *command[4:]]).stdout
    assert (process.returncode, len(lines)) == (0, 1 + len(rows.splitlines()))
    assert columns - 30 < max(map(len, lines)) <= columns
