"""What explains a flip, who could reach a service, and which advisories a finding fits."""

from pathlib import Path
from typing import Any

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of, load_audit
from capanalyze.model import Finding
from capanalyze.summary import store
from capanalyze.summary.store import Rooms
from tests.build import (
    MAC_TARGET,
    PEER,
    START,
    TARGET,
    dns_message,
    ethernet,
    icmp,
    ipv4,
    ntp,
    pcap,
    question,
    record,
    udp,
)
from tests.protocols import test_snmp

FAR = ipv4(PEER, "10.255.255.1", 89, b"ospf")
UPSTREAM = "198.51.100.123"
SYMMETRIC = ipv4(PEER, TARGET, 17, udp(40007, 123, ntp(1, transmit=7)), ident=7)
NTP_REST = ntp(2, origin=7)[16:]
QUERY = dns_message(0, 0, [question("a.local")])
RESPONSE = dns_message(0, 0x8400, [question("a.local")], [record("a.local")])


@pytest.fixture(params=["held", "coming"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges that are held until all is read, and some that are summed up as they come."""
    monkeypatch.setattr(store, "ROOMS", Rooms() if request.param == "held" else Rooms(waiting=0))


def findings(folder: Path, frames: list[tuple[float, bytes]], *, name: str = "block-all.ppp0", **how: Any) -> Any:
    path = folder / f"{name}.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in [*frames, (200, FAR)]]))
    return analyze(audit_of([str(path)], target=(TARGET,), **how))


def told(folder: Path, frames: list[tuple[float, bytes]], service: str = "ntp", **how: Any) -> Finding:
    return next(one for one in findings(folder, frames, **how).findings if one.service == service)


def asked(number: int, client: str = PEER) -> bytes:
    return ipv4(client, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number)), ident=number)


def answered(number: int, stratum: int = 2, client: str = PEER) -> bytes:
    reply = ntp(4, origin=number, transmit=9, stratum=stratum)
    return ipv4(TARGET, client, 17, udp(123, 40000 + number, reply), ident=number)


def refused(number: int) -> bytes:
    return ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked(number)))


def with_ttl(packet: bytes, ttl: int) -> bytes:
    return packet[:8] + bytes([ttl]) + packet[9:]


# Flips


def test_a_flip_tells_what_came_before_it(tmp_path: Path) -> None:
    own = ipv4(TARGET, UPSTREAM, 17, udp(123, 123, ntp(transmit=77)))
    frames = [(0, asked(1)), (0.1, refused(1)), (5, own), (9.5, asked(2)), (9.6, answered(2, stratum=0))]
    (flip,) = told(tmp_path, frames).changes
    assert (flip.before, flip.after, flip.seconds) == ("rejected", "replied", 9.5)
    assert (flip.reason_before, flip.reason_after) == ("port unreachable", "server reply, unsynchronised")
    assert flip.own_traffic is not None
    assert flip.own_traffic.frame == 3
    assert flip.circumstances == [
        "the daemon answers as one that has just begun: not synchronised (stratum 0 or 16, or LI 3)",
        "the target itself sent as this service before, in frame 3",
    ]


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (
            [(0, asked(1)), (10, asked(2)), (10.1, answered(2))],
            ["the silent request was sent once: alone it may be a loss"],
        ),
        (
            [(0, asked(1)), (1, asked(1)), (10, asked(2)), (11, asked(2)), (11.1, answered(2))],
            ["only a retransmission was answered: the one before it may be lost"],
        ),
        ([(0, asked(1)), (0.1, refused(1)), (10, asked(2)), (10.1, answered(2))], []),
        (
            [(0, asked(1)), (0.1, answered(1, stratum=16)), (10, asked(2)), (10.1, refused(2))],
            ["the daemon was not synchronised when it last answered (stratum 0 or 16, or LI 3)"],
        ),
    ],
    ids=["sent once", "retransmitted", "refused", "unsynchronised"],
)
def test_what_may_explain_a_flip(tmp_path: Path, frames: Any, said: list[str]) -> None:
    (flip,) = told(tmp_path, frames).changes
    assert flip.circumstances == said


LOSS = ["the silent request was sent once: alone it may be a loss"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("-+", [LOSS]),
        ("+-", [LOSS]),
        ("+-+", [LOSS, LOSS]),
        ("--+", [[]]),
        ("+--", [[]]),
        ("+--+", [[], []]),
        ("+-+--+", [LOSS, LOSS, [], []]),
        ("--+-+", [[], LOSS, LOSS]),
    ],
)
def test_only_one_silent_request_alone_may_be_a_loss(tmp_path: Path, answers: str, said: list[list[str]]) -> None:
    frames = [(10.0 * n, asked(n)) for n in range(1, len(answers) + 1)]
    frames += [(10.0 * n + 0.1, answered(n)) for n, told_it in enumerate(answers, 1) if told_it == "+"]
    assert [flip.circumstances for flip in told(tmp_path, sorted(frames)).changes] == said


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (
            ipv4(TARGET, PEER, 17, udp(123, 40007, b"\xe2" + ntp(2, origin=7, stratum=0)[1:12] + b"RATE" + NTP_REST)),
            ["the daemon limited another request (kiss-o'-death) before, in frame 4"],
        ),
        (
            ipv4(TARGET, PEER, 1, icmp(3, 3, payload=SYMMETRIC)),
            ["the target rejected another request before, in frame 4"],
        ),
        (ipv4(TARGET, PEER, 17, udp(123, 40007, ntp(2, origin=7))), []),
    ],
    ids=["kiss-o'-death", "ICMP error", "reply"],
)
def test_a_flip_tells_what_became_of_other_requests_before_it(tmp_path: Path, back: bytes, said: list[str]) -> None:
    around = [(5, SYMMETRIC), (5.1, back)]
    frames = [(0, asked(1)), (0.1, answered(1)), *around, (10, asked(2)), (11, asked(2))]
    (flip,) = told(tmp_path, frames).changes
    assert flip.circumstances == said
    earlier = [(time - 5, frame) for time, frame in around]
    (flip,) = told(tmp_path, [*earlier, (3, asked(1)), (3.1, answered(1)), (10, asked(2)), (11, asked(2))]).changes
    assert flip.circumstances == []
    later = [(time + 10, frame) for time, frame in around]
    (flip,) = told(tmp_path, [(0, asked(1)), (0.1, answered(1)), (10, asked(2)), (11, asked(2)), *later]).changes
    assert flip.circumstances == []


def test_requests_of_different_communities_are_not_compared(tmp_path: Path) -> None:
    def get(number: int, community: bytes) -> bytes:
        payload = test_snmp.message(test_snmp.GET, number, community=community)
        return ipv4(PEER, TARGET, 17, udp(40000 + number, 161, payload), ident=number)

    def response(number: int) -> bytes:
        payload = test_snmp.message(test_snmp.RESPONSE, number)
        return ipv4(TARGET, PEER, 17, udp(161, 40000 + number, payload), ident=number)

    wrong = [(10.0 * n, get(n, b"private")) for n in (1, 3, 4)]
    right = [(10.0 * n, get(n, b"public")) for n in (2, 5)] + [(10.0 * n + 0.1, response(n)) for n in (2, 5)]
    found = told(tmp_path, sorted(wrong + right), "snmp")
    assert (found.replied, found.silent, found.changes) == (2, 3, [])
    later = [(60.0, get(6, b"public")), (70.0, get(7, b"public")), (75.0, get(8, b"private"))]
    later += [(80.0, get(9, b"public")), (80.1, response(9))]
    stopped, began = told(tmp_path, sorted(wrong + right + later), "snmp").changes
    assert [(flip.before, flip.after, flip.kind) for flip in (stopped, began)] == [
        ("replied", "silent", "get"),
        ("silent", "replied", "get"),
    ]
    assert (began.seconds, began.silence, began.circumstances) == (10.0, 30.0, [])


def test_a_flip_to_replies_tells_how_long_there_were_none(tmp_path: Path) -> None:
    again = [(0, asked(1)), (0.1, answered(1)), (10, asked(2)), (20, asked(3)), (30, asked(4)), (30.1, answered(4))]
    stopped, began = told(tmp_path, again).changes
    assert (stopped.seconds, stopped.silence) == (10.0, None)
    assert (began.seconds, began.silence) == (10.0, 30.0)


# Reach


@pytest.mark.parametrize(
    ("client", "ttl", "reach"),
    [
        ("203.0.113.7", 57, (0, 0, 0, 1)),
        ("203.0.113.7", 64, (0, 0, 0, 1)),  # raw IP: no frame has a sender
        ("203.0.113.7", 255, (1, 0, 0, 0)),
        ("10.1.2.3", 57, (0, 0, 1, 0)),
        ("172.31.2.3", 57, (0, 0, 1, 0)),
        ("172.32.2.3", 57, (0, 0, 0, 1)),
        ("192.168.2.3", 57, (0, 0, 1, 0)),
        ("100.127.2.3", 57, (0, 0, 1, 0)),
        ("100.128.2.3", 57, (0, 0, 0, 1)),
        ("169.254.2.3", 64, (1, 0, 0, 0)),
    ],
)
def test_a_finding_says_who_reached_it(tmp_path: Path, client: str, ttl: int, reach: tuple[int, ...]) -> None:
    found = told(tmp_path, [(0, with_ttl(asked(1, client), ttl)), (0.1, answered(1, client=client))])
    shown = found.reach
    assert (shown.on_link, shown.near, shown.private, shown.public) == reach


def test_over_a_link_with_senders_a_usual_ttl_is_from_near(tmp_path: Path) -> None:
    path = tmp_path / "block-all.en0.pcap"
    frames = [(START, ethernet(with_ttl(asked(1), 64))), (START + 0.1, ethernet(answered(1), source=MAC_TARGET))]
    path.write_bytes(pcap(frames, link=1))
    (found,) = analyze(audit_of([str(path)], target=(TARGET,))).findings
    assert (found.reach.near, found.reach.public) == (1, 0)


# Advisories


def mdns_frames(ttl: int) -> list[tuple[float, bytes]]:
    query = with_ttl(ipv4(PEER, TARGET, 17, udp(50000, 5353, QUERY)), ttl)
    return [(0, query), (0.1, ipv4(TARGET, PEER, 17, udp(5353, 50000, RESPONSE)))]


def test_multicast_dns_beyond_its_link_is_named(tmp_path: Path) -> None:
    (off,), on = (told(tmp_path, mdns_frames(ttl), "mdns", mode="allow-all").notes for ttl in (57, 255))
    assert off.startswith("fits VU#550620: answered a query from public addresses, with a TTL as from beyond the link")
    assert on == []


@pytest.mark.parametrize(
    ("mode", "cve"),
    [("block-all", "CVE-2007-4702"), ("specific", "CVE-2007-4703"), ("specific-services", "CVE-2007-4703")],
)
def test_leaks_under_the_articles_modes_fit_its_advisories(tmp_path: Path, mode: str, cve: str) -> None:
    (note,) = told(tmp_path, [(0, asked(1)), (0.1, answered(1))], mode=mode).notes
    assert note.startswith(f"fits {cve}, if")


def test_what_is_not_of_root_does_not_fit_the_advisory_on_root(tmp_path: Path) -> None:
    notes = told(tmp_path, mdns_frames(255), "mdns", mode="specific").notes
    assert notes == []


def test_a_service_that_stops_fits_the_advisory_on_changed_settings(tmp_path: Path) -> None:
    frames = [(0, asked(1)), (0.1, answered(1)), (10, asked(2)), (11, asked(2)), (30, asked(3)), (31, asked(3))]
    notes = told(tmp_path, frames).notes
    assert [note[5:18] for note in notes] == ["CVE-2007-4702", "CVE-2007-4704"]


def test_other_modes_and_services_fit_none(tmp_path: Path) -> None:
    frames = [(0, asked(1)), (0.1, answered(1))]
    assert told(tmp_path, frames, mode="allow-all").notes == []
    datagrams = [(0, ipv4(PEER, TARGET, 17, udp(40000, 4433, b"a"))), (0.1, ipv4(TARGET, PEER, 17, udp(4433, 40000)))]
    assert told(tmp_path, datagrams, "udp/4433", mode="block-all").notes == []


LINUX = b"\x16\x82\0\x01" + bytes(6) + b"\0\x15" + b'system="Linux/2.6.18"'


def test_a_host_that_says_that_it_is_no_mac_fits_no_advisory_on_macs(tmp_path: Path) -> None:
    said = [
        (5, ipv4(PEER, TARGET, 17, udp(40009, 123, CONTROL))),
        (5.1, ipv4(TARGET, PEER, 17, udp(123, 40009, LINUX))),
    ]
    assert told(tmp_path, [(0, asked(1)), (0.1, answered(1)), *said]).notes == []


@pytest.mark.parametrize(("ttl", "fits"), [(64, True), (128, False), (255, True)])
def test_a_host_with_ttls_of_another_system_fits_none(tmp_path: Path, ttl: int, *, fits: bool) -> None:
    frames = [(0, asked(1)), (0.1, with_ttl(answered(1), ttl))]
    assert bool(told(tmp_path, frames).notes) == fits


def prohibited(number: int) -> bytes:
    return ipv4(TARGET, PEER, 1, icmp(3, 13, payload=asked(number)))


def test_rejections_that_only_a_filter_makes_are_noted(tmp_path: Path) -> None:
    by_filter = "a kind that only a packet filter makes: the firewall answered, whether or not anything listens"
    first, second = [(0, asked(1)), (0.1, prohibited(1))], [(9, asked(2)), (9.1, prohibited(2))]
    found = told(tmp_path, first + second)
    assert found.reasons == {"communication administratively prohibited, by a filter": 2}
    assert found.notes == [f"every rejection is of {by_filter}"]
    found = told(tmp_path, [(0, asked(1)), (0.1, refused(1)), *second])
    assert found.notes == [f"1 of the rejections are of {by_filter}"]
    assert told(tmp_path, [(0, asked(1)), (0.1, refused(1))]).notes == []


# Kinds of requests, announcements


CONTROL, TOLD = b"\x16\x02\0\x01" + bytes(8), b"\x16\xa2\0\x01" + bytes(44)
PRIVATE, LISTED = b"\x17\0\x03\x2a" + bytes(44), b"\xd7\0\x03\x2a" + bytes(4 + 72 + 4)


def test_each_kind_of_request_has_a_line_of_its_own(tmp_path: Path) -> None:
    symmetric = ipv4(PEER, TARGET, 17, udp(40009, 123, ntp(1, transmit=9)))
    parts = [ipv4(TARGET, PEER, 17, udp(123, 40009, ntp(2, origin=9)), ident=9 + n) for n in (0, 1)]
    frames = [(0, asked(1)), (0.1, answered(1)), (1, symmetric), *((1.1 + n, part) for n, part in enumerate(parts))]
    found = told(tmp_path, frames)
    lines = {line.kind: (line.replied, line.factor, line.frame_factor) for line in found.kinds}
    assert lines == {"client request": (1, 1.0, 1.0), "symmetric request": (1, 2.0, 2.0)}
    line = found.kinds[-1]
    assert line.first is not None
    assert line.first_reply is not None
    assert (line.first.frame, line.first_reply.frame) == (3, 4)
    assert (found.reply_frames, found.frame_factor) == (3, 1.5)


@pytest.mark.parametrize(
    ("service", "question", "answer", "kind", "factor"),
    [
        ("ntp-control", CONTROL, TOLD, "control request", 8.0),
        ("ntp-private", PRIVATE, LISTED, "private request (mode 7)", 3.5),
    ],
    ids=["mode 6", "mode 7"],
)
def test_what_asks_about_the_daemon_is_a_service_beside_the_time(
    tmp_path: Path, service: str, question: bytes, answer: bytes, kind: str, factor: float
) -> None:
    frames = [(0, asked(1)), (0.1, answered(1))]
    frames += [(1, ipv4(PEER, TARGET, 17, udp(40009, 123, question)))]
    frames += [(1.1 + n, ipv4(TARGET, PEER, 17, udp(123, 40009, answer), ident=9 + n)) for n in (0, 1)]
    frames += [(10, ipv4(PEER, TARGET, 17, udp(40010, 123, question))), (20, asked(3)), (20.1, answered(3))]
    found = told(tmp_path, frames, service)
    assert (found.transport, found.port, found.promise, found.verdict) == ("udp", 123, "block", "leaked")
    assert (found.replied, found.silent, found.reply_frames) == (1, 1, 2)
    assert [(line.kind, line.replied, line.factor, line.frame_factor) for line in found.kinds] == [
        (kind, 1, factor, 2.0)
    ]
    assert [(flip.before, flip.after, flip.kind) for flip in found.changes] == [("replied", "silent", kind)]
    assert [note[5:18] for note in found.notes] == ["CVE-2007-4702"]
    time = told(tmp_path, frames)
    assert (time.replied, time.silent, time.changes) == (2, 0, [])
    assert [line.kind for line in time.kinds] == ["client request"]


def test_what_nobody_can_read_is_of_the_time_service(tmp_path: Path) -> None:
    short = [b"", b"\x16\x02" + bytes(9), b"\x17\0\x03"]
    frames = [(float(n), ipv4(PEER, TARGET, 17, udp(40009 + n, 123, what))) for n, what in enumerate(short)]
    (found,) = findings(tmp_path, frames).findings
    assert (found.service, found.verdict, found.unproven) == ("ntp", "unproven", 3)


@pytest.mark.parametrize("allowed", ["ntp", "udp/123", "ntp-control", "ntp-private"])
def test_a_port_is_let_through_for_all_that_it_serves(tmp_path: Path, allowed: str) -> None:
    frames = [
        *((0, asked(1)), (0.1, answered(1))),
        *((1, ipv4(PEER, TARGET, 17, udp(40009, 123, CONTROL))), (1.1, ipv4(TARGET, PEER, 17, udp(123, 40009, TOLD)))),
        *((2, ipv4(PEER, TARGET, 17, udp(40010, 123, PRIVATE))), (9, ipv4(PEER, TARGET, 17, udp(40011, 137, b"x")))),
    ]
    path = tmp_path / "m.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in [*frames, (200, FAR)]]))
    (tmp_path / "audit.toml").write_text(
        f'[target]\naddresses = ["{TARGET}"]\n[modes.m]\npromise = "block"\nallow = ["{allowed}"]\n'
        'captures = ["m.pcap"]\n'
    )
    verdicts = {one.service: one.verdict for one in analyze(load_audit(tmp_path / "audit.toml")).findings}
    assert verdicts == {"ntp": "allowed", "ntp-control": "allowed", "ntp-private": "silent", "nbns": "unproven"}


def test_an_announcement_says_what_it_told(tmp_path: Path) -> None:
    told_all = dns_message(0, 0x8400, [], [record("a.local", data=bytes([192, 0, 2, 9]))])
    probe = dns_message(0, 0, [question("b.local", 255)], authorities=[record("b.local", data=bytes([192, 0, 2, 8]))])
    frames = [(n, ipv4(TARGET, "224.0.0.251", 17, udp(5353, 5353, what))) for n, what in enumerate((probe, told_all))]
    (one,) = findings(tmp_path, [*frames, (9, asked(1))]).announcements
    assert (one.finding, one.messages, one.octets) == ("announces", 2, len(probe) + len(told_all))
    assert one.kinds == {"probe": 1, "response": 1}
    assert [(fact.kind, fact.value, fact.frame) for fact in one.disclosures] == [
        ("host-name", "b.local", 1),
        ("address", "192.0.2.8", 1),
        ("host-name", "a.local", 2),
        ("address", "192.0.2.9", 2),
    ]
    assert one.last is not None
    assert (one.first.replies, one.last.replies) == ([1], [2])


def test_of_two_clients_neither_tells_of_a_loss(tmp_path: Path) -> None:
    other = "192.0.2.77"
    (flip,) = told(tmp_path, [(0, asked(1)), (10, asked(2, other)), (10.1, answered(2, client=other))]).changes
    assert flip.circumstances == []
