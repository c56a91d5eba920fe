"""Octets as `tshark -x` prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.report.hexdump import WIDTH, hex_dump, hex_rows


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"", []),
        (b"A", ["0000  41                                                A"]),
        (bytes(range(0x1B, 0x2B)), ["0000  1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a   ..... !\"#$%&'()*"]),
        (
            b"~\x7f\x80\xff" * 5,
            [
                "0000  7e 7f 80 ff 7e 7f 80 ff 7e 7f 80 ff 7e 7f 80 ff   ~...~...~...~...",
                "0010  7e 7f 80 ff                                       ~...",
            ],
        ),
    ],
)
def test_the_dump(octets: bytes, lines: list[str]) -> None:
    assert list(hex_dump(octets)) == lines


@given(st.binary(max_size=200))
def test_every_octet_is_there_in_its_place(octets: bytes) -> None:
    rows = list(hex_rows(octets))
    assert b"".join(bytes.fromhex(row.digits) for row in rows) == octets
    assert [row.offset for row in rows] == list(range(0, len(octets), WIDTH))
    characters = "".join(row.characters for row in rows)
    assert len(characters) == len(octets)
    assert all(
        shown in (chr(octet), ".") and shown.isprintable() for octet, shown in zip(octets, characters, strict=True)
    )
