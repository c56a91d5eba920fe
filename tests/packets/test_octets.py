"""The hash of the stages that numba compiles, and addresses of two words."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze import compiler
from capanalyze.packets import octets
from capanalyze.packets.message import MAPPED, address

numbers = st.integers(0, octets.MASK)


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


def test_an_address_of_two_words_is_of_either_version() -> None:
    assert str(address(0, MAPPED + 0xC000020A)) == "192.0.2.10"
    assert str(address(0, 1)) == "::1"
    assert str(address(-1, -1)) == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    assert str(address(0x20010DB8 << 32, -(2**63))) == "2001:db8:0:0:8000::"
