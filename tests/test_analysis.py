"""The flow as a whole: captures that belong together, what a finding discloses, what a report notes."""

import struct
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import CaptureFile, Segment, audit_of, load_audit
from capanalyze.errors import AuditError
from capanalyze.flow import find_exchanges
from capanalyze.stream import together
from tests.build import (
    MAC_PEER,
    MAC_TARGET,
    PEER,
    START,
    TARGET,
    block,
    enhanced,
    ethernet,
    icmp,
    interface,
    ipv4,
    ntp,
    option,
    pcap,
    section,
    udp,
)

LAST = (60.0, ipv4(PEER, "10.255.255.1", 89, b"ospf"))


def ask(number: int) -> bytes:
    return ipv4(PEER, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number)), ident=number)


def answer(number: int, clock: int = 9) -> bytes:
    return ipv4(TARGET, PEER, 17, udp(123, 40000 + number, ntp(4, origin=number, transmit=clock)), ident=number)


def write(folder: Path, name: str, frames: list[tuple[float, bytes]]) -> str:
    path = folder / name
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames]))
    return str(path)


def test_a_reply_may_be_in_another_capture_of_its_mode(tmp_path: Path) -> None:
    inward = write(tmp_path, "block-all.en0.pcap", [(0.0, ask(1)), LAST])
    outward = write(tmp_path, "block-all.ppp0.pcap", [(0.001, answer(1)), LAST])
    (pair,) = find_exchanges(audit_of([inward, outward]))
    assert (pair.exchange.capture, pair.exchange.requests) == ("block-all.en0.pcap", [1])
    assert (pair.exchange.reply_capture, pair.exchange.replies) == ("block-all.ppp0.pcap", [1])
    assert pair.exchange.rtt_us == 1000.0


def test_a_reply_in_a_capture_of_another_mode_is_none(tmp_path: Path) -> None:
    inward = write(tmp_path, "block-all.en0.pcap", [(0.0, ask(1)), LAST])
    outward = write(tmp_path, "allow-all.ppp0.pcap", [(0.001, answer(1)), LAST])
    outcomes = [pair.exchange.outcome for pair in find_exchanges(audit_of([inward, outward]))]
    assert outcomes == ["silent", "indeterminate"]


def test_the_same_exchange_in_two_captures_of_a_mode_is_an_error(tmp_path: Path) -> None:
    one = write(tmp_path, "block-all.en0.pcap", [(0.0, ask(1))])
    other = write(tmp_path, "block-all.any.pcap", [(0.0002, ask(1))])
    with pytest.raises(AuditError, match=r"block-all.en0.pcap and block-all.any.pcap hold the same traffic"):
        find_exchanges(audit_of([one, other]))


def test_captures_that_share_a_mode_are_together() -> None:
    def file(name: str, *modes: str) -> CaptureFile:
        return CaptureFile(name, name, tuple(Segment(mode) for mode in modes))

    files = [file("a", "x"), file("b", "y"), file("c"), file("d", "y", "x"), file("e"), file("f", "z")]
    assert sorted(sorted(group) for group in together(files)) == [["a", "b", "d"], ["c", "e"], ["f"]]


def test_the_mode_is_that_at_the_first_request(tmp_path: Path) -> None:
    write(tmp_path, "x.pcap", [(0.0, ask(1)), (9.9, ask(2)), (10.1, answer(2)), (11.0, ask(3)), LAST])
    (tmp_path / "audit.toml").write_text(
        '[target]\naddresses = ["192.0.2.10"]\n'
        '[modes.open]\npromise = "allow"\ncaptures = [{ file = "x.pcap", until = 2007-10-29T10:13:16Z }]\n'
        '[modes.shut]\npromise = "block"\ncaptures = [{ file = "x.pcap", since = 2007-10-29T10:13:16Z }]\n'
    )
    analysis = analyze(load_audit(tmp_path / "audit.toml"))
    assert [(found.mode, found.verdict, found.exchanges) for found in analysis.findings] == [
        ("open", "allowed", 2),
        ("shut", "blocked", 1),
    ]


def test_every_fact_is_shown_once_with_the_frame_that_told_it_first(tmp_path: Path) -> None:
    frames = [
        frame
        for number in range(1, 9)
        for frame in ((number * 1.0, ask(number)), (number + 0.1, answer(number, number << 32)))
    ]
    path = write(tmp_path, "block-all.ppp0.pcap", [*frames, LAST])
    (finding,) = analyze(audit_of([path], target=(TARGET,))).findings
    told = {(fact.kind, fact.value): fact.frame for fact in finding.disclosures}
    assert told["stratum", "2"] == 2
    clocks = [frame for (kind, _), frame in told.items() if kind == "clock"]
    assert clocks == [2, 4, 6, 8]


def test_silence_on_a_tunnels_port_proves_nothing_but_for_an_echo(tmp_path: Path) -> None:
    echo = bytes.fromhex("320100040000000000010000")
    inside = b"\x08\0\0\0\0\0\x2a\0" + ethernet(ask(1))
    frames = [
        (0.0, ipv4(PEER, TARGET, 17, udp(2152, 2152, echo))),
        (1.0, ipv4(PEER, TARGET, 17, udp(50000, 4789, b"no tunnel"))),
        (2.0, ipv4(PEER, TARGET, 17, udp(50001, 4789, inside))),
        (2.1, answer(1)),
        LAST,
    ]
    analysis = analyze(audit_of([write(tmp_path, "block-all.pcap", frames)], target=(TARGET,)))
    found = {one.service: (one.silent, one.unproven, one.replied) for one in analysis.findings}
    assert found == {"udp/2152": (1, 0, 0), "udp/4789": (0, 1, 0), "ntp": (0, 0, 1)}
    assert analysis.inputs[0].tunnels == {"VXLAN": 1}


def test_frames_that_the_kernel_dropped_are_a_note_on_every_finding(tmp_path: Path) -> None:
    def framed(number: int, packet: bytes, *, inward: bool) -> bytes:
        stamp = (START + number) * 1_000_000
        source, destination = (MAC_PEER, MAC_TARGET) if inward else (MAC_TARGET, MAC_PEER)
        return enhanced(0, stamp, ethernet(packet, source=source, destination=destination))

    statistics = block(5, struct.pack("<3I", 0, 0, 0) + option(5, struct.pack("<Q", 17)))
    path = tmp_path / "block-all.pcapng"
    name = option(2, b"en0")
    path.write_bytes(
        section()
        + interface(1, name)
        + framed(0, ask(1), inward=True)
        + framed(1, answer(1), inward=False)
        + statistics
    )
    analysis = analyze(audit_of([str(path)]))
    (finding,) = analysis.findings
    assert finding.notes[-1] == "block-all.pcapng: 17 frames were dropped while capturing, at times unknown"
    assert (finding.verdict, finding.zone) == ("leaked", "lan")
    assert analysis.inputs[0].interfaces[0].dropped == 17


def test_what_the_target_tells_unasked_is_an_announcement_and_no_finding(tmp_path: Path) -> None:
    hello = ipv4(TARGET, "192.0.2.255", 17, udp(514, 514, b"<13>a word"))
    time = ipv4(TARGET, "224.0.1.1", 17, udp(123, 123, ntp(5)))
    path = write(tmp_path, "block-all.ppp0.pcap", [(0.0, hello), (1.0, time), LAST])
    analysis = analyze(audit_of([path], target=(TARGET,)))
    assert analysis.findings == []
    assert [(one.service, one.messages, one.first.replies) for one in analysis.announcements] == [
        ("ntp", 1, [2]),
        ("udp/514", 1, [1]),
    ]


def test_zones_are_by_interface_or_by_the_peers_network(tmp_path: Path) -> None:
    path = write(tmp_path, "x.pcap", [(0.0, ask(1)), LAST])
    for zones, zone in (((), "if0"), (("if0=inside",), "inside"), (("192.0.2.0/24=own", "198.51.100.0/24=dmz"), "dmz")):
        audit = audit_of([path], zones=zones, target=(TARGET,))
        assert [pair.exchange.zone for pair in find_exchanges(audit)] == [zone]


def test_a_reply_that_repeats_its_request_discloses_nothing(tmp_path: Path) -> None:
    echoed = ipv4(TARGET, PEER, 17, udp(5353, 40001, b"\0\0\0\0" + bytes(30)), ident=2)
    asked = ipv4(PEER, TARGET, 17, udp(40001, 5353, b"\0\0\0\0" + bytes(30)), ident=1)
    path = write(tmp_path, "block-all.ppp0.pcap", [(0.0, asked), (0.1, echoed), LAST])
    found = analyze(audit_of([path], target=(TARGET,))).findings
    assert [one.disclosures for one in found] == [[]]


def test_a_fact_names_the_reply_that_told_it_not_an_error_before_it(tmp_path: Path) -> None:
    error = ipv4(TARGET, PEER, 1, icmp(3, 3, payload=ask(1)))
    pieces = [[(0.0, ask(1)), (0.05, error)], [(0.1, answer(1)), LAST]]
    whole = write(tmp_path, "block-all.ppp0.pcap", pieces[0] + pieces[1])
    (finding,) = analyze(audit_of([whole], target=(TARGET,))).findings
    assert {fact.frame for fact in finding.disclosures} == {3}
    paths = [write(tmp_path, f"block-all.en0.pcap{number}", frames) for number, frames in enumerate(pieces)]
    (finding,) = analyze(audit_of(paths, target=(TARGET,))).findings
    assert {(fact.capture, fact.frame) for fact in finding.disclosures} == {("block-all.en0.pcap1", 1)}
