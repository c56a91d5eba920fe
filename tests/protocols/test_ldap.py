"""LDAP over UDP: a response has the messageID of the request, RFC 4511 section 4.1.1."""

from pathlib import Path

import pytest

from capanalyze.protocols import ldap
from tests import recorded
from tests.ber import ENUMERATED, OCTETS, SEQUENCE, ber, integer
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

LDAP = 389
BIND, BOUND, UNBIND, SEARCH, ENTRY, DONE, ABANDON = 0x60, 0x61, 0x42, 0x63, 0x64, 0x65, 0x50


def message(op: int, ident: int, *contents: bytes, user: bytes = b"") -> bytes:
    """LDAPMessage; RFC 1798 puts a user before the operation."""
    return ber(SEQUENCE, integer(ident), user, ber(op, *contents))


def entry(ident: int) -> bytes:
    return message(ENTRY, ident, ber(OCTETS), ber(SEQUENCE))


def done(ident: int) -> bytes:
    return message(DONE, ident, integer(0, ENUMERATED), ber(OCTETS), ber(OCTETS))


SAMPLES = {
    "search request": message(SEARCH, 7, ber(OCTETS)),
    "other request": message(BIND, 7, integer(3)),
    "unbind or abandon": message(UNBIND, 7),
    "search result entry": entry(7) + done(7),
    "search result done": done(7),
    "other response": message(BOUND, 7, integer(0, ENUMERATED)),
}


@pytest.mark.parametrize("ident", [0, 1, 127, 128, 0x7FFFFFFF])
def test_a_response_has_the_message_id(ident: int) -> None:
    request = hear(ldap.PROTOCOL, message(SEARCH, ident))
    for reply in (entry(ident), done(ident)):
        assert hear(ldap.PROTOCOL, reply).answers(request)
    assert not hear(ldap.PROTOCOL, done(ident ^ 1)).answers(request)


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (message(SEARCH, 1, user=ber(OCTETS, b"cn=lab")), "request", "search request"),  # RFC 1798 section 4
        (message(ABANDON, 1), "request", "unbind or abandon"),
        (message(0x73, 1), "reply", "search result entry"),
        (message(0x04, 1), "malformed", "malformed message"),
        (message(0x5F, 1), "malformed", "malformed message"),
        (b"?", "malformed", "malformed message"),
        (ber(SEQUENCE, ber(OCTETS)), "malformed", "malformed message"),
        (ber(SEQUENCE, integer(1)), "malformed", "malformed message"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(ldap.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


def test_what_is_never_answered_says_so() -> None:
    assert hear(ldap.PROTOCOL, message(UNBIND, 1)).flags == {"unanswerable"}
    assert hear(ldap.PROTOCOL, entry(1)).flags == {"interim"}


TALKS = [
    Talk(
        "entries and the end of a search, one by one",
        [
            (0, ask(LDAP, message(SEARCH, 1))),
            (0.1, answer(LDAP, entry(1))),
            (5, answer(LDAP, done(1))),
        ],
        ["ldap 1 > 2,3: replied, search result entry, 100000 us"],
    ),
    Talk(
        "of two searches the messageID tells which was answered",
        [(0, ask(LDAP, message(SEARCH, 1))), (0.1, ask(LDAP, message(SEARCH, 2))), (0.2, answer(LDAP, done(1)))],
        ["ldap 1 > 3: replied, search result done, 200000 us", "ldap 2 > -: silent, search request"],
    ),
    Talk(
        "unbind is not answered",
        [(0, ask(LDAP, message(UNBIND, 1)))],
        ["ldap 1 > -: silent, unbind or abandon"],
    ),
    Talk(
        "what is cut before its operation pairs weakly",
        [(0, ask(LDAP, message(SEARCH, 1))), (0.1, answer(LDAP, done(1)))],
        ["ldap 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 4,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_real_server_is_read_as_tshark_reads_it() -> None:
    """Its answer about the rootDSE came in two fragments; tshark has it in the last one."""
    seen = recorded.frames("ldap", "ldap.messageID", "ldap.protocolOp", "mscldap.hostname", "mscldap.forest")
    expected = recorded.answered(
        seen,
        lambda frame: frame["ldap.protocolOp"][:1] in ("4", "5"),
        lambda request, reply: request["ldap.messageID"] == reply["ldap.messageID"].split(",")[0],
    )
    assert recorded.paired("ldap") == expected == {3: 1, 5: 4, 7: 6, 9: 8}
    assert recorded.told("ldap", "host-name")[5] == [seen[5]["mscldap.hostname"]]
    assert recorded.told("ldap", "forest")[5] == [seen[5]["mscldap.forest"]]
