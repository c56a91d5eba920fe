"""Frames of a capture by their numbers, from every form of capture, as tshark reads them."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from capanalyze.again import read_again
from capanalyze.buffers import longs
from capanalyze.capture import open_capture
from capanalyze.capture.marks import Marks
from capanalyze.capture.records import LAYOUT_FIELDS
from capanalyze.packets.messages import read_messages
from tests.build import PEER, START, TARGET, dissected, enhanced, interface, ipv4, pcap, section, udp
from tests.packets.test_scan import CAPTURES

MOST = 500


def numbered(path: Path, count: int) -> dict[int, tuple[str, int, int]]:
    """The first frames by number: hash, octets captured, octets sent."""
    capture = open_capture(str(path))
    part = read_messages(capture)
    capture.finish()
    wanted = range(1, min(part.frames, count) + 1)
    _, found = read_again(capture, (), wanted)
    assert list(found) == list(wanted)
    return {
        number: (hashlib.md5(one.octets).hexdigest(), len(one.octets), one.size)
        for number, one in found.items()
        if one.interface >= 0
    }


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not here")
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_frames_are_those_that_tshark_reads(path: Path) -> None:
    fields = ("frame.md5_hash", "frame.cap_len", "frame.len")
    options = ("-o", "frame.generate_md5_hash:TRUE", "-c", str(MOST))
    expected = dissected(path, *fields, options=options)
    found = numbered(path, MOST)
    for number, (digest, captured, size) in found.items():
        said, there, sent = expected[number - 1]
        assert (captured, size) == (int(there), int(sent))
        assert digest == said or not captured


FORMS = {
    "little": pcap,
    "big": lambda frames: pcap(frames, order=">"),
    "nanoseconds": lambda frames: pcap(frames, magic=0xA1B23C4D),
    "Kuznetzov": lambda frames: pcap(frames, magic=0xA1B2CD34),
    "sections": lambda frames: b"".join(
        section(order) + interface(101, order=order) + enhanced(0, int(time * 1_000_000), frame, order=order)
        for order, (time, frame) in zip("<>" * len(frames), frames, strict=False)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_some_frames_are_found_in_every_form(tmp_path: Path, form: str) -> None:
    frames = [(START + number, ipv4(PEER, TARGET, 17, udp(50000, number, b"x" * number))) for number in range(1, 60)]
    path = tmp_path / "capture"
    path.write_bytes(FORMS[form](frames))
    capture = open_capture(str(path))
    read_messages(capture)
    capture.finish()
    wanted = random.Random(1).sample(range(1, 60), 20)
    _, found = read_again(capture, (), [*wanted, 0, -1, 60, 10**9])
    assert {number: (one.seconds, one.octets) for number, one in found.items()} == {
        number: frames[number - 1] for number in wanted
    }


def test_marks_lead_to_the_last_place_before_a_frame() -> None:
    marks, layout = Marks(), longs(LAYOUT_FIELDS)
    for frames, offset in ((0, 24), (0, 24), (3, 200), (3, 260), (7, 900)):
        marks.add(frames, offset, layout)
    layout[0] = 1
    marks.add(9, 1200, layout)
    windows = {one.wanted: (one.before, one.offset, one.length) for one in marks.windows([9, 4, 7, 1, 8, 10, 0])}
    assert windows == {(1,): (0, 24, 176), (4, 7): (3, 260, 640), (8, 9): (7, 900, 300)}


def test_a_mark_keeps_the_layout_that_holds_behind_it() -> None:
    marks, layout = Marks(), longs(LAYOUT_FIELDS)
    marks.add(0, 24, layout)
    layout[0] = 1
    marks.add(1, 100, layout)
    marks.add(2, 200, layout)
    assert [one.layout[0] for one in marks.windows([1, 2])] == [0, 1]
