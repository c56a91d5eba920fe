"""Elements in BER for tests, an element at a time (X.690 section 8.1)."""

SEQUENCE, SET, INTEGER, OCTETS, ENUMERATED, GENERAL_STRING, GENERALIZED_TIME = 0x30, 0x31, 2, 4, 10, 0x1B, 0x18


def ber(tag: int, *contents: bytes) -> bytes:
    """An element, its length in the short or the long form."""
    whole = b"".join(contents)
    if len(whole) < 128:
        return bytes([tag, len(whole)]) + whole
    return bytes([tag, 0x82]) + len(whole).to_bytes(2) + whole


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A number."""
    return ber(tag, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def numbered(number: int, *contents: bytes) -> bytes:
    """A field that is tagged explicitly."""
    return ber(0xA0 + number, *contents)
