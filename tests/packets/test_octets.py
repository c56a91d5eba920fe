"""Numbers out of octets, and the hash that keys are made of."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze import compiler
from capanalyze.packets import octets
from capanalyze.packets.message import MAPPED, address
from tests.build import Guarded

BIG: Literal["big"] = "big"
LITTLE: Literal["little"] = "little"
READERS: list[tuple[Callable[[Any, int], int], int, Literal["big", "little"], bool]] = [
    (octets.be16, 2, BIG, False),
    (octets.be32, 4, BIG, False),
    (octets.be48, 6, BIG, False),
    (octets.be64, 8, BIG, True),
    (octets.le16, 2, LITTLE, False),
    (octets.le32, 4, LITTLE, False),
    (lambda data, at: octets.u16(data, at, 1), 2, BIG, False),
    (lambda data, at: octets.u16(data, at, 0), 2, LITTLE, False),
    (lambda data, at: octets.u32(data, at, 1), 4, BIG, False),
    (lambda data, at: octets.u32(data, at, 0), 4, LITTLE, False),
]
numbers = st.integers(0, octets.MASK)


@pytest.mark.parametrize(("reader", "length", "order", "signed"), READERS)
@settings(deadline=None)
@given(data=st.binary(min_size=8, max_size=8))
def test_numbers_are_read_from_these_octets_only(
    reader: Callable[[Any, int], int], length: int, order: Literal["big", "little"], signed: bool, data: bytes
) -> None:
    expected = int.from_bytes(data[:length], order, signed=signed)
    assert reader(b"\xaa" + data, 1) == reader(Guarded(b"\xaa" + data, 1, 1 + length), 1) == expected


@settings(deadline=None)
@given(numbers, st.integers(-(2**63), 2**63 - 1))
def test_a_hash_fits_63_bits_and_is_the_same_compiled(key: int, value: int) -> None:
    found = octets.mix(key, value)
    assert 0 <= found <= octets.MASK
    with np.errstate(over="ignore"):
        assert found == compiler._mix64(key, value % 2**64)  # noqa: SLF001 - compiled mode takes it in place of `mix`


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_a_hash_tells_values_and_their_order_apart(key: int, first: int, second: int) -> None:
    if first != second:
        assert octets.mix(key, first) != octets.mix(key, second)
    if key != first:
        assert octets.mix(octets.mix(1, key), first) != octets.mix(octets.mix(1, first), key)


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=20))
def test_a_digest_covers_length_and_the_first_octets_of_a_payload(payload: bytes, around: bytes) -> None:
    start, end = len(around), len(around) + len(payload)
    whole = around + payload + around
    found = octets.digest(Guarded(whole, start, end), start, end)
    assert found == octets.digest(payload, 0, len(payload))
    assert found != octets.digest(payload + b"\0", 0, len(payload) + 1)
    if payload:
        changed = bytes([payload[0] ^ 1]) + payload[1:]
        assert found != octets.digest(changed, 0, len(changed))


def test_an_address_of_two_words_is_of_either_version() -> None:
    assert str(address(0, MAPPED + 0xC000020A)) == "192.0.2.10"
    assert str(address(0, 1)) == "::1"
    assert str(address(-1, -1)) == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    assert str(address(0x20010DB8 << 32, -(2**63))) == "2001:db8:0:0:8000::"
