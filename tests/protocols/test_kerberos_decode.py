"""Kerberos replies: octets to facts, each with tshark's summary above it."""

import pytest

from tests.ber import GENERAL_STRING, GENERALIZED_TIME, OCTETS, SEQUENCE, ber, integer, numbered

from . import Facts, assert_cut_tells_less, told

AS_REP, KRB_ERROR = 11, 30
ETYPE_INFO2 = 19


def string(text: str) -> bytes:
    return ber(GENERAL_STRING, text.encode())


def name(*parts: str) -> bytes:
    """PrincipalName, RFC 4120 section 5.2.2."""
    return ber(SEQUENCE, numbered(0, integer(1)), numbered(1, ber(SEQUENCE, *map(string, parts))))


def entry(etype: int, salt: str = "") -> bytes:
    """ETYPE-INFO2-ENTRY, RFC 4120 section 5.2.7.5."""
    return ber(SEQUENCE, numbered(0, integer(etype)), numbered(1, string(salt)) if salt else b"")


def method(*entries: bytes) -> bytes:
    """METHOD-DATA that begins with another kind of pre-authentication data, RFC 4120 section 5.2.7."""
    other = ber(SEQUENCE, numbered(1, integer(2)), numbered(2, ber(OCTETS)))
    info = ber(SEQUENCE, numbered(1, integer(ETYPE_INFO2)), numbered(2, ber(OCTETS, ber(SEQUENCE, *entries))))
    return ber(SEQUENCE, other, info)


def encrypted(etype: int) -> bytes:
    """EncryptedData, RFC 4120 section 5.2.9."""
    return ber(SEQUENCE, numbered(0, integer(etype)), numbered(1, integer(2)), numbered(2, ber(OCTETS, bytes(20))))


def error(code: int, *rest: bytes, client: bytes = b"", stamp: bytes = b"20071029101306Z") -> bytes:
    """KRB-ERROR, RFC 4120 section 5.9.1."""
    head = numbered(0, integer(5)), numbered(1, integer(KRB_ERROR))
    clock = numbered(4, ber(GENERALIZED_TIME, stamp)), numbered(5, integer(4735))
    server = numbered(9, string("LKDC.LAB")), numbered(10, name("krbtgt", "LKDC.LAB"))
    return ber(0x60 + KRB_ERROR, ber(SEQUENCE, *head, *clock, numbered(6, integer(code)), client, *server, *rest))


SERVER = [("realm", "LKDC.LAB"), ("server-name", "krbtgt/LKDC.LAB")]
CLOCK = ("clock", "2007-10-29T10:13:06.004735Z")
TICKET = ber(
    0x61,
    ber(
        SEQUENCE,
        numbered(0, integer(5)),
        numbered(1, string("LKDC.LAB")),
        numbered(2, name("krbtgt", "LKDC.LAB")),
        numbered(3, encrypted(18)),
    ),
)

REPLIES: dict[str, tuple[bytes, Facts]] = {
    # KRB Error: KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN
    "nobody": (
        error(6, numbered(11, string("CLIENT_NOT_FOUND"))),
        [
            CLOCK,
            ("error", "KDC_ERR_C_PRINCIPAL_UNKNOWN (the principal does not exist)"),
            *SERVER,
            ("text", "CLIENT_NOT_FOUND"),
        ],
    ),
    # KRB Error: KRB5KDC_ERR_PREAUTH_REQUIRED
    "somebody": (
        error(25, numbered(12, ber(OCTETS, method(entry(18, "LKDC.LABalice"), entry(23), entry(99))))),
        [
            CLOCK,
            ("error", "KDC_ERR_PREAUTH_REQUIRED (the principal exists)"),
            *SERVER,
            ("encryption-type", "aes256-cts-hmac-sha1-96"),
            ("salt", "LKDC.LABalice"),
            ("encryption-type", "rc4-hmac"),
            ("encryption-type", "etype 99"),
        ],
    ),
    # KRB Error: KRB5KDC_ERR_CLIENT_REVOKED
    "locked": (
        error(18, client=numbered(7, string("LKDC.LAB")) + numbered(8, name("alice"))),
        [
            CLOCK,
            ("error", "KDC_ERR_CLIENT_REVOKED (the principal exists and is locked)"),
            ("realm", "LKDC.LAB"),
            ("principal", "alice (exists, is locked)"),
            ("server-name", "krbtgt/LKDC.LAB"),
        ],
    ),
    # KRB Error: UNKNOWN_ERROR, whose e-data are of a form of their own
    "unknown": (error(200, numbered(12, ber(OCTETS, b"?"))), [CLOCK, ("error", "error 200"), *SERVER]),
    # AS-REP
    "ticket": (
        ber(
            0x60 + AS_REP,
            ber(
                SEQUENCE,
                numbered(0, integer(5)),
                numbered(1, integer(AS_REP)),
                numbered(2, method(entry(17, "LKDC.LABbob"))),
                numbered(3, string("LKDC.LAB")),
                numbered(4, name("bob")),
                numbered(5, TICKET),
                numbered(6, encrypted(17)),
            ),
        ),
        [
            ("encryption-type", "aes128-cts-hmac-sha1-96"),
            ("salt", "LKDC.LABbob"),
            ("realm", "LKDC.LAB"),
            ("principal", "bob"),
            ("server-name", "krbtgt/LKDC.LAB"),
            ("encryption-type", "aes256-cts-hmac-sha1-96"),
        ],
    ),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_tells(kind: str) -> None:
    reply, facts = REPLIES[kind]
    assert told("kerberos", reply) == facts


@pytest.mark.parametrize("kind", sorted(REPLIES.keys() - {"unknown"}))
def test_cut_reply_tells_less(kind: str) -> None:
    assert_cut_tells_less("kerberos", REPLIES[kind][0])


@pytest.mark.parametrize("stamp", [b"", b"2007", b"2007102910130xZ"])
def test_a_time_that_is_none(stamp: bytes) -> None:
    assert told("kerberos", error(6, stamp=stamp)) == [("malformed", "a time that is not a GeneralizedTime")]
