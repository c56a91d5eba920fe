"""CUPS browse packets: octets to facts."""

from tests.protocols.test_ipp import PRINTER

from . import told


def test_packet_tells() -> None:
    assert told("ipp", PRINTER) == [
        ("location", "ipp://qf98e.local:631/printers/laser"),
        ("printer-location", "Hannover"),
        ("instance", "Laser on the first floor"),
        ("model", "HP LaserJet 4"),
    ]


def test_fields_may_be_empty_or_missing() -> None:
    assert told("ipp", b'0 3 ipp://h/p "" "x"') == [("location", "ipp://h/p"), ("instance", "x")]
    assert told("ipp", b"0 3 ipp://h/p\n") == [("location", "ipp://h/p")]


def test_another_text_is_malformed() -> None:
    assert told("ipp", b"hello") == [("malformed", "not a browse packet")]
