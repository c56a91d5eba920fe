"""Some frames of a capture to the octet: which are found, what tshark is given, and what becomes of what it says."""

import gzip
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner, Result

from capanalyze import dissecting
from capanalyze.audit import audit_of
from capanalyze.cli import main
from capanalyze.depth import FRAME_BY_FRAME, Opinion, find_tshark
from capanalyze.dissecting import MOST, Answer, dissect_frames, renumbered, wanted_frames
from capanalyze.errors import AuditError
from capanalyze.exhibits import display_filter
from capanalyze.model import Dissection, Expert, Field
from tests.build import PEER, START, TARGET, block, datagram, enhanced, ethernet, interface, ntp, option, pcap, section
from tests.conftest import PCAPS

LEOPARD = PCAPS / "leopard"
CAPTURE = LEOPARD / "block-all.ppp0.pcap"
GOLDEN = Path(__file__).parent / "golden" / "dissection.txt"
# What is said of an exchange's verdict where nobody names the target.
ASSUMED = (
    "capanalyze: the target is 203.0.113.10 and 2001:db8:99::10 (assumed: it answers the requests; "
    "to confirm it, add --target 203.0.113.10 --target 2001:db8:99::10)\n"
)

needs_tshark = pytest.mark.skipif(find_tshark() is None, reason="tshark is not installed")


def run(*arguments: str | Path, octets: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["dissect", *map(str, arguments)], input=octets)


def frames_of(path: Path, *numbers: int) -> Answer:
    return dissect_frames(audit_of([str(path)]), numbers, identify=False)


@pytest.fixture
def without_tshark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capanalyze.depth.find_tshark", lambda: None)


def line(name: str, shown: str, value: str = "", size: int = 0, *below: Field) -> Field:
    return Field(name=name, shown=shown, offset=0, size=size, value=value, fields=list(below))


# -- Which frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["12"], [12]),
        (["12,14"], [12, 14]),
        (["12-15"], [12, 13, 14, 15]),
        (["14", "12-13,14", " 1 , 3 - 4 "], [1, 3, 4, 12, 13, 14]),
        ([f"1-{MOST}"], list(range(1, MOST + 1))),
    ],
)
def test_frames_are_named_in_several_ways(texts: list[str], numbers: list[int]) -> None:
    assert wanted_frames(texts) == numbers


@pytest.mark.parametrize("text", ["", "0", "x", "-3", "5-3", "1,,2", "0-4", "1-2-3", "٣", "1" * 19, "1.5"])
def test_what_names_no_frame_is_refused(text: str) -> None:
    with pytest.raises(AuditError, match="expected numbers from 1"):
        wanted_frames([text])


@pytest.mark.parametrize("texts", [[f"1-{MOST + 1}"], ["1-999999999999999999"], [f"1-{MOST}", str(MOST + 1)]])
def test_there_is_an_end_to_how_many(texts: list[str]) -> None:
    with pytest.raises(AuditError, match="at most 1,000 are dissected at a time"):
        wanted_frames(texts)


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([], ""),
        ([12], "frame.number in {12}"),
        ([12, 13], "frame.number in {12, 13}"),
        ([1, 12, 13, 14, 16], "frame.number in {1, 12..14, 16}"),
    ],
)
def test_the_display_filter(numbers: list[int], shown: str) -> None:
    assert display_filter(numbers) == shown


@pytest.mark.usefixtures("without_tshark")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--frame", "1000"], "block-all.ppp0.pcap: there is no frame 1000: the capture has 113 frames"),
        (["--frame", "3,999999999999"], "there is no frame 999999999999"),
        (["--exchange", "1000"], "block-all.ppp0.pcap: there is no exchange 1000: the capture has 69 exchanges"),
        (["--frame", "x"], "--frame: is 'x', expected numbers from 1"),
        (["--frame", "1-1001"], "--frame: asks for 1,001 frames, at most 1,000 are dissected at a time"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, arguments: list[str], reason: str) -> None:
    result = run(CAPTURE, "-o", tmp_path / "out", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (said,) = result.stderr.splitlines()
    assert said.startswith("capanalyze: ")
    assert reason in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("octets", "count"), [(pcap([]), "no frames"), (pcap([(START, b"x")]), "1 frame")])
def test_a_capture_may_have_few_frames(tmp_path: Path, octets: bytes, count: str) -> None:
    (tmp_path / "few.pcap").write_bytes(octets)
    result = run(tmp_path / "few.pcap", "--frame", "2")
    assert result.stderr == f"capanalyze: few.pcap: there is no frame 2: the capture has {count}\n"


@pytest.mark.usefixtures("without_tshark")
def test_an_exchange_may_have_too_many_frames(tmp_path: Path) -> None:
    ask = datagram(PEER, 50000, TARGET, 123, ntp(transmit=7))
    (tmp_path / "many.pcap").write_bytes(pcap([(START + number / 1000, ask) for number in range(MOST + 1)]))
    result = run(tmp_path / "many.pcap", "--exchange", "1")
    assert result.exit_code == 2
    assert "--exchange: asks for 1,001 frames, at most 1,000" in result.stderr


def odd() -> bytes:
    """A capture of two sections: a frame, a block without one, a frame of no interface, and in between one of each."""
    custom = block(0xBAD, struct.pack("<I", 32473) + b"data")
    frame = datagram(PEER, 50000, TARGET, 123, ntp(transmit=7))
    named = interface(101, option(2, b"ppp0") + option(0, b""))
    first = section() + named + enhanced(0, START * 1_000_000, frame) + custom + enhanced(7, 0, frame)
    second = section(">") + interface(1, order=">") + enhanced(0, 0, ethernet(frame), order=">")
    return first + second


@pytest.mark.usefixtures("without_tshark")
def test_what_is_no_frame_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "odd.pcapng"
    path.write_bytes(odd())
    answer = frames_of(path, 1, 2, 3, 4)
    assert [(one.frame, one.interface, one.link_type, one.captured) for one in answer.dissected.frames] == [
        (1, "ppp0", "RAW", 76),
        (4, "if1", "ETHERNET", 90),
    ]
    assert answer.dissected.filter == "frame.number in {1, 4}"
    assert answer.notes[:2] == [
        "frame 2 is a block without a packet",
        "frame 3 came by an interface that the capture does not describe",
    ]
    result = run(path, "--frame", "2")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == "capanalyze: frame 2 is a block without a packet"
    assert result.stdout == "capture  odd.pcapng\n"


# -- However it comes --------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_tshark")
@pytest.mark.parametrize("arguments", [["--frame", "3-4,113"], ["--exchange", "2", "--exchange", "1"]])
def test_packed_or_from_stdin_the_frames_are_the_same(tmp_path: Path, arguments: list[str]) -> None:
    octets = CAPTURE.read_bytes()
    packed = {"x.gz": gzip.compress(octets), "x.zst": zstandard.ZstdCompressor().compress(octets), "x.pcap": octets}
    found = []
    for name, written in packed.items():
        (tmp_path / name).write_bytes(written)
        found.append(json.loads(run(tmp_path / name, *arguments, "--format", "json").stdout))
    environment = os.environ | {"PATH": str(tmp_path)}  # no tshark here either
    for name in packed:
        command = [sys.executable, "-m", "capanalyze", "dissect", "-", *arguments, "--format", "json"]
        with (tmp_path / name).open("rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True, check=True, env=environment)
        found.append(json.loads(done.stdout))
    assert len(found[0]["frames"]) >= 3
    assert all(one["frames"] == found[0]["frames"] for one in found)
    assert [one["capture"] for one in found[3:]] == ["stdin"] * 3


@pytest.mark.usefixtures("without_tshark")
def test_a_file_is_named_by_its_hash_however_far_it_was_read() -> None:
    hashed = subprocess.run(["sha256sum", CAPTURE], capture_output=True, text=True, check=True).stdout.split()[0]
    for arguments in (["--frame", "1"], ["--frame", "113"], ["--exchange", "1"]):
        assert json.loads(run(CAPTURE, *arguments, "--format", "json").stdout)["sha256"] == hashed
        assert json.loads(run(CAPTURE, *arguments, "--format", "json", "--no-hash").stdout)["sha256"] is None


@pytest.mark.usefixtures("without_tshark")
def test_what_is_not_kept_of_stdin_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capanalyze.capture.hashed.MAX_COPY", 1)
    monkeypatch.setattr("capanalyze.packets.messages.BLOCK", 4096)
    with CAPTURE.open("rb") as file:
        monkeypatch.setattr("capanalyze.capture.standard_input", lambda: file)
        answer = frames_of(Path("-"), 1, 113)
    assert [one.frame for one in answer.dissected.frames] == [1]
    assert answer.notes[0] == "frame 113 could not be read again: of standard input the first 64 MiB are kept"


@pytest.mark.usefixtures("without_tshark")
def test_without_tshark_there_is_a_hex_dump() -> None:
    result = run(CAPTURE, "--frame", "1")
    assert result.exit_code == 0
    (said,) = result.stderr.splitlines()
    assert said.startswith("capanalyze: tshark is not installed, so that no frame was dissected: install it with")
    heading, empty, first = result.stdout.splitlines()[:3]
    assert (heading.split(",")[0], empty, first[:10]) == ("frame 1", "", "0000  ff 0")


@pytest.mark.usefixtures("without_tshark")
def test_an_exchange_is_that_of_the_list() -> None:
    listed = CliRunner().invoke(main, ["exchanges", "--disclosures", "--format", "jsonl", str(CAPTURE)]).stdout
    rows = [json.loads(row) for row in listed.splitlines()]
    wanted = (1, 4, len(rows))
    options = [word for number in wanted for word in ("--exchange", str(number))]
    found = json.loads(run(CAPTURE, *options, "--format", "json").stdout)
    assert found["exchanges"] == [{"exchange": number} | rows[number - 1] for number in wanted]
    frames = {frame for number in wanted for key in ("requests", "replies") for frame in rows[number - 1][key]}
    assert [one["frame"] for one in found["frames"]] == sorted(frames)


@pytest.mark.usefixtures("without_tshark")
@pytest.mark.parametrize(("name", "form"), [("x.txt", "text"), ("x.json", "json"), ("x.JSON.txt", "text")])
def test_the_name_of_the_file_tells_the_form(tmp_path: Path, name: str, form: str) -> None:
    assert run(CAPTURE, "--frame", "1", "-o", tmp_path / name).stdout == ""
    assert (tmp_path / name).read_text("utf-8") == run(CAPTURE, "--frame", "1", "--format", form).stdout


# -- What tshark says --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "shown", "value"),
    [
        (line("dns.response_to", "Request In: 1", "1"), "Request In: 12", "12"),
        (
            line("tcp.analysis.acks_frame", "ACK to the segment in frame: 2", "2"),
            "ACK to the segment in frame: 40",
            "40",
        ),
        (line("stun.response-in", "Response In: 3", "3"), "Response In: 3", "3"),  # there are but two
        (line("dcerpc.nt.close_frame", "Frame handle closed: 1", "1", 20), "Frame handle closed: 12", "12"),
        (line("udp.stream", "Stream index: 1", "1"), "Stream index: 1", "1"),
        (line("docsis.frame", "Frame: 1", "1", 2), "Frame: 1", "1"),  # read from octets
        (line("ip.fragment", "Frame: 1, payload: 0-7 (8 bytes)", "1", 8), "Frame: 12, payload: 0-7 (8 bytes)", "12"),
        (
            line("ip.fragments", "2 IPv4 Fragments (9 bytes): #1(8), #2(1)", "00:01", 9),
            "2 IPv4 Fragments (9 bytes): #12(8), #40(1)",
            "00:01",
        ),
    ],
)
def test_frames_bear_the_numbers_of_the_capture(field: Field, shown: str, value: str) -> None:
    outer = Dissection(protocols=["x"], layers=[line("x", "X: 1", "", 0, field)])
    (layer,) = renumbered(outer, [12, 40]).layers
    assert layer.shown == "X: 1"
    assert (layer.fields[0].shown, layer.fields[0].value) == (shown, value)


def test_the_text_is_as_it_was(update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    request = line("ntp", "Network Time Protocol", "", 48, line("ntp.response_in", "Response In: 2", "2"))
    expert = line("_ws.expert", "Expert Info (Note/Sequence): the same again")
    reply = line("ntp", "Network Time Protocol", "", 48, line("ntp.request_in", "Request In: 1", "1", 0, expert))
    said = {
        1: Dissection(protocols=["ppp", "ip", "udp", "ntp"], layers=[request]),
        2: Dissection(
            protocols=["ppp", "ip", "udp", "ntp"],
            layers=[reply],
            experts=[Expert(severity="Note", group="Sequence", message="the same again")],
        ),
    }
    monkeypatch.setattr(dissecting, "dissect", lambda octets, frames: Opinion(said, "4.4.0"))
    result = run(CAPTURE, "--exchange", "2")
    assert (result.exit_code, result.stderr) == (0, ASSUMED)
    if update_golden:
        GOLDEN.write_text(result.stdout, "utf-8")
    assert result.stdout == GOLDEN.read_text("utf-8")


STACKS = (
    LEOPARD / "block-all.en0.pcap",
    CAPTURE,
    PCAPS / "services" / "tftp.pcap",
    *(
        Path("captures") / "pairs" / name
        for name in (
            "apple_radar-63494669.pcapng",
            "dnscap_sll2.pcap",
            "gopacket_be_test202.pcapng",
            "nfstream_dhcp_big_endian.pcapng",
            "ppp_many_interfaces-1.pcapng",
            "ppp_nanosecs_big_endian.pcap",
            "tcpdump_LINKTYPE_PKTAP.pcap",
            "zeek_wlanmon.pcap",
        )
    ),
)


@needs_tshark
@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_tshark_sees_the_same_protocols_as_in_the_capture_itself(path: Path, request: pytest.FixtureRequest) -> None:
    path = path if path.is_absolute() else request.getfixturevalue("shared") / path
    if not path.exists():
        pytest.skip("this capture is not here")
    same_stacks(path)


@needs_tshark
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B2CD34, 0xA1B23C4D])
@pytest.mark.parametrize("order", ["<", ">"])
def test_so_it_does_in_every_form_of_pcap(tmp_path: Path, magic: int, order: str) -> None:
    ask = datagram(PEER, 50000, TARGET, 123, ntp(transmit=7))
    frames = [(START, ask), (START + 1, ask[:30]), (START + 2, b""), (START + 3, b"\x45")]
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(frames, order=order, magic=magic))
    same_stacks(path)
    packed = tmp_path / "x.pcap.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    same_stacks(packed)


def same_stacks(path: Path) -> None:
    """Hold what `dissect` says of every frame against what tshark says of the capture."""
    alone = [word for name, value in FRAME_BY_FRAME.items() for word in ("-o", f"{name}:{value}")]
    command = ["tshark", "-2", "-r", str(path), *alone, "-T", "fields", "-e", "frame.number", "-e", "frame.protocols"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    expected = {int(number): stack for number, _, stack in (row.partition("\t") for row in told)}
    answer = frames_of(path, *expected)
    assert not any("tshark" in note for note in answer.notes)
    assert answer.dissected.frames
    for frame in answer.dissected.frames:
        assert ":".join(frame.protocols) == expected[frame.frame], frame.frame


@needs_tshark
def test_tshark_names_other_frames_by_their_numbers_in_the_capture() -> None:
    result = run(CAPTURE, "--exchange", "2")
    assert (result.exit_code, result.stderr) == (0, ASSUMED)
    assert "  [Response In: 4]" in result.stdout.splitlines()
    assert "  [Request In: 3]" in result.stdout.splitlines()


@needs_tshark
def test_the_same_frames_give_the_same_octets() -> None:
    first, second = (run(CAPTURE, "--frame", "1-20", "--format", "json").stdout for _ in range(2))
    assert first == second
    assert len(json.loads(first)["frames"]) == 20
