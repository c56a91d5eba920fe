"""What is disclosed of a reply is what tshark's fields say, over all captures there are: fact by fact, both ways."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from capanalyze.disclosures import MAX_FACTS, MAX_LENGTH, MAX_OF_KIND
from capanalyze.escape import printable
from tests.conftest import SHARED
from tests.fields import clocks, directories, names, networks, texts
from tests.fields.comparison import Table
from tests.fields.dissection import Frame, dissect
from tests.fields.replies import CAPTURES, Reply, replies

TABLE: Table = {**clocks.TABLE, **directories.TABLE, **names.TABLE, **networks.TABLE, **texts.TABLE}

NO_DISSECTOR = "tshark has no dissector for it"
NOT_FIELDS = {
    ("ard", "text"): NO_DISSECTOR,
    ("memcached", "error"): "tshark reads memcached over TCP; over UDP it shows no field",
    ("memcached", "software"): "tshark reads memcached over TCP; over UDP it shows no field",
    ("memcached", "statistic"): "tshark reads memcached over TCP; over UDP it shows no field",
    ("wsdiscovery", "location"): NO_DISSECTOR,
    ("wsdiscovery", "service"): NO_DISSECTOR,
    ("wsdiscovery", "usn"): NO_DISSECTOR,
}

# What the article's services are to tshark; the answers of the printing service are HTTP's.
LAYERS = {"ntp": "ntp", "nbns": "nbns", "mdns": "mdns", "kerberos": "kerberos", "tcp/22": "ssh", "tcp/631": "http"}

# Why a fact may have no field, and how that is seen.
WITHOUT_FIELD: dict[str, Callable[[Reply, Frame], bool]] = {
    "tshark gave up at a record of a type that the damage made up; the records behind it are there": (
        lambda reply, frame: reply.service == "dns" and "_ws.malformed" in frame.layers
    ),
    "the damage is in the first line, and tshark does not take the datagram for SIP": (
        lambda reply, frame: reply.service == "sip" and "sip" not in frame.layers
    ),
    "a TLS record goes on in further segments, and tshark waits for its end": (
        lambda reply, frame: "tls" in frame.layers and not frame.all("tls.record")
    ),
}


@dataclass
class Score:
    """What came of all comparisons: those that agreed by row, the others in words."""

    agreed: Counter[tuple[str, str]] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    unknown: set[tuple[str, str]] = field(default_factory=set)
    not_fields: set[tuple[str, str]] = field(default_factory=set)
    undissected: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)

    def add(self, reply: Reply, frame: Frame) -> None:
        """Compare all kinds that the reply has, or that tshark shows of it."""
        layer = LAYERS.get(reply.name, LAYERS.get(reply.service))
        if layer and layer not in frame.layers:
            self.undissected.append(f"{place(reply)}: {reply.name}")
        for kind in reply.kinds - {"malformed"}:
            if (reply.service, kind) in NOT_FIELDS:
                self.not_fields.add((reply.service, kind))
            elif (reply.service, kind) not in TABLE:
                self.unknown.add((reply.service, kind))
        for service, kind in TABLE:
            if service == reply.service:
                self.compare(reply, kind, frame)

    def compare(self, reply: Reply, kind: str, frame: Frame) -> None:
        row = TABLE[reply.service, kind]
        values = [fact.value for fact in reply.facts if fact.kind == kind]
        facts, fields = set(map(row.form, values)), {printable(one, MAX_LENGTH) for one in row.told(frame)}
        without_field = facts - fields
        without_fact = fields - facts if row.complete and has_room(reply, len(values)) else set()
        if without_field and (why := next(reasons(reply, frame), None)):
            self.excused[why] += 1
        elif without_field or without_fact:
            words = f"{reply.service} {kind}: {without_field} is not {without_fact}"
            self.disagreements.append(f"{place(reply)}: {words}")
        elif facts:
            self.agreed[reply.service, kind] += 1


def place(reply: Reply) -> str:
    return f"{reply.capture.name} frame {reply.frame}"


def has_room(reply: Reply, count: int) -> bool:
    """Whether the reply was read to its end, and no fact left out for want of room."""
    return count < MAX_OF_KIND and len(reply.facts) < MAX_FACTS and "malformed" not in reply.kinds


def reasons(reply: Reply, frame: Frame) -> Iterator[str]:
    yield from (why for why, holds in WITHOUT_FIELD.items() if holds(reply, frame))


@pytest.fixture(scope="module")
def score() -> Score:
    total = Score()
    for path in CAPTURES:
        frames = dissect(path)
        for reply in replies(path):
            total.add(reply, frames[reply.frame])
    return total


def test_facts_and_fields_are_the_same(score: Score) -> None:
    assert score.disagreements == []


def test_replies_of_the_articles_services_are_dissected(score: Score) -> None:
    assert score.undissected == []


def test_every_kind_of_fact_is_compared_or_is_no_field(score: Score) -> None:
    assert score.unknown == set()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not here")
def test_every_row_and_every_excuse_is_met(score: Score) -> None:
    assert set(score.agreed) == set(TABLE)
    assert score.not_fields == set(NOT_FIELDS)
    assert set(score.excused) == set(WITHOUT_FIELD)
