"""Apple Remote Desktop: octets to facts."""

from tests.protocols.test_ard import REPLY

from . import told


def test_what_reads_as_text_is_told() -> None:
    assert told("ard", REPLY) == [("text", "Qf98e"), ("text", "10.5.0")]
    assert told("ard", bytes(1000)) == []
    assert told("ard", b"\0      \0") == []
