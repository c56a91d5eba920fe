"""Captures read in blocks of any size, which serve in turn: the same messages, and the same hash of the file."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capanalyze.capture import open_capture
from capanalyze.errors import CaptureError
from capanalyze.packets import messages
from capanalyze.packets.messages import Part, read_messages
from tests.build import START, interface, pcap, read, section
from tests.packets.sound import LINKS, SOUND, frames, mutated, mutations, records

sizes = st.integers(16, 3000)
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def in_blocks(path: Path, size: int | None = None) -> object:
    """All that reading a capture gives, in blocks of this size; or the error that it ends with."""
    with pytest.MonkeyPatch.context() as patch:
        if size:
            patch.setattr(messages, "BLOCK", size)
        try:
            capture = open_capture(str(path))
            part = read_messages(capture)
        except CaptureError as error:
            return str(error)
        digest, _ = capture.finish()
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    return part, capture.notes, capture.interfaces, capture.named


@anywhere
@given(st.sampled_from(LINKS), st.lists(frames, min_size=1, max_size=40), st.sampled_from([30, 60, 65535]), sizes)
def test_any_frames_give_the_same(
    tmp_path: Path, link: int, chosen: list[tuple[int, bytes]], snaplen: int, size: int
) -> None:
    chosen = [one for one in chosen if one[0] == link] or chosen
    path = tmp_path / "any.pcap"
    path.write_bytes(pcap([(START, one) for _, one in chosen], chosen[0][0], snaplen=snaplen))
    assert in_blocks(path, size) == in_blocks(path)


@anywhere
@given(st.binary(max_size=400), st.sampled_from("<>"), mutations, st.booleans(), sizes)
def test_any_octets_behind_a_header_give_the_same(
    tmp_path: Path, random_octets: bytes, order: str, changes: list[tuple[int, int]], ng: bool, size: int
) -> None:
    head = section(order) + interface(101, order=order) if ng else pcap([], 101, order=order)
    body = mutated(records(order), changes) if ng else random_octets
    path = tmp_path / "any"
    path.write_bytes(head + body + random_octets)
    assert in_blocks(path, size) == in_blocks(path)


@pytest.mark.parametrize("size", [64, 1000])
def test_every_sound_frame_gives_the_same(tmp_path: Path, size: int) -> None:
    path = tmp_path / "one.pcap"
    for link in LINKS:
        path.write_bytes(pcap([(START, one) for number, one in SOUND if number == link], link))
        assert in_blocks(path, size) == in_blocks(path)


def test_large_blocks_are_hashed_beside_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capanalyze.capture.hashed.WORTH_A_THREAD", 1)
    path = tmp_path / "some.pcap"
    path.write_bytes(pcap([(START, one) for link, one in SOUND if link == LINKS[0]] * 50, LINKS[0]))
    assert in_blocks(path, 500) == in_blocks(path)


def test_an_empty_capture_has_no_messages(tmp_path: Path) -> None:
    for whole in (pcap([]), section(), section() + interface(1)):
        assert read(tmp_path / "none", whole)[0] == Part()
