"""tshark behind one function: what it says as trees, and that nothing it does or leaves undone costs more than that."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from capanalyze import depth
from capanalyze.capture.pcapng_writer import Origin, Packet, to_pcapng
from capanalyze.model import Dissection, Expert, Field
from tests.build import PEER, TARGET, ipv4, ntp, tcp, udp

RAW = [Origin(link_type=101, snaplen=0, name="ppp0")]
REQUEST = ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(transmit=7)))
REPLY = ipv4(TARGET, PEER, 17, udp(123, 50000, ntp(4, origin=7)))
FRAMES = [REQUEST, REPLY, ipv4(PEER, TARGET, 6, tcp(50001, 22, "S"))]
SOON = 1.0

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not here")
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the stubs are shell scripts")


def capture(frames: list[bytes]) -> bytes:
    packets = [Packet(0, 1_000_000_000 * number, frame, len(frame)) for number, frame in enumerate(frames)]
    return to_pcapng(RAW, packets, "tests")


def lines(fields: list[Field]) -> list[Field]:
    return [one for line in fields for one in (line, *lines(line.fields))]


@needs_tshark
def test_each_frame_comes_with_its_protocols_and_its_tree() -> None:
    opinion = depth.dissect(capture(FRAMES), len(FRAMES))
    assert opinion.trouble is None
    assert opinion.tshark
    assert [opinion.dissections[number].protocols for number in (1, 2, 3)] == [
        ["raw", "ip", "udp", "ntp"],
        ["raw", "ip", "udp", "ntp"],
        ["raw", "ip", "tcp"],
    ]
    reply = {line.name: line for line in lines(opinion.dissections[2].layers)}
    stratum = reply["ntp.stratum"]
    assert (stratum.offset, stratum.size, stratum.value) == (29, 1, "2")
    assert stratum.shown.startswith("Peer Clock Stratum: ")
    assert reply["ntp.request_in"].value == "1"  # known to a second pass only
    flags = reply["ntp.flags"]
    assert {line.name for line in flags.fields} == {"ntp.flags.li", "ntp.flags.vn", "ntp.flags.mode"}
    assert not {"frame", "geninfo", "ip.addr"} & set(reply)
    (expert,) = opinion.dissections[3].experts
    assert (expert.severity, expert.group) == ("Chat", "Sequence")
    assert "SYN" in expert.message


@needs_tshark
def test_each_frame_is_dissected_by_itself() -> None:
    """The rest of what begins in it may not be there."""
    begun = b"HTTP/1.1 404 Not Found\r\nServer: CUPS/2.4\r\nContent-Length: 900\r\n\r\n<html>"
    frames = [
        ipv4(TARGET, PEER, 6, tcp(631, 50001, "PA", seq=1, ack=1, payload=begun)),
        ipv4(PEER, TARGET, 17, udp(50000, 123, ntp())[:32], more=True),
    ]
    opinion = depth.dissect(capture(frames), len(frames))
    assert opinion.dissections[1].protocols[:4] == ["raw", "ip", "tcp", "http"]
    assert opinion.dissections[2].protocols[:4] == ["raw", "ip", "udp", "ntp"]


@needs_tshark
def test_the_octets_of_a_field_are_those_that_tshark_names() -> None:
    opinion = depth.dissect(capture(FRAMES), len(FRAMES))
    for number, frame in enumerate(FRAMES, 1):
        for line in lines(opinion.dissections[number].layers):
            assert 0 <= line.offset <= line.offset + line.size <= len(frame)
    source = next(one for one in lines(opinion.dissections[1].layers) if one.name == "ip.src")
    assert REQUEST[source.offset : source.offset + source.size] == bytes(map(int, PEER.split(".")))


@needs_tshark
def test_the_watchers_that_python_3_14_removed_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("set_child_watcher", "get_child_watcher", "SafeChildWatcher"):
        monkeypatch.delattr(asyncio, name, raising=False)
    assert depth.dissect(capture(FRAMES), len(FRAMES)).trouble is None


@needs_tshark
def test_no_settings_of_a_user_are_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / ".config" / "wireshark"
    settings.mkdir(parents=True)
    (settings / "disabled_protos").write_text("ntp\n")
    (settings / "init.lua").write_text(f"io.open({str(tmp_path / 'mark')!r}, 'w'):close()\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(settings))
    opinion = depth.dissect(capture(FRAMES), len(FRAMES))
    assert opinion.dissections[1].protocols[-1] == "ntp"
    assert not (tmp_path / "mark").exists()


@needs_tshark
def test_a_configuration_in_the_working_folder_is_of_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.ini").write_text("not a configuration")
    script = (
        "from capanalyze import depth; from tests.test_depth import FRAMES, capture\n"
        "opinion = depth.dissect(capture(FRAMES), 3); print(len(opinion.dissections), opinion.trouble)"
    )
    root = Path(depth.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split(" ", 1)[0] in ("0", "3"), done.stderr.decode()
    assert not done.stderr


PDML = """<?xml version="1.0"?>
<pdml version="0" creator="wireshark/3.4.10" time="x">
<packet>
  <proto name="geninfo" pos="0" showname="General information" size="4">
    <field name="num" pos="0" show="1" showname="Number" value="1" size="4"/>
  </proto>
  <proto name="frame" showname="Frame 1" size="4" pos="0">
    <field name="frame.protocols" showname="Protocols in frame: raw:ip:udp:ntp" size="0" pos="0" show="raw:ip:udp:ntp"/>
  </proto>
  <proto name="ntp" showname="Network Time Protocol" size="2" pos="2">
    <field name="ntp.stratum" showname="Peer Clock Stratum: 2" size="1" pos="3" show="2" value="02"/>
    <field name="" show="a line without a name" size="1" pos="2"/>
    <field name="ntp.hidden" hide="yes" show="x" size="1" pos="2">
      <field name="ntp.below" show="y" size="1" pos="2"/>
    </field>
    <field name="_ws.expert" showname="Expert Info (Warning/Protocol): odd" size="0" pos="0">
      <field name="_ws.expert.message" showname="Message: odd" hide="yes" size="0" pos="0" show="odd"/>
      <field name="_ws.expert.severity" showname="Severity level: Warning" size="0" pos="0" show="6291456"/>
      <field name="_ws.expert.group" showname="Group: Protocol" size="0" pos="0" show="150994944"/>
    </field>
  </proto>
  <proto name="fake-field-wrapper"><field name="data" show="00" size="1" pos="3"/></proto>
</packet>
</pdml>
"""


def make_stub(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program called tshark that does this, and none other."""
    program = folder / "tshark"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    # As nobody, it has to be reached.
    for parent in folder.parents[:3]:
        if parent.stat().st_uid == os.geteuid() and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)
    folder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@needs_shell
def test_what_version_3_writes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_stub(tmp_path, monkeypatch, f"cat <<'END'\n{PDML}END")
    opinion = depth.dissect(b"", 1)
    assert (opinion.tshark, opinion.trouble) == ("3.4.10", None)
    dissection = opinion.dissections[1]
    assert dissection.protocols == ["raw", "ip", "udp", "ntp"]
    assert dissection.experts == [Expert(severity="Warning", group="Protocol", message="odd")]
    layer, data = dissection.layers
    assert [(one.name, one.shown, one.offset, one.size) for one in layer.fields[:3]] == [
        ("ntp.stratum", "Peer Clock Stratum: 2", 3, 1),
        ("", "a line without a name", 2, 1),
        ("ntp.below", "y", 2, 1),
    ]
    assert (data.name, data.fields) == ("data", [])


# What tshark may do, and the line that says so.
FAULTS = {
    "hangs": ("sleep 1000", "tshark did not end within 1 s and was stopped: 3 of 3 frames were not dissected"),
    "hangs behind its program": (
        "sleep 1000 & exit 0",
        "tshark did not end within 1 s and was stopped: 3 of 3 frames were not dissected",
    ),
    "hangs in silence": (
        "exec >&-; exec 2>&-; sleep 1000",
        "tshark did not end within 1 s and was stopped: 3 of 3 frames were not dissected",
    ),
    "will not be ended": (
        "trap '' TERM INT HUP; sleep 1000; sleep 1000",
        "tshark did not end within 1 s and was stopped: 3 of 3 frames were not dissected",
    ),
    "is killed": ("kill -9 $$", "tshark ended early: 3 of 3 frames were not dissected"),
    "says why": (
        "echo 'tshark: no such dissector' >&2; exit 2",
        "tshark ended early (tshark: no such dissector): 3 of 3 frames were not dissected",
    ),
    "says nothing": ("exit 0", "tshark ended early: 3 of 3 frames were not dissected"),
    "writes rubbish": ("head -c 300000 /dev/urandom", "tshark ended early: 3 of 3 frames were not dissected"),
    "writes rubbish as a packet": (
        "echo '<packet><proto>\x01&bogus;</packet>'",
        "tshark was of no use (it did not number its packets): 3 of 3 frames were not dissected",
    ),
    "writes no element": (
        "echo '<packet></packet>'",
        "tshark was of no use (it did not number its packets): 3 of 3 frames were not dissected",
    ),
    "writes without end": (
        "exec yes",
        "tshark was of no use (more than 16 MiB about one frame): 3 of 3 frames were not dissected",
    ),
    "leaves a process of its own behind": (
        "setsid sleep 3 & sleep 1000",
        "tshark did not end within 1 s and was stopped: 3 of 3 frames were not dissected",
    ),
    "complains without end": (
        "exec yes no >&2",
        "tshark did not end within 1 s and was stopped: 3 of 3 frames were not dissected",
    ),
}


def own_children() -> set[str]:
    listed = subprocess.run(["ps", "-eo", "pgid,sess,stat,args"], capture_output=True, text=True, check=True).stdout
    return {line for line in listed.splitlines() if "sleep 1000" in line or " yes" in line}


def own_handles() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@needs_shell
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_tshark_does_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    script, trouble = FAULTS[fault]
    make_stub(tmp_path, monkeypatch, script)
    handles, before = own_handles(), own_children()
    opinion = depth.dissect(capture(FRAMES), len(FRAMES), patience=30 if "MiB" in trouble else SOON)
    assert opinion.dissections == {}
    assert opinion.trouble == trouble
    assert own_children() == before
    assert own_handles() == handles


@needs_shell
def test_what_came_before_a_fault_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_stub(tmp_path, monkeypatch, f"cat <<'END'\n{PDML}END\nsleep 1000")
    opinion = depth.dissect(b"", 2, patience=SOON)
    assert list(opinion.dissections) == [1]
    assert opinion.trouble == "tshark did not end within 1 s and was stopped: 1 of 2 frames were not dissected"


def test_without_tshark_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(depth, "PLACES", {})
    opinion = depth.dissect(capture(FRAMES), len(FRAMES))
    assert opinion.dissections == {}
    assert opinion.trouble is not None
    for how in ("apt install tshark", "dnf install wireshark-cli", "brew install wireshark", "wireshark.org"):
        assert how in opinion.trouble


@needs_tshark
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give rights up")
def test_root_lets_nobody_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = tmp_path / "who"
    note.touch()
    note.chmod(0o666)
    make_stub(tmp_path, monkeypatch, f"sleep 0.3; id -un > {note}; cat /proc/self/limits >> {note}")
    depth.dissect(capture(FRAMES), len(FRAMES), patience=5)
    who, *limits = note.read_text().splitlines()
    assert who == "nobody"
    assert any("Max address space" in line and str(depth.MEMORY * 1024) in line for line in limits)


@needs_shell
def test_an_interrupt_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_stub(tmp_path, monkeypatch, "sleep 1000")
    before = own_children()
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from capanalyze import depth; from tests.test_depth import FRAMES, capture\n"
        "depth.dissect(capture(FRAMES), 3)"
    )
    running = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    wait_until(lambda: own_children() != before)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said
    assert own_children() == before


def wait_until(held: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not held() and time.monotonic() < end:
        time.sleep(0.02)
    assert held()


NAMES = st.sampled_from(["geninfo", "frame", "ip", "ntp", "num", "frame.protocols", "_ws.expert", "", "x" * 300])
TEXTS = st.sampled_from(["", "7", "yes", "-3", "1" * 30, "a: b", "ip:ntp", "\u202e<b>", "\N{SNOWMAN}" * 500])
ATTRIBUTES = st.dictionaries(st.sampled_from(["show", "showname", "pos", "size", "hide", "value"]), TEXTS)
ELEMENTS: st.SearchStrategy[Any] = st.recursive(
    st.tuples(st.sampled_from(["proto", "field", "other"]), NAMES, ATTRIBUTES, st.just([])),
    lambda below: st.tuples(st.sampled_from(["proto", "field"]), NAMES, ATTRIBUTES, st.lists(below, max_size=4)),
    max_leaves=10,
)


def element(drawn: Any) -> Any:
    tag, name, attributes, below = drawn
    made = etree.Element(tag, name=name, **attributes)
    made.extend([element(one) for one in below])
    return made


@given(st.lists(ELEMENTS, max_size=5))
def test_any_elements_are_a_dissection_or_a_value_error(drawn: list[Any]) -> None:
    packet = etree.Element("packet")
    packet.extend([element(one) for one in drawn])
    try:
        number, dissection = depth.read_packet(packet)
    except ValueError:
        return
    assert number > 0
    assert isinstance(dissection, Dissection)
    assert all(line.shown.isprintable() for line in lines(dissection.layers))


def test_a_frame_has_so_many_fields_and_no_more() -> None:
    packet = etree.Element("packet")
    etree.SubElement(etree.SubElement(packet, "proto", name="geninfo"), "field", name="num", show="1")
    layer = etree.SubElement(packet, "proto", name="ntp")
    for _ in range(2 * depth.MAX_FIELDS):
        etree.SubElement(layer, "field", name="ntp.stratum", show="1")
    nested = layer
    for _ in range(3 * depth.MAX_NESTED):
        nested = etree.SubElement(nested, "field", name="deep", show="1")
    _, dissection = depth.read_packet(packet)
    assert 0 < len(lines(dissection.layers)) <= depth.MAX_FIELDS


def packet_of(size: str, *layers: tuple[str, str, str]) -> Any:
    """PDML of one frame whose layers are (name, pos, size), with a field in each."""
    packet = etree.Element("packet")
    etree.SubElement(etree.SubElement(packet, "proto", name="geninfo"), "field", name="num", show="1")
    etree.SubElement(packet, "proto", name="frame", size=size)
    for name, pos, octets in layers:
        layer = etree.SubElement(packet, "proto", name=name, pos=pos, size=octets)
        etree.SubElement(layer, "field", name=f"{name}.first", pos=pos, size="1")
    return packet


@pytest.mark.parametrize(
    ("size", "layers", "placed"),
    [
        ("90", [("eth", "0", "14"), ("ip", "14", "20"), ("udp", "34", "8"), ("dns", "42", "48")], 4),
        ("34", [("eth", "0", "14"), ("ip", "14", "20"), ("udp", "0", "8"), ("dns", "8", "900")], 2),
        ("32", [("ip", "0", "20"), ("udp", "0", "8"), ("dns", "8", "28")], 1),
        ("60", [("ip", "0", "20"), ("tcp", "20", "20"), ("dns", "0", "500")], 2),
        ("188", [("user_dlt", "0", "188"), ("pktap", "0", "108"), ("ppp", "108", "4")], 3),
    ],
)
def test_what_is_put_together_from_several_frames_has_no_place(
    size: str, layers: list[tuple[str, str, str]], placed: int
) -> None:
    _, dissection = depth.read_packet(packet_of(size, *layers))
    expected = [(int(pos), int(octets)) for _, pos, octets in layers[:placed]] + [(0, 0)] * (len(layers) - placed)
    assert [(line.offset, line.size) for line in dissection.layers] == expected
    assert [line.fields[0].size for line in dissection.layers] == [1] * placed + [0] * (len(layers) - placed)


@pytest.mark.parametrize("name", sorted(depth.ELSEWHERE))
def test_octets_of_several_frames_or_decrypted_ones_are_not_the_frames(name: str) -> None:
    packet = packet_of("90", ("ip", "0", "20"))
    listed = etree.SubElement(packet[2], "field", name=name, pos="0", size="36")
    etree.SubElement(listed, "field", name="below", pos="24", size="12")
    _, dissection = depth.read_packet(packet)
    assert [(line.name, line.size) for line in lines(dissection.layers)] == [
        ("ip", 20),
        ("ip.first", 1),
        (name, 0),
        ("below", 0),
    ]


def test_layers_without_octets_do_not_count() -> None:
    layers = (("ip", "0", "20"), ("udp", "20", "8"), ("_ws.malformed", "0", "0"), ("ntp", "28", "48"))
    _, dissection = depth.read_packet(packet_of("76", *layers))
    assert [line.size for line in dissection.layers] == [20, 8, 0, 48]


def test_a_wrapper_of_fields_is_no_layer() -> None:
    packet = packet_of("50", ("udp", "0", "8"))
    wrapper = etree.SubElement(packet, "proto", name="fake-field-wrapper")
    etree.SubElement(wrapper, "field", name="data", pos="8", size="42", show="41")
    _, dissection = depth.read_packet(packet)
    assert [(line.name, line.offset, line.size) for line in dissection.layers] == [("udp", 0, 8), ("data", 8, 42)]
