"""All captures there are, and what capanalyze discloses of each reply in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from capanalyze import analysis
from capanalyze.analysis import disclosures_of
from capanalyze.audit import Audit, CaptureFile
from capanalyze.disclosures import disclose
from capanalyze.exchanges.pair import pairs_of
from capanalyze.flow import Flow
from capanalyze.model import Disclosure
from capanalyze.stream import Stream
from tests.conftest import PCAPS, SHARED

FOLDERS = (PCAPS, SHARED / "captures" / "lab", SHARED / "captures" / "pairs")
SUFFIXES = (".pcap", ".pcapng", ".pcap.gz")
CAPTURES = sorted(
    path for folder in FOLDERS for path in folder.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file()
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that was decoded: the exchange's service, its frame, its facts."""

    capture: Path
    name: str
    frame: int
    facts: tuple[Disclosure, ...]

    @property
    def service(self) -> str:
        """The name that the tables have."""
        return family(self.name)

    @property
    def kinds(self) -> set[str]:
        return {fact.kind for fact in self.facts}


def family(service: str) -> str:
    """`tcp` of `tcp/22`; `ntp` of the services that NTP's control and private messages make up."""
    return next((known for known in ("tcp", "ntp") if service.startswith((f"{known}/", f"{known}-"))), service)


def whole(service: str, reply: bytes, request: bytes | None) -> list[Disclosure]:
    """All that a reply's decoder tells, echoes of the request too."""
    return disclose(service, reply)


def replies(path: Path) -> Iterator[Reply]:
    """The decoded replies and announcements of a capture."""
    with patch.object(analysis, "told_beyond", whole), Stream(Audit((CaptureFile(str(path), path.name),))) as stream:
        flow = Flow(stream, needs_target=False)
        for batch in flow.in_order():
            told = disclosures_of(batch, flow.names, stream)
            for pair, facts in zip(pairs_of(batch, flow.names), told, strict=True):
                if pair.told:
                    yield Reply(path, pair.exchange.service, pair.told.frame, tuple(facts))
