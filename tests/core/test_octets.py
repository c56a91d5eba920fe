"""The readers of `octets.pxd`: right inside, 0 outside, at any offset; and the hash that keys are made of."""

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core import build_other, load

READERS: dict[str, tuple[int, Literal["big", "little"]]] = {
    "u8": (1, "big"),
    "be16": (2, "big"),
    "be24": (3, "big"),
    "be32": (4, "big"),
    "be48": (6, "big"),
    "be64": (8, "big"),
    "le16": (2, "little"),
    "le32": (4, "little"),
}
OCTETS = bytes(range(0xF0, 0x100))
LAST = 0xFFFFFFFF
FAR = [LAST - less for less in range(10)] + [0x7FFFFFFF, 0x80000000]
words = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    source = Path(__file__).with_name("readers.pyx").read_text()
    return load(build_other(source, tmp_path_factory.mktemp("readers")))


@pytest.mark.parametrize("captured", [OCTETS, OCTETS[:8], OCTETS[:3], OCTETS[:1], b""], ids=len)
@pytest.mark.parametrize("name", READERS)
def test_a_number_is_read_inside_and_is_0_outside(readers: Any, name: str, captured: bytes) -> None:
    width, order = READERS[name]
    for at in [*range(len(captured) + 10), *FAR]:
        inside = at + width <= len(captured)
        expected = int.from_bytes(captured[at : at + width], order) if inside else 0
        assert readers.read(name, captured, at) == expected, at


@pytest.mark.parametrize(
    ("at", "count", "held"),
    [
        (0, 0, True),
        (0, 16, True),
        (15, 1, True),
        (16, 0, True),
        (0, 17, False),
        (16, 1, False),
        (17, 0, False),
        (LAST, 1, False),
        (1, LAST, False),
        (LAST, LAST, False),
    ],
)
def test_what_is_held(readers: Any, at: int, count: int, held: bool) -> None:
    assert readers.holds(OCTETS, at, count) is held


@pytest.mark.parametrize(("size", "cut"), [(16, False), (17, True), (LAST, True), (15, False), (0, False)])
def test_what_is_cut(readers: Any, size: int, cut: bool) -> None:
    assert readers.is_cut(OCTETS, size) is cut


@pytest.mark.parametrize("size", [0, 3, 16, 20, LAST])
@pytest.mark.parametrize("at", [0, 1, 15, 16, 17, 20, 21, LAST])
def test_what_is_behind_a_header_and_within_a_layer(readers: Any, size: int, at: int) -> None:
    assert readers.behind(OCTETS, size, at) == (OCTETS[at:], max(0, size - at))
    assert readers.within(OCTETS, size, at) == (OCTETS[:at], at)


@settings(deadline=None)
@given(words, words, words)
def test_a_hash_tells_values_and_their_order_apart(readers: Any, key: int, first: int, second: int) -> None:
    if first != second:
        assert readers.mix(key, first) != readers.mix(key, second)
        assert readers.mix(first, key) != readers.mix(second, key)
    if key != first:
        assert readers.mix(readers.mix(1, key), first) != readers.mix(readers.mix(1, first), key)


@settings(deadline=None)
@given(words, words)
def test_equal_values_do_not_cancel_each_other(readers: Any, first: int, second: int) -> None:
    if first != second:
        assert readers.mix(first, first) != readers.mix(second, second)


def test_a_bit_of_one_word_is_not_undone_by_bits_of_the_next(readers: Any) -> None:
    hashes = {
        readers.mix(readers.mix(0, 1 << 63 - bit), 1 << low | 1 << high)
        for bit in range(8)
        for low in range(64)
        for high in range(64)
    }
    assert len(hashes) == 8 * (64 * 63 // 2 + 64)


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=20))
def test_a_digest_covers_length_and_the_first_octets(readers: Any, payload: bytes, before: bytes) -> None:
    found = readers.digest(payload, 0, len(payload))
    assert readers.digest(before + payload + before, len(before), len(payload)) == found
    assert readers.digest(payload + b"\0", 0, len(payload) + 1) != found
    for at in range(min(len(payload), 256)):
        for bit in (1, 128):
            changed = payload[:at] + bytes([payload[at] ^ bit]) + payload[at + 1 :]
            assert readers.digest(changed, 0, len(payload)) != found


def test_a_digest_ends_after_256_octets(readers: Any) -> None:
    assert readers.digest(bytes(257), 0, 257) == readers.digest(bytes(256) + b"\1", 0, 257)
    assert readers.digest(bytes(257), 0, 257) != readers.digest(bytes(255) + b"\1\0", 0, 257)


def test_short_payloads_have_digests_of_their_own(readers: Any) -> None:
    payloads = [b"", *(bytes(length - 1) + bytes([last]) for length in range(1, 18) for last in range(256))]
    assert len({readers.digest(payload, 0, len(payload)) for payload in payloads}) == len(payloads)
