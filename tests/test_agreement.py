"""tshark's second opinion held against the fast path's: what is confirmed, what differs, and what is explained."""

import shutil
from pathlib import Path

import pytest

from capanalyze.agreement import deepen, expected
from capanalyze.analysis import examine
from capanalyze.audit import audit_of
from capanalyze.depth import Opinion, dissect
from capanalyze.exhibits import LIMITS, without_exhibit
from capanalyze.model import Agreement, Analysis, Dissection, Expert, Field
from capanalyze.protocols import PROTOCOLS
from tests.build import PEER, START, TARGET, icmp, ipv4, ntp, pcap, tcp, udp
from tests.packets.test_scan import CAPTURES
from tests.test_exhibits import AUDITS, LAB, examined, of

NTP = ["raw", "ip", "udp", "ntp"]
REQUEST = ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(transmit=7)))
REPLY = ipv4(TARGET, PEER, 17, udp(123, 50000, ntp(4, origin=7)))
SILENT = ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(transmit=8)))
needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not here")


def said(*protocols: str, **fields: str) -> Dissection:
    """What tshark says of a frame: its protocols, and fields with `_` for the last dot."""
    lines = [Field(name=name, shown=name, offset=0, size=0, value=value) for name, value in fields.items()]
    return Dissection(protocols=list(protocols), layers=[Field(name="x", shown="x", offset=0, size=0, fields=lines)])


def compared(tmp_path: Path, frames: list[bytes], *dissections: Dissection, service: str = "ntp") -> Agreement | None:
    """The agreement on a service when tshark says this of the frames; a later one ends what is silent."""
    path = tmp_path / "block-all.ppp0.pcap"
    later = ipv4(PEER, TARGET, 6, tcp(1, 2, "A", payload=b"x"))
    path.write_bytes(
        pcap([*((START + number / 10, frame) for number, frame in enumerate(frames)), (START + 60, later)])
    )
    analysis, bundle = examine(audit_of([str(path)], target=(TARGET,)), limit=LIMITS["all"])
    assert bundle is not None
    deepen(analysis, bundle, Opinion(dict(enumerate(dissections, 1)), "4.0.17"))
    (found,) = [one for one in analysis.findings if one.service == service]
    return found.agreement


def test_the_same_protocol_and_the_same_request_are_confirmed(tmp_path: Path) -> None:
    reply = said(*NTP, **{"ntp.request_in": "1", "ntp.stratum": "2"})
    agreement = compared(tmp_path, [REQUEST, REPLY], said(*NTP), reply)
    assert agreement == Agreement(protocols=["ntp"], confirmed=2, links=1, differences=[], explained=[])


def test_another_protocol_in_a_reply_is_a_difference(tmp_path: Path) -> None:
    agreement = compared(tmp_path, [REQUEST, REPLY], said(*NTP), said("raw", "ip", "udp", "dns"))
    assert agreement is not None
    assert agreement.differences == ["frame 2 is a reply of ntp, and dns for tshark"]
    assert agreement.protocols == ["ntp", "dns"]


def test_frames_are_named_as_their_capture_numbers_them(tmp_path: Path) -> None:
    passing = ipv4(PEER, "10.255.255.1", 89, b"ospf")
    wrong = said(*NTP, **{"ntp.request_in": "9"})
    agreement = compared(tmp_path, [passing, passing, REQUEST, REPLY], said(*NTP), wrong)
    assert agreement is not None
    assert agreement.differences + agreement.explained
    assert all(text.startswith("frame 4") for text in agreement.differences + agreement.explained)


def test_a_malformed_reply_is_a_difference(tmp_path: Path) -> None:
    agreement = compared(tmp_path, [REQUEST, REPLY], said(*NTP), said(*NTP, "_ws.malformed"))
    assert agreement is not None
    assert agreement.differences == ["frame 2 is a reply of ntp, and ntp, _ws.malformed for tshark"]


def test_what_tshark_does_not_dissect_is_no_difference(tmp_path: Path) -> None:
    agreement = compared(tmp_path, [REQUEST, REPLY], said("raw", "ip", "udp", "data"), said("raw", "ip", "udp", "data"))
    assert agreement is not None
    assert agreement.differences == []
    assert agreement.explained == [
        "frame 1 was sent to the port of ntp, and is data for tshark",
        "frame 2 is a reply of ntp, and not dissected by tshark",
    ]


def test_ntp_is_linked_by_its_origin_timestamp_whatever_tshark_links(tmp_path: Path) -> None:
    """tshark takes the last request of the conversation (Wireshark 4.0's packet-ntp.c)."""
    dissections = (
        said(*NTP, **{"ntp.xmt": "seven"}),
        said(*NTP, **{"ntp.xmt": "eight"}),
        said(*NTP, **{"ntp.org": "seven", "ntp.request_in": "2"}),
    )
    agreement = compared(tmp_path, [REQUEST, SILENT, REPLY], *dissections)
    assert agreement is not None
    assert (agreement.links, agreement.differences) == (0, [])
    assert agreement.explained == [
        "frame 3: tshark links the last request of the conversation, frame 2; the origin timestamp is that of frame 1"
    ]
    wrong = said(*NTP, **{"ntp.org": "eight", "ntp.request_in": "2"})
    agreement = compared(tmp_path, [REQUEST, SILENT, REPLY], *dissections[:2], wrong)
    assert agreement is not None
    assert agreement.differences == ["frame 3 answers frame 1, and frame 2 for tshark"]


QUESTION = bytes.fromhex("000000000001000000000000015f056c6f63616c00000c0001")
ANSWER = bytes.fromhex("000084000000000100000000015f056c6f63616c00000c00010000007800020161")


def test_multicast_dns_is_linked_by_its_question_whatever_the_id(tmp_path: Path) -> None:
    asked = ipv4(PEER, TARGET, 17, udp(5353, 5353, QUESTION))
    told = ipv4(TARGET, "224.0.0.251", 17, udp(5353, 5353, ANSWER))
    mdns = ("raw", "ip", "udp", "mdns")
    agreement = compared(tmp_path, [asked, told], said(*mdns), said(*mdns, **{"dns.response_to": "9"}), service="mdns")
    assert agreement is not None
    assert (agreement.confirmed, agreement.links, agreement.differences) == (2, 0, [])
    assert agreement.explained == [
        "frame 2: tshark links by the id, which multicast DNS leaves 0, another frame; the records answer frame 1"
    ]


def test_a_rejection_is_what_it_is_whatever_it_quotes(tmp_path: Path) -> None:
    error = ipv4(TARGET, PEER, 1, icmp(3, 3, payload=REQUEST[:28]))
    agreement = compared(tmp_path, [REQUEST, error], said(*NTP), said("raw", "ip", "icmp", "ip", "udp", "ntp"))
    assert agreement == Agreement(protocols=["ntp"], confirmed=2, links=0, differences=[], explained=[])


def test_where_no_module_knows_the_port_it_is_named_what_tshark_sees(tmp_path: Path) -> None:
    frames = [
        ipv4(PEER, TARGET, 17, udp(50000, 28524, b"?")),
        ipv4(TARGET, PEER, 17, udp(28524, 50000, b"!")),
        ipv4(PEER, TARGET, 6, tcp(50001, 22, "S", seq=1)),
        ipv4(TARGET, PEER, 6, tcp(22, 50001, "SA", seq=9, ack=2)),
    ]
    some = said("raw", "ip", "udp", "quake")
    connected = said("raw", "ip", "tcp", "ssh")
    dissections = some, some, connected, connected
    agreement = compared(tmp_path, frames, *dissections, service="udp/28524")
    assert agreement == Agreement(protocols=["quake"], confirmed=2, links=0, differences=[], explained=[])
    agreement = compared(tmp_path, frames, *dissections, service="tcp/22")
    assert agreement == Agreement(protocols=["ssh"], confirmed=2, links=0, differences=[], explained=[])


def test_without_tshark_nothing_agrees_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "block-all.ppp0.pcap"
    path.write_bytes(pcap([(START, REQUEST), (START + 1, REPLY)]))
    analysis, bundle = examine(audit_of([str(path)], target=(TARGET,)), limit=LIMITS["auto"])
    assert bundle is not None
    deepen(analysis, bundle, Opinion(trouble="tshark is not installed"))
    assert [found.agreement for found in analysis.findings] == [None]
    assert analysis.depth is not None
    assert (analysis.depth.note, analysis.depth.tshark) == ("tshark is not installed", None)
    assert [one.protocols for one in analysis.depth.exhibits] == [[], []]


def test_what_tshark_remarks_stands_with_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "block-all.ppp0.pcap"
    path.write_bytes(pcap([(START, REQUEST), (START + 1, REPLY)]))
    analysis, bundle = examine(audit_of([str(path)], target=(TARGET,)), limit=LIMITS["auto"])
    assert bundle is not None
    remark = Expert(severity="Warning", group="Protocol", message="odd")
    deepen(analysis, bundle, Opinion({2: Dissection(protocols=NTP, layers=[], experts=[remark])}, "4.0.17"))
    assert analysis.depth is not None
    assert [(one.protocols, one.experts) for one in analysis.depth.exhibits] == [([], []), (NTP, [remark])]


@pytest.mark.parametrize("service", [protocol.name for protocol in PROTOCOLS[2:]])
@needs_tshark
def test_the_dissectors_that_are_expected_exist(service: str, dissectors: set[str]) -> None:
    assert not expected(service) or expected(service) & dissectors


@pytest.fixture(scope="module")
def dissectors() -> set[str]:
    import subprocess

    listed = subprocess.run(["tshark", "-G", "protocols"], capture_output=True, text=True, check=True).stdout
    return {line.split("\t")[2] for line in listed.splitlines()}


def deep(path: Path) -> Analysis:
    analysis, bundle = examined(of(path))
    assert bundle is not None
    opinion = dissect(bundle.octets, len(bundle.shown))
    deepen(analysis, bundle, opinion)
    assert opinion.trouble is None
    return analysis


@needs_tshark
@pytest.mark.parametrize("path", [*AUDITS, *CAPTURES, *LAB], ids=lambda path: "/".join(path.parts[-2:]))
def test_tshark_and_the_fast_path_do_not_differ(path: Path) -> None:
    analysis = deep(path)
    assert analysis.depth is not None
    differences = [line for found in analysis.findings if found.agreement for line in found.agreement.differences]
    assert differences == []
    shown = {(one.capture, one.frame) for one in analysis.depth.exhibits}
    for found in analysis.findings:
        if found.replied and not without_exhibit([found], shown):
            assert found.agreement is not None
            assert found.agreement.confirmed or (found.agreement.explained and not found.agreement.links)


# A finding, and the dissector that has to have seen it.
LEAKING = {"ntp": "ntp", "nbns": "nbns", "mdns": "mdns", "kerberos": "kerberos", "tcp/22": "ssh", "tcp/631": "http"}


@needs_tshark
@pytest.mark.parametrize("path", [*(one for one in AUDITS if one.parent.name == "leopard"), *LAB], ids=lambda p: p.name)
def test_every_leak_of_the_lab_has_its_dissection(path: Path) -> None:
    analysis = deep(path)
    assert analysis.depth is not None
    for found in analysis.findings:
        if found.verdict == "leaked" and found.service in LEAKING:
            assert found.agreement is not None
            assert LEAKING[found.service] in found.agreement.protocols
            assert found.agreement.confirmed
