"""Many captures at once, of which some cannot be read, or are pieces that were not written to yet."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capanalyze.cli import main
from tests.build import PEER, START, TARGET, datagram, enhanced, interface, ntp, pcap, section, segment

REQUEST = ntp(3, transmit=7)
REPLY = ntp(4, origin=7)
LATER = segment(PEER, 40000, TARGET, 22, "A")  # carries nothing; the capture goes on until then
OPTIONS = ("--mode", "block-all", "--target", TARGET)
TEXT = "notes.pcap: not a capture but text: packets are recorded with tcpdump -w FILE"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def exchange(start: int) -> bytes:
    """A capture with a request and its reply."""
    asked = datagram(PEER, 50000, TARGET, 123, REQUEST, ident=start % 65536)
    answered = datagram(TARGET, 123, PEER, 50000, REPLY)
    return pcap([(start, asked), (start + 0.001, answered), (start + 60, LATER)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two captures that are read, and four that are not."""
    (tmp_path / "a.pcap").write_bytes(exchange(START))
    (tmp_path / "b.pcap").write_bytes(exchange(START + 1000))
    (tmp_path / "notes.pcap").write_text("10 requests were sent")
    (tmp_path / "usb.pcap").write_bytes(pcap([(START, b"urb")], link=220))
    (tmp_path / "usb.pcapng").write_bytes(section() + interface(189) + enhanced(0, 0, b"urb"))
    (tmp_path / "empty.pcap").touch()
    return tmp_path


ODD = ("notes.pcap", "usb.pcap", "usb.pcapng", "empty.pcap", "none.pcap")


@pytest.mark.parametrize("name", ODD)
def test_without_keep_going_one_of_many_ends_the_run_and_the_way_out_is_named(folder: Path, name: str) -> None:
    for command in (["report", "-o", folder / "out"], ["exchanges"]):
        result = run(*command, *OPTIONS, folder / "a.pcap", folder / name)
        assert (result.exit_code, result.stdout.count("\n")) == (2, 0)
        assert name in result.stderr
        assert result.stderr.endswith("(--keep-going leaves it out)\n")


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("place", range(3))
def test_what_cannot_be_read_is_left_out_and_named(folder: Path, name: str, place: int) -> None:
    files = [folder / "a.pcap", folder / "b.pcap"]
    files.insert(place, folder / name)
    result = run("report", *OPTIONS, "--keep-going", "--depth", "off", "--format", "json", "-o", folder / "out", *files)
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert said.startswith("“Block all incoming connections” let ntp answer; 1 of 3 captures could not be read.")
    data = json.loads((folder / "out" / "report.json").read_text())
    assert [one["name"] for one in data["inputs"]] == ["a.pcap", "b.pcap"]
    assert data["modes"][0]["captures"] == ["a.pcap", "b.pcap"]
    (reason,) = data["left_out"]
    assert name in reason
    assert "--keep-going" in data["command"]
    (finding,) = data["findings"]
    assert (finding["verdict"], finding["replied"], finding["provable"]) == ("leaked", 2, 2)
    rows = run("exchanges", *OPTIONS, "--keep-going", "--format", "jsonl", *files)
    assert (rows.exit_code, len(rows.stdout.splitlines())) == (0, 2)
    assert rows.stderr.splitlines()[0].startswith("capanalyze: left out: ")
    assert name in rows.stderr


def test_no_result_is_of_what_was_left_out(folder: Path) -> None:
    (folder / "silent.pcap").write_bytes(exchange(START)[:24])
    result = run(
        "report", *OPTIONS, "--keep-going", "--format", "html", "-o", folder, folder / "a.pcap", folder / "notes.pcap"
    )
    assert result.exit_code == 0
    page = (folder / "report.html").read_text()
    assert "1 of 2 captures could not be read" in page
    assert f"<strong>Left out:</strong> {TEXT}" in page


def test_silence_is_told_of_what_could_be_read_only(folder: Path) -> None:
    asked = datagram(PEER, 50000, TARGET, 123, REQUEST)
    (folder / "silent.pcap").write_bytes(pcap([(START, asked), (START + 60, LATER)]))
    result = run(
        "report", *OPTIONS, "--keep-going", "-o", folder / "out", folder / "silent.pcap", folder / "notes.pcap"
    )
    said = " ".join(result.stdout.split())
    assert said.startswith("No leaks in what could be read")
    assert "1 of 2 captures could not be read." in said


@pytest.mark.parametrize("command", ["report", "exchanges"])
def test_nothing_left_is_an_error(folder: Path, command: str) -> None:
    options = ["-o", str(folder / "out")] if command == "report" else []
    result = run(
        command, *OPTIONS, *options, "--keep-going", folder / "notes.pcap", folder / "usb.pcap", folder / "x.pcap"
    )
    assert result.exit_code == 2
    assert result.stderr == f"capanalyze: nothing could be read: {TEXT}; nor could 2 more\n"
    assert not (folder / "out").exists()


def test_an_audit_goes_on_without_a_capture(folder: Path) -> None:
    audit = folder / "audit.toml"
    audit.write_text(
        f'[target]\naddresses = ["{TARGET}"]\n'
        '[modes.one]\npromise = "block"\ncaptures = ["a.pcap"]\n'
        '[modes.two]\npromise = "block"\ncaptures = ["notes.pcap"]\n'
    )
    result = run("report", "--keep-going", "--format", "json", "-o", folder / "out", audit)
    assert result.exit_code == 0, result.stderr
    data = json.loads((folder / "out" / "report.json").read_text())
    assert [(one["name"], one["captures"]) for one in data["modes"]] == [("one", ["a.pcap"]), ("two", [])]
    assert "No request to the target was captured under two." in result.stdout


def test_all_of_it_is_verified_without_what_was_left_out(folder: Path) -> None:
    result = run(
        "report",
        *OPTIONS,
        "--keep-going",
        "--verify",
        "--format",
        "",
        "-o",
        folder / "out",
        folder / "a.pcap",
        folder / "notes.pcap",
    )
    assert result.exit_code == 0
    assert "agrees on all 1 exchange" in result.stdout


@pytest.mark.parametrize("empty", range(3))
def test_a_piece_without_an_octet_has_no_frames(tmp_path: Path, empty: int) -> None:
    files = [tmp_path / f"live.pcap{number}" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(b"" if number == empty else exchange(START + 100 * number))
    result = run("report", *OPTIONS, "--format", "json", "-o", tmp_path / "out", *files)
    assert result.exit_code == 0, result.stderr
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    entry = next(one for one in data["inputs"] if one["name"] == f"live.pcap{empty}")
    assert (entry["frames"], entry["format"], entry["account"]) == (0, "empty", {})
    assert entry["notes"] == ["it is an empty piece: no frame had been written to it yet"]
    assert data["findings"][0]["replied"] == 2
    assert "could not be read" not in result.stdout
    rows = run("exchanges", *OPTIONS, "--format", "jsonl", *files)
    assert rows.exit_code == 0
    assert f"capanalyze: live.pcap{empty}: it is an empty piece: no frame had been written to it yet\n" in rows.stderr


def test_pieces_that_are_all_empty_are_no_capture(tmp_path: Path) -> None:
    files = [tmp_path / f"live.pcap{number}" for number in range(2)]
    for file in files:
        file.touch()
    result = run("report", *OPTIONS, "-o", tmp_path / "out", *files)
    assert result.exit_code == 2
    assert "live.pcap0: not a capture: the file is empty" in result.stderr
