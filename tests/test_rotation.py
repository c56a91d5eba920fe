"""Rotated captures: which names belong together, which do not, and in which order the pieces were written."""

import getpass
import gzip
import os
import random
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.audit import CaptureFile, Segment
from capanalyze.rotation import First, first_frame, piece_of, rotations
from tests.build import PEER, START, TARGET, block, enhanced, interface, ipv4, obsolete, option, pcap, section, udp

SECOND = 10**9
FRAME = ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x"))


def captures(*paths: str, segments: tuple[Segment, ...] = ()) -> list[CaptureFile]:
    return [CaptureFile(path, Path(path).name, segments) for path in paths]


def unseen(_: str) -> First:
    """Look into no file."""
    return First()


def names(series: list[tuple[CaptureFile, ...]]) -> list[list[str]]:
    return [[capture.path for capture in pieces] for pieces in series]


def together(*paths: str, look: dict[str, First] | None = None) -> list[list[str]]:
    return names(rotations(captures(*paths), look.__getitem__ if look else unseen))


@pytest.mark.parametrize(
    ("name", "shape", "plain"),
    [
        # tcpdump -C, -C -W
        ("cap.pcap", "cap.pcap", "cap.pcap"),
        ("cap.pcap1", "cap.pcap", "cap.pcap"),
        ("cap.pcap007", "cap.pcap", "cap.pcap"),
        ("cap.pcap999999", "cap.pcap", "cap.pcap"),
        ("cap.cap2", "cap.cap", "cap.cap"),
        ("cap.dmp2", "cap.dmp", "cap.dmp"),
        ("cap.pcapng2", "cap.pcapng", "cap.pcapng"),
        ("cap.pcap3.gz", "cap.pcap", "cap.pcap"),
        ("cap.pcap.zst", "cap.pcap", "cap.pcap"),
        # -G
        ("cap-20071029-101306.pcap", "cap-00000000-000000.pcap", "cap.pcap"),
        ("cap-20071029T101306Z.pcap", "cap-00000000T000000Z.pcap", "cap.pcap"),
        ("cap-20071029101306.pcap", "cap-00000000000000.pcap", "cap.pcap"),
        ("cap20071029101306.pcap", "cap00000000000000.pcap", "cap.pcap"),
        ("cap-200710291013.pcap", "cap-000000000000.pcap", "cap.pcap"),
        ("cap-071029-101306.pcap", "cap-000000-000000.pcap", "cap.pcap"),
        ("cap-20071029-10.pcap", "cap-00000000-00.pcap", "cap.pcap"),
        ("cap-20071029.pcap", "cap-00000000.pcap", "cap.pcap"),
        ("cap_2007-10-29_10:13:06.pcap", "cap_0000-00-00_00:00:00.pcap", "cap.pcap"),
        ("cap 2007-10-29 10.13.06.pcap", "cap 0000-00-00 00.00.00.pcap", "cap.pcap"),
        ("cap_2007_10_29_10_13_06.pcap", "cap_0000_00_00_00_00_00.pcap", "cap.pcap"),
        ("cap-1193652786.pcap", "cap-0000000000.pcap", "cap.pcap"),
        ("cap.pcap1193652786", "cap.pcap0000000000", "cap.pcap"),
        ("cap.pcap.20071029101306", "cap.pcap.00000000000000", "cap.pcap"),
        ("timed_dumps.1100413473", "timed_dumps.0000000000", "timed_dumps"),
        ("cap-20071029-101306-en0.pcap", "cap-00000000-000000-en0.pcap", "cap-en0.pcap"),
        ("20071029-101306.pcap", "00000000-000000.pcap", ".pcap"),
        ("20071029-101306_cap.pcap", "00000000-000000_cap.pcap", "cap.pcap"),
        ("cap-20071029-101306-1193652786.pcap", "cap-00000000-000000-0000000000.pcap", "cap.pcap"),
        # -G -C
        ("cap-20071029-101306.pcap3.gz", "cap-00000000-000000.pcap", "cap.pcap"),
        # dumpcap -b, editcap -c
        ("cap_00001_20071029101306.pcapng", "cap_00000_00000000000000.pcapng", "cap.pcapng"),
        ("cap_20071029101306_00001.pcapng", "cap_00000000000000_00000.pcapng", "cap.pcapng"),
        ("cap_00001_20071029101306", "cap_00000_00000000000000", "cap"),
        # nothing that changes
        ("test1.pcap", "test1.pcap", "test1.pcap"),
        ("cap00.pcap", "cap00.pcap", "cap00.pcap"),
        ("cap1", "cap1", "cap1"),
        ("cap.pcap12345678", "cap.pcap12345678", "cap.pcap12345678"),
        ("block-all.en0.pcap", "block-all.en0.pcap", "block-all.en0.pcap"),
        ("block-all.eth0.100.pcap", "block-all.eth0.100.pcap", "block-all.eth0.100.pcap"),
        ("cap_00001.pcapng", "cap_00001.pcapng", "cap_00001.pcapng"),
        ("cap-2007.pcap", "cap-2007.pcap", "cap-2007.pcap"),
        ("cap-20071329.pcap", "cap-20071329.pcap", "cap-20071329.pcap"),
        ("cap-120071029.pcap", "cap-120071029.pcap", "cap-120071029.pcap"),
        ("cap-2007-1029.pcap", "cap-2007-1029.pcap", "cap-2007-1029.pcap"),
        ("_cap.pcap", "_cap.pcap", "_cap.pcap"),
        ("-", "-", "-"),
        ("", "", ""),
    ],
)
def test_a_name_tells_what_all_pieces_share(name: str, shape: str, plain: str) -> None:
    assert piece_of(name)[:2] == (shape, plain)


@pytest.mark.parametrize(
    "written",
    [
        ["cap.pcap", "cap.pcap1", "cap.pcap2", "cap.pcap10"],
        ["cap.pcap0", "cap.pcap1", "cap.pcap2"],
        ["cap.pcap08", "cap.pcap09", "cap.pcap10"],
        ["cap.pcap.gz", "cap.pcap1.gz", "cap.pcap2.zst", "cap.pcap3"],
        ["cap-20071029-235959.pcap", "cap-20071030-000059.pcap", "cap-20080101-000000.pcap"],
        ["cap_2007-10-29_10:13:06.pcap", "cap_2007-10-29_10:14:06.pcap"],
        ["cap-1193652786.pcap", "cap-1193652846.pcap"],
        ["cap-1193652786.pcap", "cap-1193652786.pcap1", "cap-1193652786.pcap2", "cap-1193652846.pcap3"],
        ["cap_00001_20071029101306.pcapng", "cap_00002_20071029101406.pcapng.gz"],
        ["cap_20071029101306_00001.pcapng", "cap_20071029101406_00002.pcapng"],
        ["log.pcap.1193652786", "log.pcap.1193652846"],
        ["/a/cap.pcap", "/a/cap.pcap1"],
    ],
)
def test_names_that_are_one_series_whatever_their_order(written: list[str]) -> None:
    given_order = written.copy()
    random.Random(3).shuffle(given_order)
    assert together(*given_order) == [written]
    assert together(*reversed(written)) == [written]


@pytest.mark.parametrize(
    "apart",
    [
        ["block-all.en0.pcap", "block-all.en1.pcap"],
        ["allow-all.ppp0.pcap", "block-all.ppp0.pcap"],
        ["block-all.en0.pcap0", "block-all.en1.pcap1"],
        ["test1.pcap", "test2.pcap"],
        ["cap", "cap1", "cap2"],
        ["a/cap.pcap0", "b/cap.pcap1"],
        ["cap.pcap1", "cap.pcapng2"],
        ["cap.pcap", "cap.pcap.gz"],
        ["cap.pcap", "./cap.pcap", "../cap.pcap1"],
        ["cap.pcap1", "cap.pcap01"],
        ["cap-20071029.pcap", "cap-20071029-101306.pcap", "cap-1193652786.pcap"],
        ["cap_00001_20071029101306.pcapng", "cap_20071029101306_00001.pcapng"],
        ["-", "cap.pcap"],
    ],
)
def test_names_that_are_captures_of_their_own(apart: list[str]) -> None:
    assert together(*apart) == [[name] for name in apart]


def test_packed_copies_beside_the_pieces_are_a_series_of_their_own() -> None:
    given_order = ["cap.pcap", "cap.pcap.gz", "cap.pcap1", "cap.pcap1.gz"]
    assert together(*given_order) == [["cap.pcap", "cap.pcap1"], ["cap.pcap.gz", "cap.pcap1.gz"]]


def test_the_folder_is_the_same_however_it_is_written() -> None:
    paths = ("cap.pcap1", "./cap.pcap2", str(Path("cap.pcap").absolute()))
    assert together(*paths) == [[paths[2], paths[0], paths[1]]]


def test_pieces_belong_to_the_same_modes() -> None:
    one, two = (Segment("a"),), (Segment("b"),)
    files = [*captures("x.pcap0", "x.pcap2", segments=one), *captures("x.pcap1", "x.pcap3", segments=two)]
    assert names(rotations(files, unseen)) == [["x.pcap0", "x.pcap2"], ["x.pcap1", "x.pcap3"]]


def test_pieces_have_the_same_link_type() -> None:
    look = {"x.pcap0": First(1), "x.pcap1": First(101), "x.pcap2": First(1), "x.pcap3": First(None)}
    assert together(*look, look=look) == [["x.pcap0", "x.pcap2"], ["x.pcap1"], ["x.pcap3"]]


@pytest.mark.parametrize("empty", [["x.pcap0"], ["x.pcap1"], ["x.pcap2"], ["x.pcap0", "x.pcap2"]])
def test_a_piece_without_an_octet_is_a_piece(empty: list[str]) -> None:
    files = [f"x.pcap{number}" for number in range(3)]
    look = {name: First(is_empty=True) if name in empty else First(1, 10) for name in files}
    assert together(*look, look=look) == [files]


def test_beside_pieces_of_two_link_types_an_empty_one_goes_with_the_first() -> None:
    look = {"x.pcap0": First(1), "x.pcap1": First(101), "x.pcap2": First(is_empty=True)}
    assert together(*look, look=look) == [["x.pcap0", "x.pcap2"], ["x.pcap1"]]


@pytest.mark.parametrize(
    ("times", "order"),
    [
        ([30, 40, 10, 20], [2, 3, 0, 1]),  # a ring
        ([10, 20, 20, 30], [0, 1, 2, 3]),  # the same moment: by name
        ([30, None, 10, 20], [2, 3, 0, 1]),  # a piece without a frame stays behind the one before it
        ([None, 40, 10, 20], [0, 2, 3, 1]),
        ([None, None, None, None], [0, 1, 2, 3]),
    ],
)
def test_the_first_frame_tells_the_order(times: list[int | None], order: list[int]) -> None:
    look = {f"x.pcap{number}": First(1, time) for number, time in enumerate(times)}
    expected = [f"x.pcap{number}" for number in order]
    assert together(*look, look=look) == [expected]
    assert together(*reversed(look), look=look) == [expected]


def test_only_what_may_be_a_piece_is_looked_at() -> None:
    looked: list[str] = []

    def look(path: str) -> First:
        looked.append(path)
        return First()

    rotations(captures("-", "a.pcap", "b.pcap0", "b.pcap1", "c.pcap3"), look)
    assert looked == ["b.pcap0", "b.pcap1"]


NAME = st.one_of(
    st.text(max_size=12),
    st.builds(
        "".join,
        st.lists(
            st.sampled_from(
                ["cap", "-", "_", ".", "/", "20071029", "101306", "1193652786", "00001", "7", ".pcap", "0", ".gz"]
            ),
            max_size=8,
        ),
    ),
)
FIRST = st.builds(First, st.sampled_from([None, 1, 101]), st.sampled_from([None, 10, 20, 30]))
SEGMENTS = st.sampled_from([(), (Segment("a"),), (Segment("a", 5),)])


@given(st.lists(st.tuples(NAME, SEGMENTS, FIRST), max_size=12))
def test_every_capture_is_in_one_series_whatever_the_names(asked: list[tuple[str, tuple[Segment, ...], First]]) -> None:
    look = {name: first for name, _, first in asked}
    files = [CaptureFile(name, name, segments) for name, segments, _ in asked]
    series = rotations(files, look.__getitem__)
    assert Counter(map(id, files)) == Counter(id(capture) for pieces in series for capture in pieces)
    assert all(series)
    number = {id(capture): number for number, capture in enumerate(files)}
    firsts = [min(number[id(capture)] for capture in pieces) for pieces in series]
    assert firsts == sorted(firsts)
    for pieces in series:
        assert len({(Path(one.path).absolute().parent, one.segments) for one in pieces}) == 1
        assert len({piece_of(Path(one.path).name).shape for one in pieces}) == 1
        assert len({piece_of(Path(one.path).name).place for one in pieces}) == len(pieces)


FORMS = st.sampled_from(
    ["cap-%Y%m%d-%H%M%S.pcap", "%Y-%m-%d_%H:%M:%S.pcap", "cap_%Y%m%d%H%M%S_en0.pcap", "cap.%y%m%d%H%M%S.dmp"]
)


@given(FORMS, st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(1, 10**6), st.randoms())  # noqa: DTZ001
def test_what_strftime_writes_is_one_series(form: str, start: datetime, pace: int, order: random.Random) -> None:
    stamps = [start.replace(tzinfo=UTC) + timedelta(seconds=pace * number) for number in range(5)]
    written = [stamp.strftime(form) for stamp in stamps]
    if "%y" in form and stamps[0].year // 100 != stamps[-1].year // 100:  # two digits of a year start anew
        written = written[:1]
    given_order = written.copy()
    order.shuffle(given_order)
    assert together(*given_order) == [written]


HEAD = section() + interface(101)
STAMP = START * 1_000_000 + 250_000


@pytest.mark.parametrize(
    ("octets", "first"),
    [
        (pcap([(START + 0.25, FRAME), (START, FRAME)]), First(101, START * SECOND + SECOND // 4)),
        (pcap([(START, FRAME)], 1, order=">", magic=0xA1B23C4D), First(1, START * SECOND)),
        (pcap([(START, FRAME)], 147), First()),  # a link type that is not read
        (pcap([]), First(101)),
        (pcap([(START, FRAME)])[:-1], First(101)),
        (pcap([]) + b"\xff" * 16, First(101)),
        (HEAD + enhanced(0, STAMP, FRAME), First(None, STAMP * 1000)),
        (section(">") + interface(101, order=">") + enhanced(0, STAMP, FRAME, order=">"), First(None, STAMP * 1000)),
        (HEAD + block(4, bytes(8)) + interface(1) + enhanced(1, STAMP, FRAME), First(None, STAMP * 1000)),
        (HEAD + block(4, bytes(100_000)) + enhanced(0, STAMP, FRAME), First(None, STAMP * 1000)),
        (HEAD + block(3, bytes(24)) + enhanced(7, 5, FRAME) + enhanced(0, STAMP, FRAME), First(None, STAMP * 1000)),
        (HEAD + block(9, bytes(8)) + obsolete(0, STAMP, FRAME), First(None, STAMP * 1000)),
        (HEAD + b"".join(block(4, bytes(65536)) for _ in range(40)) + enhanced(0, STAMP, FRAME), First()),  # too far
        (section() + interface(101, option(9, b"\xff")) + enhanced(0, STAMP, FRAME), First()),
        (HEAD, First()),
        (b"no capture at all", First()),
    ],
)
def test_what_a_file_begins_with(tmp_path: Path, octets: bytes, first: First) -> None:
    path = tmp_path / "cap.pcap1"
    for packed in (octets, gzip.compress(octets), zstandard.compress(octets)):
        path.write_bytes(packed)
        assert first_frame(str(path)) == first


def test_a_file_without_an_octet_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "cap.pcap1"
    path.touch()
    assert first_frame(str(path)) == First(is_empty=True)


def test_what_is_no_file_is_not_looked_at(tmp_path: Path) -> None:
    pipe = tmp_path / "cap.pcap1"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "none", Path("-")):
        assert first_frame(str(path)) == First()


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
@pytest.mark.parametrize(
    ("options", "written"),
    [
        (["-C", "1"], ["cap.pcap", "cap.pcap1", "cap.pcap2", "cap.pcap3", "cap.pcap4"]),
        (["-C", "1", "-W", "12"], ["cap.pcap00", "cap.pcap01", "cap.pcap02", "cap.pcap03", "cap.pcap04"]),
        (["-C", "1", "-W", "3"], ["cap.pcap2", "cap.pcap0", "cap.pcap1"]),
    ],
)
def test_what_tcpdump_writes(tmp_path: Path, options: list[str], written: list[str]) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(pcap([(START + number / 1000, FRAME + bytes(60_000)) for number in range(75)]))
    command = ["tcpdump", "-Z", getpass.getuser(), "-r", str(whole), *options, "-w", str(tmp_path / "cap.pcap")]
    subprocess.run(command, check=True, capture_output=True)
    files = sorted(str(path) for path in tmp_path.glob("cap.pcap*"))
    (series,) = rotations(captures(*files))
    assert [Path(capture.path).name for capture in series] == written
    times = [first_frame(capture.path).time or 0 for capture in series]
    assert times == sorted(times)


@pytest.mark.skipif(shutil.which("editcap") is None, reason="editcap is not installed")
def test_what_editcap_writes(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(pcap([(START + number, FRAME) for number in range(25)]))
    subprocess.run(["editcap", "-c", "10", whole, tmp_path / "cap.pcapng"], check=True, capture_output=True)
    files = [str(path) for path in tmp_path.glob("cap_*")]
    (series,) = rotations(captures(*files))
    assert [Path(capture.path).name[:10] for capture in series] == ["cap_00000_", "cap_00001_", "cap_00002_"]
