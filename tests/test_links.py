"""Pairs against tshark's fields, over all captures there are: its links, and what both of a pair have in common."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from capanalyze.audit import Audit, CaptureFile
from capanalyze.flow import find_exchanges
from capanalyze.model import Exchange
from tests.conftest import SHARED
from tests.fields.dissection import Frame, Frames, dissect
from tests.fields.names import owner, records
from tests.fields.replies import CAPTURES, family

LINKS = (
    "classicstun.response_to",
    "coap.response_to",
    "dns.response_to",
    "icmp.resp_to",
    "icmpv6.resp_to",
    "ldap.response_to",
    "ntp.request_in",
    "rpc.repframe",  # so it calls the request's frame, too
    "sip.response-request",
    "snmp.response_to",
    "stun.response-to",
    "tftp.request_frame",
)
# By service: the fields of a request and of its replies that hold one value, for exact pairs, linked or not.
COMMON: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ntp": (
        ("ntp.xmt", "ntp.ctrl.sequence", "ntp.priv.reqcode"),
        ("ntp.org", "ntp.ctrl.sequence", "ntp.priv.reqcode"),
    ),
    "quic": (("quic.scid", "gquic.cid"), ("quic.dcid", "gquic.cid")),
    **{
        service: (tuple(names), tuple(names))
        for service, *names in (
            ("coap", "coap.mid", "coap.token"),
            ("dhcp", "dhcp.id"),
            ("dhcpv6", "dhcpv6.xid"),
            ("dns", "dns.id"),
            ("icmp", "icmp.seq", "icmpv6.echo.sequence_number"),
            ("ike", "isakmp.ispi"),
            ("ldap", "ldap.messageID"),
            ("llmnr", "dns.id"),
            ("nbdgm", "browser.backup.token"),
            ("nbns", "nbns.id"),
            ("portmap", "rpc.xid"),
            ("sip", "sip.Call-ID"),
            ("slp", "srvloc.xid"),
            ("snmp", "snmp.msgID", "snmp.request_id"),
            ("stun", "stun.id", "classicstun.id"),
        )
    },
}
SOURCE = re.compile("Src: ([^, ]+)")
QUESTION = ("dns.qry.name", "dns.qry.type")


def senders(frame: Frame) -> set[str]:
    """Addresses that a frame comes from."""
    return {address for layer in ("eth", "ip", "ipv6") for address in SOURCE.findall(frame.layers.get(layer, ""))}


def is_senders_own(request: Frame, reply: Frame) -> bool:
    return bool(senders(request) & senders(reply))


def question(frame: Frame) -> list[list[str]]:
    return [frame.shown(one) for one in QUESTION]


def is_of_another_question(request: Frame, reply: Frame) -> bool:
    return "dns" in reply.layers and question(request) != question(reply)


def is_not_answered(request: Frame, reply: Frame) -> bool:
    """Whether no record has the name of any question; mDNS messages all have the ID 0 (RFC 6762 section 18.1)."""
    asked = {name.lower() for name in request.shown("dns.qry.name")}
    return "mdns" in reply.layers and not asked & {owner(record).lower() for record in records(reply)}


# Why tshark's request is not the one, and how that is seen in its own fields.
FAULTS: dict[str, Callable[[Frame, Frame], bool]] = {
    "DNS: it links by ID, whatever the question": is_of_another_question,
    "mDNS: all have the ID 0, and it links the first of the hosts' questions": is_not_answered,
    "mDNS: it links a question of the host that answers": is_senders_own,
}


@dataclass
class Score:
    """What came of all links, and of what exact pairs have in common."""

    agreed: Counter[str] = field(default_factory=Counter)
    common: Counter[str] = field(default_factory=Counter)
    strangers: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    continued: int = 0
    disagreements: list[str] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Hold the links of a capture against its exchanges, and the exchanges against the fields of their frames."""
        frames = dissect(path)
        ours: dict[int, set[int]] = {}
        for pair in find_exchanges(Audit((CaptureFile(str(path), path.name),))):
            self.compare(pair.exchange, frames)
            for reply in pair.exchange.replies:
                ours.setdefault(reply, set()).update(pair.exchange.requests)
        self.follow(path, frames, ours)

    def compare(self, exchange: Exchange, frames: Frames) -> None:
        """Whether the first reply has something in common with the request; of a datagram in fragments the first."""
        service = family(exchange.service)
        if not exchange.requests or exchange.outcome != "replied" or exchange.pairing != "exact":
            return
        if service not in COMMON and service != "mdns":
            return
        reply = frames[exchange.replies[0]]
        if any(have_in_common(service, frames[request], reply) for request in exchange.requests):
            self.common[service] += 1
        else:
            self.strangers.append(f"{exchange.capture} frame {exchange.replies[0]}: {service}")

    def follow(self, path: Path, frames: Frames, ours: dict[int, set[int]]) -> None:
        """The links of a capture; `ours` are each listed reply's requests, retransmissions among them."""
        begun: set[int] = set()
        for number, reply in frames.items():
            for name in LINKS if "tcp" not in reply.layers else ():
                for request in map(int, reply.shown(name)):
                    first, begun = request not in begun, begun | {request}
                    if request in ours.get(number, ()):
                        self.agreed[name] += 1
                    elif name.startswith("tftp") and not first and number not in ours:
                        self.continued += 1
                    elif found := fault(frames[request], reply, [frames[one] for one in ours.get(number, ())]):
                        self.faults[found] += 1
                    else:
                        self.disagreements.append(f"{path.name} frame {number}: {name} {request}")


def fault(request: Frame, reply: Frame, ours: list[Frame]) -> str | None:
    """What is wrong with tshark's request and not with ours, if there is one."""
    return next(
        (why for why, holds in FAULTS.items() if holds(request, reply) and not any(holds(one, reply) for one in ours)),
        None,
    )


def have_in_common(service: str, request: Frame, reply: Frame) -> bool:
    """Whether fields hold the same value; of mDNS, whether a record has the name of a question."""
    if service == "mdns":
        return not is_not_answered(request, reply)
    asked, told = COMMON[service]
    return bool({one.value for one in request.all(*asked)} & {one.value for one in reply.all(*told)})


@pytest.fixture(scope="module")
def score() -> Score:
    total = Score()
    for path in CAPTURES:
        total.add(path)
    return total


def test_linked_requests_are_the_same(score: Score) -> None:
    assert score.disagreements == []


def test_exact_pairs_have_a_field_in_common(score: Score) -> None:
    assert score.strangers == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not here")
def test_every_link_and_every_fault_is_met(score: Score) -> None:
    assert set(score.agreed) == set(LINKS)
    assert set(score.faults) == set(FAULTS)
    assert set(score.common) == {*COMMON, "mdns"}
    assert score.continued
