"""NTP: which reply answers which request, RFC 5905 section 8, RFC 9769, RFC 9327."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import ntp
from tests.build import PEER, TARGET, datagram
from tests.build import ntp as message
from tests.conversations import Talk, answer, ask, each, heard, refuse
from tests.protocols import hear

PASSIVE, SERVER, BROADCAST = 2, 4, 5
ALARM = 3  # leap indicator: not synchronised
MANYCAST = "224.0.1.1"


def control(
    sequence: int, opcode: int = 2, *, response: bool = False, error: bool = False, more: bool = False
) -> bytes:
    """Mode 6, RFC 9327 figure 1: by default `read variables`."""
    bits = response << 7 | error << 6 | more << 5 | opcode
    return struct.pack(">2B5H", 0x16, bits, sequence, 0, 0, 0, 4) + b"a=1 "


def private(code: int = 42, sequence: int = 0, *, response: bool = False, more: bool = False) -> bytes:
    """Mode 7, ntpd's ntp_request.h: by default MON_GETLIST_1."""
    first = response << 7 | more << 6 | 0x17
    return struct.pack(">4B2H", first, sequence, 3, code, 0, 0) + bytes(40)


def kiss(code: bytes, origin: int) -> bytes:
    """A server reply of stratum 0 that says why there is no time, RFC 5905 section 7.4."""
    octets = message(SERVER, origin=origin, stratum=0, leap=ALARM)
    return octets[:12] + code + octets[16:]


def version(octets: bytes, number: int) -> bytes:
    """The message in another version."""
    return bytes([octets[0] & 0b11000111 | number << 3]) + octets[1:]


def version_5(cookie: int, mode: int = 3) -> bytes:
    """Of draft-ietf-ntp-ntpv5, cookies as in a client's first request."""
    return struct.pack(">4B2I2BH4Q", 5 << 3 | mode, 0, 0, 0, 0, 0, 0, 0, 0, 0, cookie, 0, 0)


SAMPLES = {
    "client request": message(transmit=7, receive=5),
    "server reply": message(SERVER, origin=7),
    "kiss-o'-death": kiss(b"DENY", 7),
    "symmetric request": message(1, transmit=7, origin=6, receive=5),
    "symmetric reply": message(PASSIVE, origin=7),
    "control request": control(1),
    "control reply": control(1, response=True),
    "private request (mode 7)": private(),
    "private reply (mode 7)": private(response=True),
    "broadcast": message(BROADCAST, transmit=7),
    "server reply, unsynchronised": message(SERVER, origin=7, leap=ALARM),
    "client request (version 5)": version_5(7),
    "server reply (version 5)": version_5(7, SERVER),
}


@pytest.mark.parametrize("mode", [3, 1])
@pytest.mark.parametrize("stamp", [1, 1 << 63, (1 << 64) - 1, 0xC8D3_0000_0000_0000])
def test_a_reply_has_the_key_of_the_transmit_timestamp(mode: int, stamp: int) -> None:
    request = hear(ntp.PROTOCOL, message(mode, transmit=stamp))
    reply = hear(ntp.PROTOCOL, message(mode + 1, origin=stamp))
    other = hear(ntp.PROTOCOL, message(mode + 1, origin=stamp - 1))
    assert reply.answers(request)
    assert not other.answers(request)


@pytest.mark.parametrize("place", [1, 1 << 16, 1 << 31, 1 << 32, 1 << 63])
def test_every_bit_of_the_timestamp_counts(place: int) -> None:
    request = hear(ntp.PROTOCOL, message(transmit=0xC8D3_1234_5678_9ABC))
    assert not hear(ntp.PROTOCOL, message(SERVER, origin=0xC8D3_1234_5678_9ABC ^ place)).answers(request)


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (message(0), "malformed", "malformed message"),
        (message()[:47], "malformed", "malformed message"),
        (b"\x1b", "malformed", "malformed message"),
        (control(1)[:11], "malformed", "malformed message"),
        (private()[:7], "malformed", "malformed message"),
        (kiss(b"RSTR", 1), "reply", "kiss-o'-death"),
        (kiss(b"RATE", 1), "reply", "kiss-o'-death"),
        (kiss(b"RATE", 1).replace(b"\xe4", b"\xe2", 1), "reply", "kiss-o'-death"),  # symmetric passive
        (kiss(b"INIT", 1), "reply", "server reply, unsynchronised"),
        (kiss(b"STEP", 1), "reply", "server reply, unsynchronised"),
        (message(SERVER, origin=1, stratum=16), "reply", "server reply, unsynchronised"),
        (message(SERVER, origin=1, stratum=15), "reply", "server reply"),
        (message(SERVER, origin=1, stratum=1, leap=2), "reply", "server reply"),
        (control(1, 1, response=True, error=True), "reply", "control reply"),
        (message(transmit=1) + bytes(20), "request", "client request"),  # a MAC follows
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(ntp.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize("number", [0, 6, 7])
def test_a_version_that_was_never_there_is_not_answered(number: int) -> None:
    assert "unanswerable" in hear(ntp.PROTOCOL, version(message(transmit=7), number)).flags


@pytest.mark.parametrize("number", range(1, 5))
def test_the_version_plays_no_other_part(number: int) -> None:
    for kind in SAMPLES.keys() - {"client request (version 5)", "server reply (version 5)"}:
        assert hear(ntp.PROTOCOL, version(SAMPLES[kind], number)) == hear(ntp.PROTOCOL, SAMPLES[kind]), kind


@pytest.mark.parametrize("cookie", [1, 0x82398EDB37DA959C])
def test_in_version_5_the_clients_cookie_decides(cookie: int) -> None:
    request = hear(ntp.PROTOCOL, version_5(cookie))
    assert hear(ntp.PROTOCOL, version_5(cookie, SERVER)).answers(request)
    assert not hear(ntp.PROTOCOL, version_5(cookie + 1, SERVER)).answers(request)
    assert not hear(ntp.PROTOCOL, message(SERVER, origin=cookie)).answers(request)
    assert request.flags == frozenset()


def test_version_5_has_two_modes_and_a_cookie() -> None:
    assert {hear(ntp.PROTOCOL, version_5(1, mode)).role for mode in (1, 2, 5)} == {"malformed"}
    assert hear(ntp.PROTOCOL, version_5(0)).flags == {"weak"}


def test_silence_to_a_symmetric_active_peer_proves_nothing() -> None:
    """RFC 5905 sections 3 and 9.2."""
    assert "unanswerable" in hear(ntp.PROTOCOL, message(1, transmit=7)).flags


def test_without_a_transmit_timestamp_a_request_is_weak() -> None:
    assert "weak" in hear(ntp.PROTOCOL, message()).flags
    assert "weak" in hear(ntp.PROTOCOL, message(1, origin=4)).flags
    assert "weak" in hear(ntp.PROTOCOL, message(SERVER)).flags


@pytest.mark.parametrize("kind", sorted(SAMPLES.keys() - {"broadcast"}))
def test_cut_before_its_key_a_message_keeps_its_role(kind: str) -> None:
    whole = hear(ntp.PROTOCOL, SAMPLES[kind])
    cut = hear(ntp.PROTOCOL, SAMPLES[kind][:3], len(SAMPLES[kind]))
    told = whole.kind if kind.startswith(("control", "private")) else "cut message"  # its first octets tell the mode
    assert (cut.role, cut.kind, cut.keys) == (whole.role, told, ())
    assert "weak" in cut.flags


T1 = 0xC8D3_0000_0000_0001
T2 = 0xC8D3_0000_0000_0002
NTP = 123

TALKS = [
    Talk(
        "a server answers the request whose transmit timestamp it returns",
        [(0, ask(NTP, message(transmit=T1))), (0.000272, answer(NTP, message(SERVER, origin=T1)))],
        ["ntp 1 > 2: replied, server reply, 272 us"],
    ),
    Talk(
        "of two requests between the same ports the origin tells which was answered",
        [
            (0, ask(NTP, message(transmit=T1), sport=NTP)),
            (1, ask(NTP, message(transmit=T2), sport=NTP)),
            (1.5, answer(NTP, message(SERVER, origin=T1), sport=NTP)),
        ],
        ["ntp 1 > 3: replied, server reply, 1500000 us", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "an origin that nobody sent answers nobody",
        [(0, ask(NTP, message(transmit=T1))), (0.001, answer(NTP, message(SERVER, origin=T2)))],
        ["ntp 1 > -: silent, client request", "ntp - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "in interleaved mode the origin is the request's receive timestamp",
        [(0, ask(NTP, message(transmit=T2, receive=T1, origin=5))), (0.001, answer(NTP, message(SERVER, origin=T1)))],
        ["ntp 1 > 2: replied, server reply, 1000 us"],
    ),
    Talk(
        "without timestamps the latest unanswered request comes first, and the pairing is weak",
        [
            (0, ask(NTP, message(stratum=0))),
            (0.1, ask(NTP, message(stratum=1))),
            (0.2, answer(NTP, message(SERVER))),
            (0.3, answer(NTP, message(SERVER, stratum=3))),
        ],
        ["ntp 1 > 4: replied, server reply, weak, 300000 us", "ntp 2 > 3: replied, server reply, weak, 100000 us"],
    ),
    Talk(
        "symmetric active is answered by symmetric passive",
        [
            (0, ask(NTP, message(1, transmit=T1), sport=NTP)),
            (0.001, answer(NTP, message(PASSIVE, origin=T1, transmit=T2), sport=NTP)),
        ],
        ["ntp 1 > 2: replied, symmetric reply, 1000 us"],
    ),
    Talk(
        "symmetric active may be answered in server mode",
        [
            (0, ask(NTP, message(1, transmit=T1), sport=NTP)),
            (0.001, answer(NTP, message(SERVER, origin=T1, transmit=T2), sport=NTP)),
        ],
        ["ntp 1 > 2: replied, server reply, 1000 us"],
    ),
    Talk(
        "between two active peers a message answers the last one and asks anew",
        [
            (0, ask(NTP, message(1, transmit=1), sport=NTP)),
            (1, answer(NTP, message(1, origin=1, transmit=2), sport=NTP)),
            (2, ask(NTP, message(1, origin=2, transmit=3), sport=NTP)),
        ],
        [
            "ntp 1 > 2: replied, symmetric request, 1000000 us",
            "ntp 2 > 3: replied, symmetric request, 1000000 us",
            "ntp 3 > -: silent, symmetric request",
        ],
    ),
    Talk(
        "a control request draws a reply in several packets",
        [
            (0, ask(NTP, control(1))),
            (0.001, answer(NTP, control(1, response=True, more=True))),
            (0.002, answer(NTP, control(1, response=True) + b"b=2")),
        ],
        ["ntp-control 1 > 2,3: replied, control reply, 1000 us"],
    ),
    Talk(
        "a control reply with the error bit is a reply",
        [(0, ask(NTP, control(1))), (0.001, answer(NTP, control(1, response=True, error=True)))],
        ["ntp-control 1 > 2: replied, control reply, 1000 us"],
    ),
    Talk(
        "control messages pair by sequence and opcode",
        [
            (0, ask(NTP, control(1))),
            (1, ask(NTP, control(2))),
            (2, ask(NTP, control(2, 1))),
            (2.1, answer(NTP, control(1, response=True))),
            (2.2, answer(NTP, control(2, 1, response=True))),
        ],
        [
            "ntp-control 1 > 4: replied, control reply, 2100000 us",
            "ntp-control 2 > -: silent, control request",
            "ntp-control 3 > 5: replied, control reply, 200000 us",
        ],
    ),
    Talk(
        "a private request draws many packets, beyond the first window too",
        [
            (0, ask(NTP, private())),
            (2, answer(NTP, private(response=True, more=True))),
            (4, answer(NTP, private(sequence=1, response=True, more=True))),
            (6, answer(NTP, private(sequence=2, response=True))),
        ],
        ["ntp-private 1 > 2,3,4: replied, private reply (mode 7), 2000000 us"],
    ),
    Talk(
        "private messages pair by request code",
        [(0, ask(NTP, private(42))), (0.001, answer(NTP, private(20, response=True)))],
        [
            "ntp-private 1 > -: silent, private request (mode 7)",
            "ntp-private - > 2: indeterminate, request not captured",
        ],
    ),
    Talk(
        "an error about a control message, quoted too short for a key, is not about the time",
        [
            (0, ask(NTP, message(transmit=T1), sport=NTP, ident=0)),
            (0.1, ask(NTP, control(1), sport=NTP, ident=0)),
            (0.2, refuse(ask(NTP, control(1), sport=NTP, ident=0), octets=8 + 3)),
        ],
        ["ntp 1 > -: silent, client request", "ntp-control 2 > 3: rejected, port unreachable, 100000 us"],
    ),
    Talk(
        "an error about the time, quoted too short for a key, is not about a control message",
        [
            (0, ask(NTP, control(1), sport=NTP, ident=0)),
            (0.1, ask(NTP, message(transmit=T1), sport=NTP, ident=0)),
            (0.2, refuse(ask(NTP, message(transmit=T1), sport=NTP, ident=0), octets=8 + 4)),
        ],
        ["ntp-control 1 > -: silent, control request", "ntp 2 > 3: rejected, port unreachable, 100000 us"],
    ),
    Talk(
        "an error that quotes ports alone is about what was asked first",
        [
            (0, ask(NTP, control(1), sport=NTP, ident=0)),
            (0.1, ask(NTP, message(transmit=T1), sport=NTP, ident=0)),
            (0.2, refuse(ask(NTP, message(transmit=T1), sport=NTP, ident=0), octets=8)),
        ],
        ["ntp-control 1 > 3: rejected, port unreachable, 200000 us", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "a control message cut before its key is not answered by the time",
        [
            (0, ask(NTP, control(1), sport=NTP)),
            (0.1, ask(NTP, message(transmit=T1), sport=NTP)),
            (0.2, answer(NTP, message(SERVER, origin=T1), sport=NTP)),
            (0.3, answer(NTP, control(1, response=True), sport=NTP)),
        ],
        [
            "ntp-control 1 > 4: replied, control reply, weak, 300000 us",
            "ntp 2 > 3: replied, cut message, weak, 100000 us",
        ],
        snaplen=20 + 8 + 3,
    ),
    *(
        Talk(
            f"a control message is answered weakly where {what}",
            [(0, ask(NTP, asked, sport=NTP)), (0.1, answer(NTP, told, sport=NTP))],
            [f"ntp-{name} 1 > 2: replied, malformed message, weak, 100000 us"],
        )
        for what, name, asked, told in (
            ("the reply to mode 6 is no NTP", "control", control(1), b"garbage"),
            ("the reply to mode 7 is no NTP", "private", private(), b"garbage"),
        )
    ),
    *(
        Talk(
            f"a kiss-o'-death {code.decode()} is a reply",
            [(0, ask(NTP, message(transmit=T1))), (0.001, answer(NTP, kiss(code, T1)))],
            ["ntp 1 > 2: replied, kiss-o'-death, 1000 us"],
        )
        for code in (b"DENY", b"RSTR", b"RATE")
    ),
    Talk(
        "a server that is not synchronised replied",
        [(0, ask(NTP, message(transmit=T1))), (0.001, answer(NTP, message(SERVER, origin=T1, leap=ALARM)))],
        ["ntp 1 > 2: replied, server reply, unsynchronised, 1000 us"],
    ),
    Talk(
        "a broadcast is nobody's reply",
        [
            (0, ask(NTP, message(transmit=T1))),
            (0.1, datagram(TARGET, NTP, "255.255.255.255", NTP, message(BROADCAST, transmit=T2))),
        ],
        ["ntp 1 > -: silent, client request", "ntp - > 2: unsolicited, broadcast"],
    ),
    Talk(
        "a manycast request is answered from the server's own address",
        [
            (0, datagram(PEER, 50000, MANYCAST, NTP, message(transmit=T1))),
            (0.001, answer(NTP, message(SERVER, origin=T1))),
            (0.002, datagram("192.0.2.11", NTP, PEER, 50000, message(SERVER, origin=T1))),
        ],
        [
            "ntp 1 > 2 at 192.0.2.10:123: replied, server reply, 1000 us",
            "ntp 1 > 3 at 192.0.2.11:123: replied, server reply, 2000 us",
        ],
    ),
    Talk(
        "a manycast request without a timestamp is answered weakly",
        [(0, datagram(PEER, 50000, MANYCAST, NTP, message())), (0.001, answer(NTP, message(SERVER)))],
        ["ntp 1 > 2 at 192.0.2.10:123: replied, server reply, weak, 1000 us"],
    ),
    *(
        Talk(
            f"version {number} is answered alike",
            [
                (0, ask(NTP, version(message(transmit=T1), number))),
                (0.001, answer(NTP, version(message(SERVER, origin=T1), number))),
            ],
            ["ntp 1 > 2: replied, server reply, 1000 us"],
        )
        for number in (1, 2, 3)
    ),
    Talk(
        "where the snap length cuts the timestamps off, endpoints decide",
        [(0, ask(NTP, message(transmit=T1))), (0.001, answer(NTP, message(SERVER, origin=T1)))],
        ["ntp 1 > 2: replied, cut message, weak, 1000 us"],
        snaplen=20 + 8 + 40,
    ),
    Talk(
        "an empty datagram is a request",
        [(0, ask(NTP, b""))],
        ["ntp 1 > -: silent, empty datagram"],
    ),
    Talk(
        "a datagram that is no NTP is still asked of the service",
        [(0, ask(NTP, b"garbage"))],
        ["ntp 1 > -: silent, malformed message"],
    ),
    Talk(
        "a reply that is no NTP pairs weakly",
        [(0, ask(NTP, message(transmit=T1))), (0.001, answer(NTP, b"garbage"))],
        ["ntp 1 > 2: replied, malformed message, weak, 1000 us"],
    ),
    Talk(
        "what is no NTP may be answered in kind",
        [(0, ask(NTP, b"garbage", sport=NTP)), (0.001, answer(NTP, b"rubbish", sport=NTP))],
        ["ntp 1 > 2: replied, malformed message, weak, 1000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
