"""Rows of a hex dump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.report.hexdump import HexRow, hex_rows


@pytest.mark.parametrize(
    ("octets", "width", "rows"),
    [
        (b"", 16, []),
        (b"\0", 16, [HexRow("0000", "00", ".")]),
        (b" ~\x7f\x1f\xff", 16, [HexRow("0000", "20 7e 7f 1f ff", " ~...")]),
        (b"abcde", 4, [HexRow("0000", "61 62 63 64", "abcd"), HexRow("0004", "65", "e")]),
    ],
)
def test_rows(octets: bytes, width: int, rows: list[HexRow]) -> None:
    assert list(hex_rows(octets, width)) == rows


def test_offsets_are_as_wide_as_the_last_needs() -> None:
    assert [row.offset for row in hex_rows(bytes(0x10000), 0x8000)] == ["0000", "8000"]
    assert [row.offset for row in hex_rows(bytes(0x10001), 0x8000)] == ["00000", "08000", "10000"]


@given(st.binary(max_size=200), st.integers(1, 20))
def test_no_octet_is_lost(octets: bytes, width: int) -> None:
    rows = list(hex_rows(octets, width))
    assert bytes.fromhex("".join(row.octets for row in rows)) == octets
    assert [int(row.offset, 16) for row in rows] == list(range(0, len(octets), width))
    assert all(len(row.text) * 3 - 1 == len(row.octets) and row.text.isascii() for row in rows)
