"""Whether tshark, asked about the frames of a finding, sees what the fast path saw: the same protocol, the same pairs.

What is known of tshark's own linking is explained, not counted as a difference: its NTP dissector links the last
request of a conversation, whatever the origin timestamp says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from capanalyze.capture import MAX_COPY
from capanalyze.exhibits import without_exhibit
from capanalyze.model import EVIDENCE, Agreement, Depth
from capanalyze.protocols import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from capanalyze.depth import Opinion
    from capanalyze.exhibits import Bundle
    from capanalyze.model import Analysis, Dissection, Field, Finding

# By service, the names that tshark has for it; none where it knows it not.
DISSECTORS = {
    protocol.name: frozenset((protocol.name,) if protocol.dissectors is None else protocol.dissectors)
    for protocol in PROTOCOLS
}
# Layers of no service: what carries it, and what tshark shows where it knows no more.
CARRIERS = frozenset(
    {
        *("eth", "ethertype", "llc", "osi", "vlan", "mpls", "pppoed", "pppoes", "ppp", "chdlc", "fr", "null", "loop"),
        *("sll", "sll2", "pktap", "pflog", "nflog", "raw", "radiotap", "wlan_radio", "wlan", "prism", "wlancap"),
        *("ap1394", "enc", "ipnet", "ppi", "pcap_pktdata", "tr", "fddi", "ipfc", "atm", "lane", "clip", "ipoib"),
        *("docsis", "erf", "symantec", "netanalyzer", "juniper", "epon", "fpp", "pwethcw", "pwethheuristic"),
        *("cmd", "hsr", "vntag", "etag", "ieee8021ad", "ieee8021ah", "ieee8021cb", "macsec", "cfp", "trill", "batadv"),
        *("gre", "nsh", "etherip", "erspan", "vxlan", "geneve", "gtp", "l2tp", "teredo", "tzsp", "ayiya"),
        *("capwap.data", "ip", "ipv6", "udp", "tcp", "data"),
    }
)
REJECTIONS = frozenset({"icmp", "icmpv6"})
MALFORMED = "_ws.malformed"
# Fields by which tshark says which frame a reply answers.
LINKS = (
    "coap.response_to",
    "dns.response_to",
    "icmp.resp_to",
    "icmpv6.resp_to",
    "ntp.request_in",
    "rpc.reqframe",
    "snmp.response_to",
    "stun.response-to",
    "tftp.request_frame",
)
ORIGIN, TRANSMIT = "ntp.org", "ntp.xmt"


def deepen(analysis: Analysis, bundle: Bundle, opinion: Opinion) -> None:
    """Enter into an analysis what tshark said of its evidence."""
    numbers = {(one.exhibit.capture, one.exhibit.frame): one.exhibit.number for one in bundle.shown}
    exhibits = []
    for one in bundle.shown:
        said = opinion.dissections.get(one.exhibit.number)
        known = replace(one.exhibit, protocols=said.protocols, experts=said.experts) if said else one.exhibit
        exhibits.append(known)
    cut = {one.number for one in exhibits if one.captured < one.octets}
    alone = len({one.capture for one in exhibits}) == 1
    names = {one.number: f"frame {one.frame}" + ("" if alone else f" of {one.capture}") for one in exhibits}
    for found in analysis.findings:
        found.agreement = _Comparison(found, numbers, names, opinion.dissections, cut).result()
    notes = [opinion.trouble] if opinion.trouble else []
    if bundle.missing:
        kept = f" (of standard input the first {MAX_COPY >> 20} MiB are kept)" if bundle.from_stdin else ""
        notes.append(f"frames that could not be read again, and are not in the evidence: {len(bundle.missing):,}{kept}")
    if left := without_exhibit(analysis.findings, bundle.missing | numbers.keys()):
        notes.append(f"findings without a frame in the evidence, for want of room: {left:,} (--depth all has more)")
    analysis.depth = Depth(
        file=EVIDENCE,
        sha256=bundle.sha256,
        octets=len(bundle.octets),
        exhibits=exhibits,
        audit=bundle.audit_name,
        tshark=opinion.tshark,
        note="; ".join(notes) or None,
    )


def expected(service: str) -> frozenset[str]:
    """The dissectors that a service's messages may have; none where any will do."""
    if "/" in service:
        return frozenset({"tcp"}) if service.startswith("tcp/") else frozenset()
    return DISSECTORS[service]


def seen(dissection: Dissection) -> list[str]:
    """The protocols that tshark sees above what carries them."""
    return [one for one in dissection.protocols if one not in CARRIERS]


def values(dissection: Dissection, name: str) -> Iterator[str]:
    """The values of a field, wherever it stands."""
    lines: list[Field] = list(dissection.layers)
    while lines:
        line = lines.pop(0)
        if line.name == name:
            yield line.value
        lines += line.fields


@dataclass
class _Comparison:
    """One finding, compared frame by frame.

    Frames go by their numbers in the evidence, which tshark reads; `names` are those in their captures, for people.
    `requests` are those that each reply answers, as the fast path pairs them.
    """

    finding: Finding
    numbers: Mapping[tuple[str, int], int]
    names: Mapping[int, str]
    dissections: Mapping[int, Dissection]
    cut: set[int]
    requests: dict[int, list[int]] = field(default_factory=dict)
    protocols: dict[str, None] = field(default_factory=dict)
    confirmed: int = 0
    links: int = 0
    differences: list[str] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)

    def result(self) -> Agreement | None:
        """What the comparison comes to; None where tshark said nothing of this finding."""
        asked: dict[int, None] = {}
        for one in (*self.finding.shown(), *self.finding.flipped()):
            requests = self._numbers(one.capture, one.requests)
            asked.update(dict.fromkeys(requests))
            for number in self._numbers(one.reply_capture or one.capture, one.replies):
                self.requests.setdefault(number, []).extend(requests)
        for fact in self.finding.disclosures:
            for number in self._numbers(fact.capture, [fact.frame]):
                self.requests.setdefault(number, [])
        for number in asked:
            self._compare(number, is_request=True)
        for number in self.requests:
            self._compare(number, is_request=False)
            self._compare_links(number)
        if not (self.confirmed or self.differences or self.explained):
            return None
        return Agreement(
            protocols=list(self.protocols),
            confirmed=self.confirmed,
            links=self.links,
            differences=self.differences,
            explained=self.explained,
        )

    def _numbers(self, capture: str, frames: Iterable[int]) -> list[int]:
        found = (self.numbers.get((capture, frame)) for frame in frames)
        return [number for number in found if number in self.dissections and number is not None]

    def _compare(self, number: int, *, is_request: bool) -> None:
        dissection = self.dissections[number]
        protocols = set(dissection.protocols)
        service = self.finding.service
        wanted = expected(service)
        rejects = not is_request and REJECTIONS & protocols
        self.protocols.update(dict.fromkeys(seen(dissection)) if not rejects else {})
        if (
            rejects
            or (self.finding.transport == "tcp" and "tcp" in protocols)
            or ((not wanted or wanted & protocols) and (is_request or MALFORMED not in protocols))
        ):
            self.confirmed += 1
        elif number in self.cut:
            self.explained.append(f"{self._name(number)} is cut by the snap length")
        elif is_request:
            what = ", ".join(seen(dissection)) or "data"
            self.explained.append(f"{self._name(number)} was sent to the port of {service}, and is {what} for tshark")
        elif not seen(dissection):
            self.explained.append(f"{self._name(number)} is a reply of {service}, and not dissected by tshark")
        else:
            named = ", ".join(seen(dissection))
            self.differences.append(f"{self._name(number)} is a reply of {service}, and {named} for tshark")

    def _compare_links(self, number: int) -> None:
        """Whether the request that tshark links a reply to is one of ours."""
        requests = self.requests[number]
        linked = [(name, value) for name in LINKS for value in values(self.dissections[number], name)]
        for name, value in linked if requests else ():
            if not value.isdigit():
                continue
            if int(value) in requests:
                self.links += 1
            elif excuse := self._excuse(name, number, int(value)):
                self.explained.append(f"{self._name(number)}: {excuse}")
            else:
                own, other = self._name(requests[0]), self._name(int(value))
                self.differences.append(f"{self._name(number)} answers {own}, and {other} for tshark")

    def _name(self, number: int) -> str:
        """What people know a frame of the evidence by."""
        return self.names.get(number, "another frame")

    def _excuse(self, name: str, number: int, linked: int) -> str | None:
        """Why tshark links another request, where that is known."""
        request = self.requests[number][0]
        if name == "ntp.request_in" and self._shares(number, ORIGIN, TRANSMIT):
            return (
                f"tshark links the last request of the conversation, {self._name(linked)}; "
                f"the origin timestamp is that of {self._name(request)}"
            )
        if name == "dns.response_to" and self.finding.service == "mdns":
            return (
                f"tshark links by the id, which multicast DNS leaves 0, {self._name(linked)}; "
                f"the records answer {self._name(request)}"
            )
        return None

    def _shares(self, number: int, field_of_reply: str, field_of_request: str) -> bool:
        told = set(values(self.dissections[number], field_of_reply))
        return any(told & set(values(self.dissections[one], field_of_request)) for one in self.requests[number])
