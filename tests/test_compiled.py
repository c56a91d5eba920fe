"""Captures read in blocks that serve once, and in rooms that serve in turn: the same messages from any octets."""

import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capanalyze.capture import open_capture
from capanalyze.errors import CaptureError
from capanalyze.packets.messages import Part, read_messages
from tests.build import PEER, START, TARGET, interface, ipv4, pcap, read, section, udp
from tests.conftest import SHARED
from tests.packets.sound import LINKS, SOUND, frames, mutated, mutations, records
from tests.packets.test_scan import CAPTURES, plain

HOSTILE = SHARED / "captures" / "hostile.tar.xz"


def seen(path: Path, in_compiled: bool) -> object:
    """All that reading a capture gives, or the error that it ends with."""
    try:
        capture = open_capture(str(path))
        part = read_messages(capture, compiled=in_compiled)
    except CaptureError as error:
        return str(error)
    capture.finish()
    return part, capture.notes, capture.interfaces, capture.named


def test_every_capture_gives_the_same_compiled() -> None:
    for path in CAPTURES:
        part, capture = plain(path)
        assert seen(path, in_compiled=True) == (part, capture.notes, capture.interfaces, capture.named), path


def test_hostile_captures_give_the_same_compiled(tmp_path: Path) -> None:
    if not HOSTILE.exists():
        pytest.skip("the hostile captures are not here")
    path = tmp_path / "hostile"
    with tarfile.open(HOSTILE) as archive:
        for member in archive:
            if not (member.isfile() and member.size < 500_000 and (content := archive.extractfile(member))):
                continue
            path.write_bytes(content.read())
            assert seen(path, in_compiled=True) == seen(path, in_compiled=False), member.name


@given(st.sampled_from(LINKS), st.lists(frames, min_size=1, max_size=40), st.sampled_from([30, 60, 65535]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_frames_give_the_same_compiled(
    tmp_path: Path, link: int, chosen: list[tuple[int, bytes]], snaplen: int
) -> None:
    chosen = [one for one in chosen if one[0] == link] or chosen
    whole = pcap([(START, one) for _, one in chosen], chosen[0][0], snaplen=snaplen)
    assert read(tmp_path / "any.pcap", whole, compiled=True)[0] == read(tmp_path / "any.pcap", whole)[0]


@given(st.binary(max_size=400), st.sampled_from("<>"), mutations, st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_octets_behind_a_header_give_the_same_compiled(
    tmp_path: Path, random_octets: bytes, order: str, changes: list[tuple[int, int]], ng: bool
) -> None:
    head = section(order) + interface(101, order=order) if ng else pcap([], 101, order=order)
    body = mutated(records(order), changes) if ng else random_octets
    path = tmp_path / "any"
    path.write_bytes(head + body + random_octets)
    assert seen(path, in_compiled=True) == seen(path, in_compiled=False)


def test_every_sound_frame_gives_the_same_compiled(tmp_path: Path) -> None:
    for link in LINKS:
        whole = pcap([(START, one) for number, one in SOUND if number == link], link)
        assert read(tmp_path / "one.pcap", whole, compiled=True)[0] == read(tmp_path / "one.pcap", whole)[0]


def test_an_empty_capture_gives_the_same_compiled(tmp_path: Path) -> None:
    for whole in (pcap([]), section(), section() + interface(1)):
        assert read(tmp_path / "none", whole, compiled=True)[0] == read(tmp_path / "none", whole)[0] == Part()


def test_long_payloads_are_hashed_the_same_compiled(tmp_path: Path) -> None:
    noise = random.Random(2)
    frames = [ipv4(PEER, TARGET, 17, udp(1, 2, noise.randbytes(length))) for length in range(0, 600, 7)]
    whole = pcap([(START, one) for one in frames])
    assert read(tmp_path / "long", whole, compiled=True)[0] == read(tmp_path / "long", whole)[0]
