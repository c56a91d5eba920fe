"""DNS over TCP: two octets before each message say how long it is, RFC 7766 section 8."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze.analysis import analyze
from capanalyze.audit import Audit, CaptureFile, Mode, Segment
from capanalyze.cli import main
from capanalyze.flow import find_exchanges
from capanalyze.protocols import dns, dnstcp
from tests.build import (
    MAC_PEER,
    MAC_TARGET,
    PEER,
    START,
    TARGET,
    datagram,
    dns_message,
    ethernet,
    pcap,
    question,
    record,
    segment,
)
from tests.conversations import CLIENT_PORT, ETHERNET, Talk, captured, each, heard
from tests.protocols import hear
from tests.protocols.test_dns import DNS, NOTIFY, NS, QUERY, RESPONSE, SERVER_FAILURE, query, response
from tests.protocols.test_dns import SAMPLES as OVER_UDP

SAMPLES = OVER_UDP
AXFR, IXFR, SOA, CHAOS = 252, 251, 6, 3
OPENING = ["tcp/53 1 > 2: replied, SYN/ACK, 10000 us"]


def framed(*messages: bytes) -> bytes:
    """Messages as a stream has them."""
    return b"".join(len(message).to_bytes(2) + message for message in messages)


def ask(*messages: bytes, seq: int = 101, ident: int = 2, sport: int = CLIENT_PORT) -> bytes:
    """A segment of the client's."""
    return segment(PEER, sport, TARGET, DNS, "PA", seq=seq, ack=501, payload=framed(*messages), ident=ident)


def tell(*messages: bytes, seq: int = 501, ident: int = 2, sport: int = CLIENT_PORT) -> bytes:
    """One of the server's."""
    return segment(TARGET, DNS, PEER, sport, "PA", seq=seq, ack=101, payload=framed(*messages), ident=ident)


HANDSHAKE = [
    (0, segment(PEER, CLIENT_PORT, TARGET, DNS, "S", seq=100)),
    (0.01, segment(TARGET, DNS, PEER, CLIENT_PORT, "SA", seq=500, ack=101)),
    (0.02, segment(PEER, CLIENT_PORT, TARGET, DNS, "A", seq=101, ack=501)),
]


@pytest.mark.parametrize("payload", [*SAMPLES.values(), dns_message(1, NOTIFY, [question("example.org", SOA)])])
def test_a_message_says_what_it_says_over_udp(payload: bytes) -> None:
    over_tcp, over_udp = hear(dnstcp.PROTOCOL, payload), hear(dns.PROTOCOL, payload)
    assert over_tcp == over_udp


@pytest.mark.parametrize(
    "payload",
    [
        query(1)[:11],
        query(1)[:20],  # not whole up to the end of its question
        dns_message(1, QUERY),  # no question
        dns_message(1, QUERY, [question("example.org")] * 2),
        dns_message(1, QUERY, [question("example.org")], [record("example.org")]),
        dns_message(1, QUERY | 0x40, [question("example.org")]),  # the reserved bit
        dns_message(1, 0x1800, [question("example.org")]),  # an opcode that nobody has
        dns_message(1, QUERY, [question("example.org", klass=0)]),
        dns_message(1, QUERY, [question("example.org", klass=0x4143)]),
        dns_message(1, QUERY, [question(b"\xc0\x0c")]),
        dns_message(1, RESPONSE),  # no question, and nothing wrong
        dns_message(1, SERVER_FAILURE) + b"\0",
        b"GET / HTTP/1.1\r\nHost: 192.0.2.10\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(64)),
    ],
)
def test_what_is_no_message_beyond_doubt_is_none(payload: bytes) -> None:
    assert hear(dnstcp.PROTOCOL, payload).role == "other"


@pytest.mark.parametrize(
    ("payload", "role"),
    [
        (dns_message(1, SERVER_FAILURE), "reply"),  # a header alone says what went wrong
        (dns_message(1, QUERY, [question("example.org", AXFR)]), "request"),
        (dns_message(1, QUERY, [question("example.org", IXFR)], [], [record("example.org", SOA)]), "request"),
        (dns_message(1, QUERY, [question("version.bind", 16, CHAOS)]), "request"),
        (dns_message(1, RESPONSE, [question("example.org", AXFR)], [record(b"\xc0\x0c", NS)] * 300), "reply"),
    ],
)
def test_what_else_is_one(payload: bytes, role: str) -> None:
    assert hear(dnstcp.PROTOCOL, payload).role == role


TALKS = [
    Talk(
        "a query in a connection is an exchange beside the connection's",
        [*HANDSHAKE, (0.03, ask(query(1))), (0.05, tell(response(1)))],
        [*OPENING, "dns 4 > 5: replied, response, 20000 us"],
    ),
    Talk(
        "one that nobody answers is silent",
        [*HANDSHAKE, (0.03, ask(query(1))), (0.04, segment(TARGET, DNS, PEER, CLIENT_PORT, "A", seq=501, ack=130))],
        [*OPENING, "dns 4 > -: silent, query"],
    ),
    Talk(
        "an id pairs, in whichever order the answers come",
        [
            *HANDSHAKE,
            (0.03, ask(query(1))),
            (0.04, ask(query(2), seq=130)),
            (0.05, tell(response(2))),
            (0.06, tell(response(1), seq=560)),
        ],
        [*OPENING, "dns 4 > 7: replied, response, 30000 us", "dns 5 > 6: replied, response, 10000 us"],
    ),
    Talk(
        "one segment may hold several messages",
        [*HANDSHAKE, (0.03, ask(query(1), query(2), query(3))), (0.05, tell(response(3), response(1)))],
        [
            *OPENING,
            "dns 4 > -: silent, query",
            "dns 4 > 5: replied, response, 20000 us",
            "dns 4 > 5: replied, response, 20000 us",
        ],
    ),
    Talk(
        "the same id in another connection is another query",
        [
            (0, ask(query(1))),
            (0.01, ask(query(1), sport=50001)),
            (0.02, tell(response(1), sport=50001)),
            (0.03, tell(response(1), sport=50002)),
        ],
        [
            "dns 1 > -: silent, query",
            "dns 2 > 3: replied, response, 10000 us",
            "dns - > 4: indeterminate, request not captured",
        ],
    ),
    Talk(
        "what is asked over UDP is answered over UDP",
        [(0, datagram(PEER, CLIENT_PORT, TARGET, DNS, query(1))), (0.01, ask(query(1))), (0.02, tell(response(1)))],
        ["dns 1 > -: silent, query", "dns 2 > 3: replied, response, 10000 us"],
    ),
    Talk(
        "a segment that is sent again is no second query",
        [*HANDSHAKE, (0.03, ask(query(1))), (1.03, ask(query(1), ident=3)), (1.05, tell(response(1)))],
        [*OPENING, "dns 4,5 > 6: replied, response, 1020000 us"],
    ),
    Talk(
        "not even behind its answer",
        [*HANDSHAKE, (0.03, ask(query(1))), (0.05, tell(response(1))), (0.06, ask(query(1), ident=3))],
        [*OPENING, "dns 4,6 > 5: replied, response, 20000 us"],
    ),
    Talk(
        "nor with what comes behind it in the stream",
        [*HANDSHAKE, (0.03, ask(query(1))), (0.05, tell(response(1))), (0.06, ask(query(1), query(2), ident=3))],
        [*OPENING, "dns 4,6 > 5: replied, response, 20000 us", "dns 6 > -: silent, query"],
    ),
    Talk(
        "the same once more in the stream is one",
        [*HANDSHAKE, (0.03, ask(query(1))), (0.05, tell(response(1))), (0.06, ask(query(1), seq=130))],
        [*OPENING, "dns 4 > 5: replied, response, 20000 us", "dns 6 > -: silent, query"],
    ),
    Talk(
        "a response that spans segments is read by the first one",
        [
            *HANDSHAKE,
            (0.03, ask(query(1))),
            (0.05, segment(TARGET, DNS, PEER, CLIENT_PORT, "A", seq=501, payload=framed(response(1) * 9)[:90])),
            (0.06, segment(TARGET, DNS, PEER, CLIENT_PORT, "PA", seq=591, payload=framed(response(1) * 9)[90:])),
        ],
        [*OPENING, "dns 4 > 5: replied, response, 20000 us"],
    ),
    Talk(
        "a reset rejects what is open in its connection",
        [
            *HANDSHAKE,
            (0.03, ask(query(1), query(2))),
            (0.04, tell(response(1))),
            (0.05, segment(TARGET, DNS, PEER, CLIENT_PORT, "RA", seq=560, ack=160)),
        ],
        [*OPENING, "dns 4 > 5: replied, response, 10000 us", "dns 4 > 6: rejected, RST, 20000 us"],
    ),
    Talk(
        "a response is not asked for, and a server's port asks nothing",
        [(0, ask(response(1))), (0.01, tell(query(1)))],
        [],
    ),
    Talk(
        "a segment seen twice on its way is one",
        [
            (0, ethernet(ask(query(1)))),
            (0.0001, ethernet(ask(query(1)), source=MAC_TARGET, destination=MAC_PEER)),
            (0.01, ethernet(tell(response(1)))),
        ],
        ["dns 1,2 > 3: replied, response, 10000 us"],
        link=ETHERNET,
    ),
    Talk(
        "other words on this port are a connection's alone",
        [*HANDSHAKE, (0.03, segment(PEER, CLIENT_PORT, TARGET, DNS, "PA", seq=101, payload=b"\x16\x03\x01\0\xa5" * 9))],
        OPENING,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_record_has_the_name_of_the_service_and_its_transport(tmp_path: Path) -> None:
    pairing, _ = captured(tmp_path, [(0, ask(query(1))), (0.01, tell(response(1)))])
    (one,) = [pair.exchange for pair in pairing.done if pair.exchange.service == "dns"]
    assert (one.transport, one.server_port, one.request_octets) == ("tcp", DNS, len(query(1)))


@pytest.mark.parametrize(
    ("allow", "verdict"),
    [
        ((), "leaked"),
        (("dns",), "allowed"),
        (("dns-tcp",), "allowed"),
        (("tcp/53",), "allowed"),
        (("udp/53",), "leaked"),
    ],
)
def test_it_is_a_finding_of_its_own(tmp_path: Path, allow: tuple[str, ...], verdict: str) -> None:
    frames = [(0.0, ask(query(1))), (0.01, tell(response(1))), (60.0, ask(query(9), sport=9))]
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames]))
    audit = Audit(
        (CaptureFile(str(path), path.name, (Segment("m"),)),), modes=(Mode("m", "m", "block", allow),), target=(TARGET,)
    )
    (found,) = analyze(audit).findings
    assert (found.service, found.transport, found.port) == ("dns-tcp", "tcp", DNS)
    assert (found.verdict, found.replied, found.indeterminate) == (verdict, 1, 1)
    assert {fact.value for fact in found.disclosures} >= {"example.org A 0.0.0.0"}
    rows = [pair.exchange for pair in find_exchanges(audit)]
    assert [(row.service, row.transport, row.verdict) for row in rows] == [
        ("dns", "tcp", verdict),
        ("dns", "tcp", "indeterminate"),
    ]


@pytest.mark.parametrize(
    ("service", "wanted"),
    [
        ("dns", ["udp", "tcp"]),
        ("udp/53", ["udp"]),
        ("dns-tcp", ["tcp"]),
        ("tcp/53", ["tcp", "tcp"]),
    ],
)
def test_rows_are_chosen_by_either_name(tmp_path: Path, service: str, wanted: list[str]) -> None:
    frames = [(0.0, datagram(PEER, CLIENT_PORT, TARGET, DNS, query(1))), *HANDSHAKE, (0.03, ask(query(1)))]
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames]))
    listed = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", "--service", service, str(path)]).stdout
    assert [json.loads(line)["transport"] for line in listed.splitlines()] == wanted


def test_many_messages_in_few_frames_are_all_handed_out(tmp_path: Path) -> None:
    queries = [[query(number) for number in range(16 * place, 16 * place + 18)] for place in range(40)]
    frames = [(0.001 * place, ask(*messages, seq=1 + 1000 * place)) for place, messages in enumerate(queries)]
    pairing, part = captured(tmp_path, frames)
    assert len(part) == 40 * 17  # each segment, and the first sixteen of its messages
    assert [pair.exchange.requests for pair in pairing.done] == [[place + 1] for place in range(40) for _ in range(16)]
