"""The contract of a protocol module, checked on all of `PROTOCOLS`: a new one gets these tests for its row there."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capanalyze.protocols
from capanalyze.packets.message import address
from capanalyze.protocols import GENERIC_UDP, ICMP, MODULES, PROTOCOLS, TCP, port_table, provided, service_table
from capanalyze.protocols._protocol import COMMON_KINDS, KINDS, Protocol
from tests.build import PEER, TARGET, datagram, packet, pcap, segment
from tests.conversations import CLIENT_PORT, answer, ask, captured
from tests.core import build
from tests.protocols import Heard, assert_bounded, hear, told

NAMES = [protocol.name for protocol in PROTOCOLS]
FOLDER = Path(capanalyze.protocols.__path__[0])
TESTS = Path(__file__).parent / "protocols"
WHOLE = [protocol for protocol in PROTOCOLS if not protocol.apart]
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=NAMES)
DECODED = {protocol.name: protocol for protocol in PROTOCOLS if protocol.decode}
each_decoder = pytest.mark.parametrize("protocol", DECODED.values(), ids=DECODED)

# The module of each protocol; some share one.
FILES = {one.name: module.__name__.rpartition(".")[2] for module in MODULES for one in provided(module)}

# Asks with a question mark and a letter, is answered by that letter and a text.
MADE_UP = '''"""Made up: an answer has the letter of its question."""

from collections.abc import Iterator

from capanalyze.protocols._protocol import Protocol


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """What follows the letter."""
    yield "text", reply[1:].decode()


PROTOCOL = Protocol(
    name="madeup", title="Made up", transport="udp", ports=(28524,), decode=decode, kinds=("question", "answer"),
)
'''
MADE_UP_MATCH = '''"""The made-up match function."""

from capanalyze.core.message cimport REPLY, REQUEST, Match, Role, add_key, said
from capanalyze.core.octets cimport Octets, u8


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message."""
    if u8(octets, 0) == c"?":
        add_key(found, u8(octets, octets.captured - 1))
        return said(found, REQUEST, 3)
    add_key(found, u8(octets, 0))
    return said(found, REPLY, 4)
'''
# File → a line of it, and what joins it there.
CIMPORT = "from capanalyze.protocols cimport ("
LINES = {
    "protocols/__init__.py": ('        "memcached",\n', '        "madeup",\n'),
    "core/core.pyx": ('serve("memcached", memcached.match)\n', 'serve("madeup", madeup.match)\n'),
}


def file_of(protocol: Protocol) -> str:
    """The module that a protocol is in."""
    return FILES[protocol.name]


def service_of(protocol: Protocol, kind: str) -> str:
    """The service that a kind of message is of, where several share ports and match function."""
    number = (COMMON_KINDS + protocol.kinds).index(kind)
    alike = [one for one in PROTOCOLS if (one.ports, file_of(one)) == (protocol.ports, file_of(protocol))]
    return next((one.name for one in alike if number in one.apart), alike[0].name)


def samples(protocol: Protocol) -> dict[str, bytes]:
    """A payload for every kind of message, from the protocol's own tests."""
    found: dict[str, bytes] = import_module(f"tests.protocols.test_{file_of(protocol)}").SAMPLES
    return found


def ports_of(protocol: Protocol) -> dict[str, int]:
    """The ports of samples, where a kind is of one."""
    found: dict[str, int] = getattr(import_module(f"tests.protocols.test_{file_of(protocol)}"), "PORTS", {})
    return found


def assert_sound(protocol: Protocol, payload: bytes, size: int) -> Heard:
    """Whatever it looks at, a match function knows the role and the kind, and leaves the keys that these call for."""
    heard = hear(protocol, payload, size)
    assert "also reply" not in heard.flags or len(heard.keys) > (heard.role == "request")
    assert "also reply" not in heard.flags or heard.role in ("request", "flow")
    assert heard.role not in ("request", "reply") or heard.keys or "weak" in heard.flags
    assert heard.role not in ("malformed", "other") or not heard.keys
    assert hear(protocol, payload, size) == heard  # nothing is kept from one message to the next
    return heard


def test_every_file_is_in_the_table() -> None:
    for suffix in ("py", "pxd"):
        assert {path.stem for path in FOLDER.glob(f"[a-z]*.{suffix}")} == set(FILES.values())
    assert len(NAMES) == len(set(NAMES))


def test_every_protocol_has_tests_of_its_own() -> None:
    decoders = {f"{protocol.decode.__module__.rpartition('.')[2]}_decode" for protocol in PROTOCOLS if protocol.decode}
    tests = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    assert tests == set(map(file_of, PROTOCOLS)) | decoders


def test_one_more_protocol_is_two_files_and_two_lines(tmp_path: Path) -> None:
    """It is listed, its exchanges are paired by its key, and its replies disclose."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    package = shutil.copytree(FOLDER.parent, tmp_path / "capanalyze", ignore=ignored)
    (package / "protocols" / "madeup.py").write_text(MADE_UP)
    (package / "protocols" / "madeup.pxd").write_text(MADE_UP_MATCH)
    for name, (line, joining) in LINES.items():
        text = (package / name).read_text()
        assert text.count(line) == 1
        (package / name).write_text(text.replace(line, line + joining))
    core = package / "core" / "core.pyx"
    core.write_text(core.read_text().replace(CIMPORT, f"{CIMPORT} madeup,"))
    shutil.copy(build(tmp_path, tmp_path / "build", ()), core.parent)
    capture = tmp_path / "capture.pcap"
    questions = [(0.0, ask(28524, b"?a")), (0.1, ask(28524, b"?b"))]
    capture.write_bytes(pcap([*questions, (0.2, answer(28524, b"b two")), (0.3, answer(28524, b"a one"))]))

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "capanalyze", *words]
        there = os.environ | {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, cwd=tmp_path, env=there, capture_output=True, text=True, check=True).stdout

    assert "madeup      udp 28524" in run("services")
    assert "Made up: an answer has the letter of its question." in run("services")
    rows = map(json.loads, run("exchanges", "--format", "jsonl", "--disclosures", str(capture)).splitlines())
    assert [(row["service"], row["requests"], row["replies"], row["disclosures"][0]["value"]) for row in rows] == [
        ("madeup", [1], [4], " one"),
        ("madeup", [2], [3], " two"),
    ]


def test_those_reached_by_transport_come_first() -> None:
    assert [PROTOCOLS[index].name for index in (GENERIC_UDP, TCP, ICMP)] == ["udp", "tcp", "icmp"]
    assert [protocol.name for protocol in PROTOCOLS if not protocol.ports] == ["udp", "tcp", "icmp"]


def test_a_port_belongs_to_one_protocol() -> None:
    places = [(protocol.transport, port) for protocol in WHOLE for port in protocol.ports]
    assert len(places) == len(set(places))
    served = {port: protocol.name for protocol in WHOLE if protocol.transport == "udp" for port in protocol.ports}
    table = port_table()
    assert {port: PROTOCOLS[table[port]].name for port in served} == served
    assert sum(map(bool, table)) == len(served)


def test_what_is_apart_is_a_part_of_one_protocol() -> None:
    apart = [(file_of(protocol), kind) for protocol in PROTOCOLS for kind in protocol.apart]
    assert len(apart) == len(set(apart))
    for part in PROTOCOLS:
        whole = PROTOCOLS[port_table()[part.ports[0]]] if part.apart else part
        assert (part.ports, file_of(part), part.kinds) == (whole.ports, file_of(whole), whole.kinds)
        assert all(len(COMMON_KINDS) <= kind < len(COMMON_KINDS + part.kinds) for kind in part.apart)
        assert all(hear(part, payload) == hear(whole, payload) for payload in samples(part).values())


def test_each_kind_is_of_one_service() -> None:
    table = service_table(KINDS)
    assert max(len(COMMON_KINDS + protocol.kinds) for protocol in PROTOCOLS) <= KINDS
    for index, protocol in enumerate(PROTOCOLS):
        for number, kind in enumerate(COMMON_KINDS + protocol.kinds):
            told = PROTOCOLS[table[index * KINDS + number]].name
            assert told == (protocol.name if protocol.apart else service_of(protocol, kind))


@each_protocol
def test_every_kind_has_a_name(protocol: Protocol) -> None:
    names = [protocol.kind(number) for number in range(len(COMMON_KINDS) + len(protocol.kinds))]
    assert len(names) == len(set(names))
    assert all(name == name.strip() and name for name in names)


@each_protocol
def test_every_kind_has_a_sample_which_is_of_that_kind(protocol: Protocol) -> None:
    assert set(samples(protocol)) == set(protocol.kinds)
    for kind, payload in samples(protocol).items():
        assert_sound(protocol, payload, len(payload))
        assert hear(protocol, payload, port=ports_of(protocol).get(kind, 0)).kind == kind


@each_protocol
def test_what_draws_no_reply_is_told_in_words(protocol: Protocol) -> None:
    own = {kind: payload for kind, payload in samples(protocol).items() if service_of(protocol, kind) == protocol.name}
    heard = [hear(protocol, payload, port=ports_of(protocol).get(kind, 0)) for kind, payload in own.items()]
    if any("unanswerable" in one.flags for one in heard) or not protocol.silence_proves:
        assert protocol.draws_none or protocol.name == "udp"
    assert all("(" in words and words.endswith(")") for words in protocol.draws_none)  # a source, in the end


@each_protocol
def test_a_sample_cut_at_any_length_is_sound(protocol: Protocol) -> None:
    for payload in samples(protocol).values():
        for length in range(1, len(payload)):
            assert_sound(protocol, payload[:length], len(payload))
            assert_sound(protocol, payload[:length], length)


@each_protocol
def test_what_is_cut_keeps_its_role(protocol: Protocol) -> None:
    """As far as it can still be told; it never turns from a request into a reply, or back."""
    turned = {"request": "reply", "reply": "request"}
    for kind, payload in samples(protocol).items():
        whole = hear(protocol, payload)
        for length in range(4, len(payload)):
            cut = hear(protocol, payload[:length], len(payload))
            if whole.role in turned and protocol.name != "tcp":  # TCP is cut in quotes only, and those quote a SYN
                assert cut.role != turned[whole.role], (kind, length)


@each_protocol
@settings(deadline=None)
@given(payload=st.binary(min_size=8, max_size=400), more=st.sampled_from([0, 1, 1000]))
def test_any_octets_are_sound(protocol: Protocol, payload: bytes, more: int) -> None:
    assert_sound(protocol, payload, len(payload) + more)


def damaged(protocol: Protocol, data: st.DataObject) -> bytes:
    """A sample of which some octets are others."""
    payload = bytearray(data.draw(st.sampled_from(sorted(samples(protocol).values()))))
    for place, octet in data.draw(
        st.lists(st.tuples(st.integers(0, len(payload) - 1), st.integers(0, 255)), min_size=1, max_size=8)
    ):
        payload[place] = octet
    return bytes(payload)


@each_protocol
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_sample_is_sound(protocol: Protocol, data: st.DataObject) -> None:
    payload = damaged(protocol, data)
    length = data.draw(st.integers(1, len(payload)))
    assert_sound(protocol, payload[:length], len(payload))


@each_decoder
def test_a_sample_cut_at_any_length_tells_little(protocol: Protocol) -> None:
    for payload in samples(protocol).values():
        for length in range(len(payload) + 1):
            assert_bounded(told(protocol.name, payload[:length]))


@each_decoder
@settings(deadline=None)
@given(payload=st.binary(max_size=400))
def test_any_octets_tell_little(protocol: Protocol, payload: bytes) -> None:
    assert_bounded(told(protocol.name, payload))


@each_decoder
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_sample_tells_little(protocol: Protocol, data: st.DataObject) -> None:
    assert_bounded(told(protocol.name, damaged(protocol, data)))


def sent(protocol: Protocol, payload: bytes, *, back: bool) -> bytes:
    """A payload on its way to the target's service, or from there."""
    source, destination = (TARGET, PEER) if back else (PEER, TARGET)
    port = protocol.ports[0] if protocol.ports else 28524
    if protocol.transport == "udp":
        ports = (port, CLIENT_PORT) if back else (CLIENT_PORT, port)
        return datagram(source, ports[0], destination, ports[1], payload, ident=int(back))
    if protocol.in_stream:
        ports = (port, CLIENT_PORT) if back else (CLIENT_PORT, port)
        framed = len(payload).to_bytes(2) + payload
        return segment(source, ports[0], destination, ports[1], "PA", payload=framed, ident=int(back))
    if protocol.transport == "tcp" and back:
        payload = payload[2:4] + payload[:2] + payload[4:]
    return packet(source, destination, 6 if protocol.transport == "tcp" else 1, payload, ident=int(back))


@each_protocol
def test_no_message_is_both_request_and_reply(protocol: Protocol, tmp_path: Path) -> None:
    """A request sent back as it came is no answer by its key; that something came back, only its endpoints tell."""
    for kind, payload in samples(protocol).items():
        if hear(protocol, payload).role == "request":
            frames = [(0.0, sent(protocol, payload, back=False)), (0.1, sent(protocol, payload, back=True))]
            pairing, part = captured(tmp_path, frames)
            assert len(part) == (3 if protocol.in_stream else 2), kind  # two segments, and what was asked
            both = [pair.exchange for pair in pairing.done if pair.exchange.requests and pair.exchange.replies]
            assert all(one.pairing == "weak" for one in both), kind


@each_protocol
def test_each_sample_is_of_its_service(protocol: Protocol, tmp_path: Path) -> None:
    for kind, payload in samples(protocol).items():
        frames = [(0.0, sent(protocol, payload, back=hear(protocol, payload).role == "reply"))]
        pairing, part = captured(tmp_path, frames)
        *_, message = part.messages()
        assert file_of(PROTOCOLS[message.module]) == file_of(protocol), kind
        assert str(address(message.src, message.src_low)) in (PEER, TARGET)
        for pair in pairing.done:
            assert pair.exchange.service.split("/")[0] == (protocol.called or service_of(protocol, kind)), kind
            assert pair.exchange.transport == protocol.transport
