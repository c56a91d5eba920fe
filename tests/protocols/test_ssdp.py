"""SSDP: a search draws any number of responses, which repeat its target."""

from pathlib import Path

import pytest

from capanalyze.protocols import ssdp
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

SSDP = 1900
GROUP = "239.255.255.250"


def search(target: str = "ssdp:all") -> bytes:
    return (
        f'M-SEARCH * HTTP/1.1\r\nHOST: {GROUP}:1900\r\nMAN: "ssdp:discover"\r\nMX: 3\r\nST: {target}\r\n\r\n'.encode()
    )


def response(target: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nST: {target}\r\nUSN: uuid:1::{target}\r\n\r\n".encode()


NOTIFY = f"NOTIFY * HTTP/1.1\r\nHOST: {GROUP}:1900\r\nNTS: ssdp:alive\r\n\r\n".encode()

SAMPLES = {"search": search(), "response": response("upnp:rootdevice"), "notify": NOTIFY}


@pytest.mark.parametrize(
    ("payload", "size", "role", "kind"),
    [
        (b"M-SEARCH", 8, "request", "search"),
        (b"GET / HTTP/1.1", 14, "malformed", "malformed message"),
        (b"HTT", 3, "malformed", "malformed message"),
        (b"HTT", 90, "malformed", "cut message"),
    ],
)
def test_role_and_kind(payload: bytes, size: int, role: str, kind: str) -> None:
    one = hear(ssdp.PROTOCOL, payload, size)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize(
    ("target", "answered", "answers"),
    [
        ("upnp:rootdevice", "upnp:rootdevice", True),
        ("upnp:rootdevice", "uuid:1", False),
        ("ssdp:all", "uuid:1", True),
        ("SSDP:All ", "uuid:1", True),
        ("ssdp:al", "uuid:1", False),
        ("ssdp:all2", "uuid:1", False),
        ("uuid:1", "ssdp:all", False),
        ("ssdp:all", "ssdp:all", True),
        ("urn:schemas-upnp-org:device:Basic:1", "  URN:Schemas-UPnP-org:device:basic:1\t", True),
    ],
)
def test_the_target_decides(target: str, answered: str, answers: bool) -> None:
    request = hear(ssdp.PROTOCOL, search(target))
    assert hear(ssdp.PROTOCOL, response(answered)).answers(request) is answers
    assert request.flags == frozenset()


@pytest.mark.parametrize("name", ["st:", "ST :", "St\t:"])
def test_a_headers_name_may_be_written_otherwise(name: str) -> None:
    request = hear(ssdp.PROTOCOL, search("uuid:1").replace(b"ST:", name.encode()))
    assert hear(ssdp.PROTOCOL, response("uuid:1")).answers(request)


@pytest.mark.parametrize(
    "payload",
    [
        search().replace(b"ST:", b"SX:"),
        search().replace(b"ST:", b"STR:"),
        search().replace(b"ST:", b"ST"),
        search()[:-5],  # where it was cut the target may go on
        b"M-SEARCH * HTTP/1.1\r\n\r\nST: uuid:1\r\n",
        b"M-SEARCH * HTTP/1.1\r\n" + b"A: 1\r\n" * 64 + b"ST: uuid:1\r\n\r\n",
    ],
)
def test_without_a_target_a_search_is_weak(payload: bytes) -> None:
    one = hear(ssdp.PROTOCOL, payload)
    assert (one.role, one.kind, one.keys) == ("request", "search", ())
    assert one.flags == {"weak"}


TALKS = [
    Talk(
        "the group is searched, and every host responds as often as it likes",
        [
            (0, datagram(PEER, 50000, GROUP, SSDP, search())),
            (0.1, answer(SSDP, response("upnp:rootdevice"))),
            (0.2, datagram("192.0.2.11", SSDP, PEER, 50000, response("upnp:rootdevice"))),
            (0.3, answer(SSDP, response("uuid:1"))),
            (0.4, answer(SSDP, response("urn:1"))),
        ],
        [
            "ssdp 1 > 2,4,5 at 192.0.2.10:1900: replied, response, 100000 us",
            "ssdp 1 > 3 at 192.0.2.11:1900: replied, response, 200000 us",
        ],
    ),
    Talk(
        "one host is searched by unicast",
        [
            (0, ask(SSDP, search())),
            (0.1, answer(SSDP, response("upnp:rootdevice"))),
            (0.2, answer(SSDP, response("uuid:1"))),
        ],
        ["ssdp 1 > 2,3: replied, response, 100000 us"],
    ),
    Talk(
        "a response with the target is one after ten seconds too",
        [
            (0, ask(SSDP, search())),
            (9.9, answer(SSDP, response("uuid:1"))),
            (10.1, answer(SSDP, response("uuid:2"))),
        ],
        ["ssdp 1 > 2,3: replied, response, 9900000 us"],
    ),
    Talk(
        "a notification is nobody's reply",
        [
            (0, datagram(PEER, 50000, GROUP, SSDP, search())),
            (0.1, datagram(TARGET, SSDP, GROUP, SSDP, NOTIFY)),
        ],
        ["ssdp 1 > -: silent, search", "ssdp - > 2: unsolicited, notify"],
    ),
    Talk(
        "a search sent again is the same one",
        [
            (0, datagram(PEER, 50000, GROUP, SSDP, search())),
            (1, datagram(PEER, 50000, GROUP, SSDP, search(), ident=2)),
            (1.1, answer(SSDP, response("uuid:1"))),
        ],
        ["ssdp 1,2 > 3 at 192.0.2.10:1900: replied, response, 1100000 us"],
    ),
    Talk(
        "a device may respond from a port of its own",
        [
            (0, datagram(PEER, 50000, GROUP, SSDP, search())),
            (0.1, datagram(TARGET, 40000, PEER, 50000, response("uuid:1"))),
        ],
        ["ssdp 1 > 2 at 192.0.2.10:40000: replied, response, 100000 us"],
    ),
    Talk(
        "another endpoint's response is none of it",
        [(0, datagram(PEER, 50000, GROUP, SSDP, search())), (0.1, answer(SSDP, response("uuid:1"), sport=50001))],
        ["ssdp 1 > -: silent, search", "ssdp - > 2: indeterminate, request not captured"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
