"""NetBIOS datagrams: delivered without an answer, but for errors, queries and the list of backup browsers."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import nbdgm
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

NBDGM = 138
GROUP = "192.0.2.255"
DIRECT_UNIQUE, DIRECT_GROUP, BROADCAST, ERROR, QUERY, POSITIVE, NEGATIVE = range(0x10, 0x17)


def name(text: str, suffix: int) -> bytes:
    """A name as RFC 1001 section 14.1 writes it."""
    octets = text.encode().ljust(15) + bytes([suffix])
    return b"\x20" + bytes(ord("A") + half for octet in octets for half in divmod(octet, 16)) + b"\0"


def header(kind: int, ident: int) -> bytes:
    """RFC 1002 section 4.4.1."""
    return struct.pack(">BBH4sH", kind, 0x0A, ident, bytes([192, 0, 2, 10]), 138)


def carried(user_data: bytes, ident: int = 1, kind: int = DIRECT_GROUP) -> bytes:
    """A datagram to a workgroup's master browser, RFC 1002 section 4.4.2."""
    names = name("QF98E", 0) + name("WORKGROUP", 0x1D)
    return header(kind, ident) + struct.pack(">HH", len(names) + len(user_data), 0) + names + user_data


def browser(frame: bytes, slot: bytes = b"\\MAILSLOT\\BROWSE") -> bytes:
    """A browser frame in its SMB transaction, [MS-CIFS] section 2.2.4.33.1."""
    offset = 69 + len(slot) + 1
    words = struct.pack(
        "<4HBBHIHHHHHBBHHH", 0, len(frame), 0, 0, 0, 0, 0, 0, 0, 0, 0, len(frame), offset, 3, 0, 1, 1, 2
    )
    smb = b"\xffSMB\x25" + bytes(27) + bytes([17]) + words
    return smb + struct.pack("<H", len(slot) + 1 + len(frame)) + slot + b"\0" + frame


def announcement(opcode: int, own: str = "QF98E", comment: str = "Mac OS X") -> bytes:
    """[MS-BRWS] section 2.2.1."""
    fields = struct.pack("<BBI16sBBIBBH", opcode, 0, 60000, own.encode(), 6, 1, 0x00849A03, 15, 1, 0xAA55)
    return fields + comment.encode() + b"\0"


def backup(opcode: int, token: int) -> bytes:
    """[MS-BRWS] sections 2.2.3 and 2.2.4."""
    return struct.pack("<BBI", opcode, 1, token) + (b"QF98E\0" if opcode == 10 else b"")


NETLOGON = b"\\MAILSLOT\\NET\\NETLOGON"
GETDC = b"\\MAILSLOT\\NET\\GETDC042"


def wide(text: str) -> bytes:
    """UTF-16, ended by a zero."""
    return f"{text}\0".encode("utf-16-le")


def sam_logon(slot: bytes = GETDC, ident: int = 1) -> bytes:
    """[MS-ADTS] section 6.3.1.6."""
    names = wide("CLIENT1") + wide("") + slot + b"\0"
    request = struct.pack("<HH", 18, 0) + names + bytes(8) + b"\x0b\0\0\0\xff\xff\xff\xff"
    return carried(browser(request, NETLOGON), ident, DIRECT_UNIQUE)


def primary_query(slot: bytes = GETDC) -> bytes:
    """[MS-ADTS] section 6.3.1.4."""
    request = struct.pack("<H", 7) + b"CLIENT1\0" + slot + b"\0" + wide("CLIENT1")
    return carried(browser(request, NETLOGON), 1, DIRECT_UNIQUE)


def controller(opcode: int = 19, slot: bytes = GETDC) -> bytes:
    """[MS-ADTS] section 6.3.1.7."""
    response = struct.pack("<H", opcode) + wide("\\\\DC1") + wide("") + wide("EXAMPLE") + b"\1\0\0\0\xff\xff\xff\xff"
    return carried(browser(response, slot), 900, DIRECT_UNIQUE)


HOST = carried(browser(announcement(1)))
SAMPLES = {
    "datagram": carried(b"some data"),
    "query": header(QUERY, 1) + name("QF98E", 0x20),
    "datagram error": header(ERROR, 1) + b"\x82",
    "query response": header(POSITIVE, 1) + name("QF98E", 0x20),
    "browser announcement": HOST,
    "request for backup browsers": carried(browser(backup(9, 7))),
    "list of backup browsers": carried(browser(backup(10, 7)), 2),
    "NETLOGON request": sam_logon(),
    "NETLOGON response": controller(),
}


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (carried(b"x", kind=DIRECT_UNIQUE), "request", "datagram"),
        (carried(b"x", kind=BROADCAST), "request", "datagram"),
        (carried(browser(announcement(12, "WORKGROUP", "QF98E"))), "request", "browser announcement"),
        (carried(browser(announcement(15))), "request", "browser announcement"),
        (carried(browser(b"\x08\1" + bytes(10))), "request", "datagram"),  # an election
        (carried(browser(announcement(1), b"\\MAILSLOT\\NET\\NETLOGON")), "request", "datagram"),
        (header(NEGATIVE, 1) + name("X", 0), "reply", "query response"),
        (b"\x17" + bytes(20), "malformed", "malformed message"),
        (b"\x10", "malformed", "malformed message"),
        (carried(browser(b"\x09\1")), "request", "datagram"),  # without its token
        (carried(browser(announcement(1)).replace(b"SMB", b"NCP")), "request", "datagram"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(nbdgm.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize("kind", [ERROR, POSITIVE, NEGATIVE])
def test_what_answers_returns_the_dgm_id(kind: int) -> None:
    request = hear(nbdgm.PROTOCOL, header(QUERY, 500) + name("QF98E", 0))
    rest = b"\x82" if kind == ERROR else name("QF98E", 0)
    assert hear(nbdgm.PROTOCOL, header(kind, 500) + rest).answers(request)
    assert not hear(nbdgm.PROTOCOL, header(kind, 501) + rest).answers(request)


@pytest.mark.parametrize("request_", [sam_logon(), primary_query()])
@pytest.mark.parametrize("opcode", [12, 19, 20, 21, 23, 24, 25])
def test_a_domain_controller_answers_in_the_mailslot_that_was_named(request_: bytes, opcode: int) -> None:
    asked = hear(nbdgm.PROTOCOL, request_)
    assert hear(nbdgm.PROTOCOL, controller(opcode)).answers(asked)
    assert hear(nbdgm.PROTOCOL, controller(opcode, b"\\MAILSLOT\\net\\getdc042")).answers(asked)
    assert not hear(nbdgm.PROTOCOL, controller(opcode, GETDC[:-1] + b"3")).answers(asked)
    assert hear(nbdgm.PROTOCOL, header(ERROR, 1) + b"\x82").answers(asked)


@pytest.mark.parametrize(
    "payload",
    [
        sam_logon().replace(b"\x12\0\0\0C", b"\x11\0\0\0C"),
        sam_logon().replace(b"NET\\NETLOGON", b"LANMAN\0\0\0\0\0\0"),
        carried(browser(struct.pack("<HH", 18, 0) + wide("CLIENT1"), NETLOGON)),  # without its mailslot
        carried(browser(struct.pack("<H", 7) + b"CLIENT1", NETLOGON)),
        carried(browser(b"\x12", NETLOGON)),
    ],
)
def test_other_messages_to_mailslots_are_delivered(payload: bytes) -> None:
    assert hear(nbdgm.PROTOCOL, payload).kind == "datagram"


def both(payload: bytes, *, back: bool = False, to: str = TARGET) -> bytes:
    """The service's port on both sides, as is its custom."""
    return answer(NBDGM, payload, sport=NBDGM) if back else datagram(PEER, NBDGM, to, NBDGM, payload)


TALKS = [
    Talk(
        "what a host and a workgroup tell of themselves is an announcement",
        [(0, datagram(TARGET, NBDGM, GROUP, NBDGM, HOST))],
        ["nbdgm - > 1: unsolicited, browser announcement"],
    ),
    Talk(
        "any other datagram to a group announces, if nobody answers",
        [(0, datagram(TARGET, NBDGM, GROUP, NBDGM, carried(b"x")))],
        ["nbdgm - > 1: unsolicited, datagram"],
    ),
    Talk(
        "a datagram is delivered, not answered",
        [(0, both(carried(b"x", 1))), (0.1, both(carried(b"y", 2), back=True))],
        ["nbdgm 1 > -: silent, datagram", "nbdgm 2 > -: silent, datagram"],
    ),
    Talk(
        "an error returns the datagram's id",
        [
            (0, both(carried(b"x", 1))),
            (0.1, both(carried(b"y", 2))),
            (0.2, both(header(ERROR, 1) + b"\x82", back=True)),
        ],
        ["nbdgm 1 > 3: replied, datagram error, 200000 us", "nbdgm 2 > -: silent, datagram"],
    ),
    Talk(
        "a list of backup browsers answers the request with its token",
        [
            (0, both(carried(browser(backup(9, 7)), 1), to=GROUP)),
            (0.1, both(carried(browser(backup(9, 8)), 2), to=GROUP)),
            (0.2, both(carried(browser(backup(10, 7)), 900), back=True)),
        ],
        [
            "nbdgm 1 > 3 at 192.0.2.10:138: replied, list of backup browsers, 200000 us",
            "nbdgm 2 > -: silent, request for backup browsers",
        ],
    ),
    Talk(
        "each request for a domain controller has its own mailslot",
        [
            (0, both(sam_logon(GETDC, 1))),
            (0.1, both(sam_logon(GETDC[:-1] + b"3", 2))),
            (0.2, both(controller(19, GETDC[:-1] + b"3"), back=True)),
            (0.3, both(controller(19, GETDC), back=True)),
        ],
        [
            "nbdgm 1 > 4: replied, NETLOGON response, 300000 us",
            "nbdgm 2 > 3: replied, NETLOGON response, 100000 us",
        ],
    ),
    Talk(
        "from any port a query is answered by its id",
        [(0, ask(NBDGM, SAMPLES["query"])), (0.1, answer(NBDGM, SAMPLES["query response"]))],
        ["nbdgm 1 > 2: replied, query response, 100000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
