"""The small recordings are there, each of a service that has a module, and listed."""

from capanalyze.protocols import PROTOCOLS
from tests.conftest import PCAPS
from tests.lab.recordings import RECORDINGS

LIMIT = 16_384


def test_each_recording_is_small_and_listed() -> None:
    listed = (PCAPS / "services" / "README.md").read_text()
    for name in RECORDINGS:
        assert name in {protocol.name for protocol in PROTOCOLS}
        assert 0 < (PCAPS / "services" / f"{name}.pcap").stat().st_size < LIMIT
        assert f"`{name}.pcap`" in listed
