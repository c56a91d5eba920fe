"""The loop plain and compiled: the same rows from any octets, and no read outside of a frame.

Compiled code has no bounds. What proves its reads right is the plain loop over octets that refuse a read
outside of the frame at hand (`Guarded`), negative offsets included.
"""

import random
import tarfile
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capanalyze.capture import open_capture, pcapng
from capanalyze.capture import pcap as classic
from capanalyze.capture.records import BIG, HEADER, INTERFACES, LAYOUT_FIELDS, LINK, RECORD_FIELDS, UNITS_PER_SECOND
from capanalyze.capture.records import DIVISOR as INTERFACE_DIVISOR
from capanalyze.capture.records import END as RECORD_END
from capanalyze.capture.records import INTERFACE_FIELDS as FIELDS
from capanalyze.capture.records import SIZE as RECORD_SIZE
from capanalyze.capture.records import START as RECORD_START
from capanalyze.errors import CaptureError
from capanalyze.packets import octets
from capanalyze.packets.buckets import BUCKETS
from capanalyze.packets.dispatch import MATCHES
from capanalyze.packets.link import FIRST_STEP
from capanalyze.packets.message import CAPTURED, KIND, MAX_KEYS, PAYLOAD, ROLES, SCRATCH
from capanalyze.packets.messages import Part, read_messages
from capanalyze.packets.scan import frame
from capanalyze.packets.steps import MESSAGE
from capanalyze.packets.transport import QUOTED
from capanalyze.protocols import PROTOCOLS, TCP, port_table
from tests.build import (
    PEER,
    START,
    TARGET,
    Guarded,
    dns,
    enhanced,
    icmp,
    interface,
    ipv4,
    ipv6,
    ntp,
    obsolete,
    option,
    pcap,
    read,
    section,
    simple,
    tcp,
    udp,
)
from tests.conftest import SHARED
from tests.packets.test_link import FRAMES, WITHOUT_MESSAGE
from tests.packets.test_network import PACKETS
from tests.packets.test_scan import CAPTURES, plain

HOSTILE = SHARED / "captures" / "hostile.tar.xz"
PORTS = port_table()
SERVED = sorted({0, 40000, *(port for protocol in PROTOCOLS for port in protocol.ports)})

# Services whose own samples are taken.
SERVICES = ("nbdgm", "ipp", "wsdiscovery", "slp", "dhcpv6", "natpmp", "stun", "coap", "memcached")

PAYLOADS = [
    *(ntp(mode, transmit=1 << 63, origin=5, receive=9) for mode in range(8)),
    *(dns(7, name, 255, response=response) for name in ("a", "www.example.net") for response in (False, True)),
    b"\0\7\0\0\0\1\0\0\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\1",  # an NBNS node status request
    b"\0\7\x84\0\0\0\0\1\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\1\0\0\0\0\0\1\0",
    bytes(4) + b"\0\2" + bytes(6) + b"\4name\5local\0\0\x0c\0\1\xc0\x0c\0\xff\x80\1",  # mDNS, two questions
    bytes.fromhex("302902010004067075626c6963a01c02040d3a1c5d020100020100300e300c06082b060102010101000500"),
    bytes.fromhex("303e020103301102042f3d1c5d020300ffe30401040201030410300e0400020100020100040004000400"),
    bytes.fromhex("308200290282000100048200067075626c6963a0840000000e02040d3a1c5d0201000201003000"),
    b'M-SEARCH * HTTP/1.1\r\nMAN: "ssdp:discover"\r\n\r\n',
    b"\1\1\6\0" + bytes(232) + b"\x63\x82\x53\x63\x35\1\1\xff",
    b"\0\1file\0octet\0",
    b"OPTIONS sip:a@example.net SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    b"SIP/2.0 200 OK\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    *(bytes.fromhex(tag + "0e300ca103020105a20302010aa300") for tag in ("6a", "6c", "7e")),  # Kerberos
    bytes.fromhex("7e0e300ca003020105a10302011ea400"),
    bytes.fromhex("300d02010163080400010100870178300c02010165070a010004000400"),  # LDAP
    bytes.fromhex("300c020101420004016165070a01000400"),
    b"initiateresponds\x21\x20\x22\x08\0\0\0\0\0\0\0\x1c",  # IKE, versions 2 and 1, and behind the marker
    b"initiateresponds\x01\x10\x02\0\0\0\0\0\0\0\0\x1c",
    b"\0\0\0\0initiateresponds\x0b\x10\x05\0\0\0\0\0\0\0\0\x1c",
    b"\xc0\0\0\0\1\4dest\4from\1t\x40\x05aaaaa\xe0\0\0\0\1\0\0",  # QUIC: Initial and Handshake, another version
    b"\xc0\x6b\x33\x43\xcf\0\4from\x80\0\0\1t\x05aaaaa\xf0",
    b"\xca\x1a\x2a\x3a\x4a\4dest\4from",
    b"\x80\0\0\0\0\4dest\4from\0\0\0\1",
    bytes(7) + b"\0\0\0\0\2\0\1\x86\xa0\0\0\0\2\0\0\0\4" + bytes(16),  # a port mapper's call, and a reply
    bytes(7) + b"\1" + bytes(16) + b"\0\0\0\1",
    *(payload for name in SERVICES for payload in import_module(f"tests.protocols.test_{name}").SAMPLES.values()),
]  # fmt: skip
DATAGRAMS = [ipv4(PEER, TARGET, 17, udp(port, 50000, payload)) for port, payload in product(SERVED, PAYLOADS)]
DATAGRAMS += [
    ipv4(PEER, TARGET, 6, tcp(50000, 22, "S")),
    ipv4(PEER, TARGET, 1, icmp(8)),
    *(ipv4(PEER, TARGET, 1, icmp(3, 3, payload=one)) for one in DATAGRAMS[::23]),
    *(ipv6("::1", "::2", 58, icmp(1, 4, payload=ipv6("::2", "::1", 17, udp(port, 9)))) for port in (40000, 123)),
    ipv4(PEER, TARGET, 1, icmp(3, 3, payload=ipv4(TARGET, PEER, 6, tcp(22, 50000, "SA", payload=b"data")))),
    ipv4(PEER, TARGET, 1, icmp(3, 3, payload=ipv4(TARGET, PEER, 1, icmp(8)))),
]
SOUND = [
    *((one.link, one.octets) for one in FRAMES.values()),
    *((link, one) for link, one, _ in WITHOUT_MESSAGE.values()),
    *((101, one.octets) for one in PACKETS.values()),
    *((101, one) for one in DATAGRAMS),
]
LINKS = sorted(FIRST_STEP)
LEAST = {TCP: QUOTED}  # octets that the loop makes sure of before it asks the module

mutations = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6)
frames = st.one_of(
    st.tuples(st.sampled_from(LINKS), st.binary(max_size=120)),
    st.builds(
        lambda sound, changes, end: (sound[0], mutated(sound[1], changes)[:end]),
        st.sampled_from(SOUND),
        mutations,
        st.integers(0, 400),
    ),
)


def mutated(sound: bytes, changes: list[tuple[int, int]]) -> bytes:
    found = bytearray(sound)
    for at, value in changes:
        if found:
            found[at % len(found)] = value
    return bytes(found)


def walked(link: int, whole: bytes, size: int | None = None) -> int:
    """Why the walk through a frame ends; it may read nothing but this frame."""
    start = 7  # not 0, so that a negative offset from it is noticed too
    end = start + len(whole)
    record = [0] * RECORD_FIELDS
    record[RECORD_START], record[RECORD_END], record[RECORD_SIZE] = start, end, len(whole) if size is None else size
    table, row, keys = [0] * FIELDS, [0] * SCRATCH, [0] * (MAX_KEYS + 1)
    table[LINK] = FIRST_STEP[link]
    reason = frame(Guarded(bytes(start) + whole, start, end), record, table, PORTS, row, keys)
    assert reason in BUCKETS
    if reason == MESSAGE:
        assert 0 <= keys[0] <= MAX_KEYS
        assert all(0 <= key <= octets.MASK for key in keys[1 : keys[0] + 1])
        assert row[CAPTURED] >= 0
        assert row[CAPTURED] == 0 or start <= row[PAYLOAD] <= row[PAYLOAD] + row[CAPTURED] <= end
    return reason


@given(frames, st.integers(0, 70_000))
@settings(max_examples=1000, deadline=None)
def test_no_frame_makes_the_loop_read_outside_of_it(one: tuple[int, bytes], more: int) -> None:
    walked(*one)
    walked(*one, len(one[1]) + more)


def test_no_cut_of_a_sound_frame_does() -> None:
    for link, whole in SOUND:
        for end in range(len(whole)):
            walked(link, whole[:end], len(whole))


def test_no_single_octet_of_a_sound_frame_does() -> None:
    chosen = SOUND[: len(FRAMES) + len(WITHOUT_MESSAGE) + len(PACKETS)]
    for link, whole in chosen:
        for at in range(len(whole)):
            for value in (0, 0x0F, 0x7F, 0xFF, whole[at] ^ 1):
                walked(link, whole[:at] + bytes([value]) + whole[at + 1 :])


def matched(module: int, payload: bytes, more: int) -> tuple[int, list[int]]:
    """What a module says of a payload of which `more` octets were cut; it may read nothing else."""
    payload = payload.ljust(LEAST.get(module, 1), b"\0")
    end = 5 + len(payload)
    keys = [0] * (MAX_KEYS + 1)
    return MATCHES[module](Guarded(bytes(5) + payload, 5, end), 5, end, len(payload) + more, keys), keys


@given(
    st.sampled_from(range(len(MATCHES))), st.sampled_from(PAYLOADS), mutations, st.integers(1, 400), st.integers(0, 9)
)
@settings(max_examples=1000, deadline=None)
def test_no_payload_makes_a_module_read_outside_of_it(
    module: int, sound: bytes, changes: list[tuple[int, int]], end: int, more: int
) -> None:
    role, keys = matched(module, mutated(sound, changes)[:end], more)
    assert 0 <= role % ROLES < 10
    assert PROTOCOLS[module].kind(role // KIND)
    assert 0 <= keys[0] <= MAX_KEYS
    assert all(0 <= key <= octets.MASK for key in keys[1 : keys[0] + 1])


def test_no_cut_of_a_sound_payload_does() -> None:
    for module, payload in product(range(len(MATCHES)), PAYLOADS):
        for end in range(1, len(payload) + 1):
            matched(module, payload[:end], len(payload) - end)
            matched(module, payload[:end], 0)


@settings(deadline=None)
@given(st.sampled_from(range(len(MATCHES))), st.binary(min_size=1, max_size=80), st.integers(0, 9))
def test_no_random_payload_does(module: int, payload: bytes, more: int) -> None:
    matched(module, payload, more)


def records(order: str) -> bytes:
    whole = ipv4(PEER, TARGET, 17, udp(1, 2, b"x"))
    flags = option(1, b"comment", order) + option(2, b"\1\0\0\1", order)
    return (
        enhanced(0, START, whole, flags, order)
        + obsolete(0, START, whole, flags, order)
        + simple(whole, order)
        + interface(1, order=order)
        + section(order)
    )


@given(st.sampled_from("<>"), mutations, st.integers(0, 400), st.integers(0, 400), st.sampled_from([16, 24]))
@settings(max_examples=500, deadline=None)
def test_no_octets_make_the_readers_of_records_read_outside_of_them(
    order: str, changes: list[tuple[int, int]], at: int, stop: int, header: int
) -> None:
    whole = mutated(records(order), changes)
    stop = min(stop, len(whole))
    at = min(at, stop)
    layout, table = [0] * LAYOUT_FIELDS, [0] * FIELDS
    layout[BIG], layout[INTERFACES], layout[HEADER] = int(order == ">"), 1, header
    table[UNITS_PER_SECOND] = table[INTERFACE_DIVISOR] = 1
    guarded = Guarded(whole, at, stop)
    for place in {at, at - at % 4}:
        if place >= at:
            pcapng.read_record(guarded, place, stop, layout, table, [0] * RECORD_FIELDS)
            classic.read_record(guarded, place, stop, layout, [0] * RECORD_FIELDS)


def seen(path: Path, in_compiled: bool) -> object:
    """All that reading a capture gives, or the error that it ends with."""
    try:
        capture = open_capture(str(path))
        part = read_messages(capture, compiled=in_compiled)
    except CaptureError as error:
        return str(error)
    capture.finish()
    return part, capture.notes, capture.interfaces, capture.named


def test_every_capture_gives_the_same_compiled() -> None:
    for path in CAPTURES:
        part, capture = plain(path)
        assert seen(path, in_compiled=True) == (part, capture.notes, capture.interfaces, capture.named), path


def test_hostile_captures_give_the_same_compiled(tmp_path: Path) -> None:
    if not HOSTILE.exists():
        pytest.skip("the hostile captures are not here")
    path = tmp_path / "hostile"
    with tarfile.open(HOSTILE) as archive:
        for member in archive:
            if not (member.isfile() and member.size < 500_000 and (content := archive.extractfile(member))):
                continue
            path.write_bytes(content.read())
            assert seen(path, in_compiled=True) == seen(path, in_compiled=False), member.name


@given(st.sampled_from(LINKS), st.lists(frames, min_size=1, max_size=40), st.sampled_from([30, 60, 65535]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_frames_give_the_same_compiled(
    tmp_path: Path, link: int, chosen: list[tuple[int, bytes]], snaplen: int
) -> None:
    chosen = [one for one in chosen if one[0] == link] or chosen
    whole = pcap([(START, one) for _, one in chosen], chosen[0][0], snaplen=snaplen)
    assert read(tmp_path / "any.pcap", whole, compiled=True)[0] == read(tmp_path / "any.pcap", whole)[0]


@given(st.binary(max_size=400), st.sampled_from("<>"), mutations, st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_octets_behind_a_header_give_the_same_compiled(
    tmp_path: Path, random_octets: bytes, order: str, changes: list[tuple[int, int]], ng: bool
) -> None:
    head = section(order) + interface(101, order=order) if ng else pcap([], 101, order=order)
    body = mutated(records(order), changes) if ng else random_octets
    path = tmp_path / "any"
    path.write_bytes(head + body + random_octets)
    assert seen(path, in_compiled=True) == seen(path, in_compiled=False)


def test_every_sound_frame_gives_the_same_compiled(tmp_path: Path) -> None:
    for link in LINKS:
        whole = pcap([(START, one) for number, one in SOUND if number == link], link)
        assert read(tmp_path / "one.pcap", whole, compiled=True)[0] == read(tmp_path / "one.pcap", whole)[0]


def test_an_empty_capture_gives_the_same_compiled(tmp_path: Path) -> None:
    for whole in (pcap([]), section(), section() + interface(1)):
        assert read(tmp_path / "none", whole, compiled=True)[0] == read(tmp_path / "none", whole)[0] == Part()


def test_long_payloads_are_hashed_the_same_compiled(tmp_path: Path) -> None:
    noise = random.Random(2)
    frames = [ipv4(PEER, TARGET, 17, udp(1, 2, noise.randbytes(length))) for length in range(0, 600, 7)]
    whole = pcap([(START, one) for one in frames])
    assert read(tmp_path / "long", whole, compiled=True)[0] == read(tmp_path / "long", whole)[0]
