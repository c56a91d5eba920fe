"""The readers of `octets.pxd`: right inside, 0 outside, at any offset; and the hash that keys are made of."""

import itertools
import random
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


@given(st.binary(max_size=20), st.integers(0, 25), st.integers(0, 255))
def test_an_octet_is_found_or_the_end(readers: Any, octets: bytes, at: int, octet: int) -> None:
    found = octets.find(bytes([octet]), at)
    assert readers.find(octets, at, octet) == (len(octets) if found < 0 else found)


def test_a_product_is_folded_alike_without_numbers_of_128_bits(readers: Any, tmp_path: Path) -> None:
    source = Path(__file__).with_name("readers.pyx").read_text()
    other = load(build_other(source, tmp_path, ("-U__SIZEOF_INT128__",)))
    draw = random.Random(0)
    numbers = [0, 1, 2**32 - 1, 2**32, 2**64 - 1, *(draw.getrandbits(64) for _ in range(100))]
    for key, value in itertools.product(numbers, repeat=2):
        assert other.mix(key, value) == readers.mix(key, value)


labels = st.lists(st.binary(min_size=1, max_size=63), max_size=4)


def encoded(labels: list[bytes]) -> bytes:
    """A name as it stands in a message."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


@settings(deadline=None)
@given(labels, labels, st.binary(max_size=14))
def test_a_name_is_told_by_its_labels_without_regard_to_case(
    readers: Any, one: list[bytes], other: list[bytes], before: bytes
) -> None:
    name = encoded(one)
    found, end = readers.name_at(name, 0)
    assert end == len(name) == readers.skip_name(name, 0)
    assert readers.name_at(before + name, len(before)) == (found, len(before) + end)
    for same in ([label.upper() for label in one], [label.lower() for label in one]):
        assert readers.name_at(encoded(same), 0) == (found, end)
    is_same = [label.lower() for label in one] == [label.lower() for label in other]
    assert (readers.name_at(encoded(other), 0)[0] == found) is is_same


@pytest.mark.parametrize("octet", range(256))
def test_only_letters_have_small_ones(readers: Any, octet: int) -> None:
    for place in range(10):
        label = bytes(place) + bytes([octet]) + bytes(9 - place)
        found = readers.name_at(encoded([label]), 0)[0]
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = bytes(place) + bytes([octet ^ bit]) + bytes(9 - place)
            is_same = label.lower() == changed.lower()
            assert (readers.name_at(encoded([changed]), 0)[0] == found) is is_same


def test_pointers_are_followed(readers: Any) -> None:
    message = encoded([b"local"]) + b"\4host\xc0\0" + b"\xc0\7"
    whole = readers.name_at(encoded([b"host", b"local"]), 0)[0]
    assert readers.name_at(message, 7) == (whole, 14)
    assert readers.name_at(message, 14) == (whole, 16)
    assert readers.name_at(b"\xc0\0", 0) == (0, 2)
    assert readers.name_at(b"\4hos", 0) == (0, LAST)
    assert readers.name_at(b"\0\xc0", 1) == (0, LAST)
    assert readers.name_at(b"\1a" * 128 + b"\0", 0)[1] == LAST == readers.skip_name(b"\1a" * 128 + b"\0", 0)
