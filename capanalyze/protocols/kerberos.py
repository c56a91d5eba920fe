"""Kerberos over UDP, RFC 4120: a reply goes to the port that asked (section 7.2.1), and carries no transaction id.

An AS-REP answers an AS-REQ and a TGS-REP a TGS-REQ, a KRB-ERROR either (section 3); of several that are
open between the same endpoints, order decides.

A reply discloses realm, names and encryption types; an error the clock too, and whether the principal exists.
"""

from collections.abc import Iterator

from capanalyze.protocols._ber import Value, contents, fields, integer, text, time, value, values
from capanalyze.protocols._protocol import SECOND, Protocol

KRB_ERROR = 0x7E  # application tag, section 5.10

KINDS = ("AS-REQ", "TGS-REQ", "AS-REP", "TGS-REP", "KRB-ERROR")

GENERAL_STRING = 0x1B

# RFC 4120 section 7.5.9, with what the code says of the principal (section 3.1.3) where it does.
ERRORS = {
    1: "KDC_ERR_NAME_EXP (the principal has expired)",
    6: "KDC_ERR_C_PRINCIPAL_UNKNOWN (the principal does not exist)",
    7: "KDC_ERR_S_PRINCIPAL_UNKNOWN (the server's principal does not exist)",
    12: "KDC_ERR_POLICY",
    13: "KDC_ERR_BADOPTION",
    14: "KDC_ERR_ETYPE_NOSUPP (no such encryption type)",
    18: "KDC_ERR_CLIENT_REVOKED (the principal exists and is locked)",
    23: "KDC_ERR_KEY_EXPIRED (the principal exists, its password has expired)",
    24: "KDC_ERR_PREAUTH_FAILED (the principal exists, the password is wrong)",
    25: "KDC_ERR_PREAUTH_REQUIRED (the principal exists)",
    29: "KDC_ERR_SVC_UNAVAILABLE",
    31: "KRB_AP_ERR_BAD_INTEGRITY",
    32: "KRB_AP_ERR_TKT_EXPIRED",
    37: "KRB_AP_ERR_SKEW (the clocks differ)",
    41: "KRB_AP_ERR_MODIFIED",
    52: "KRB_ERR_RESPONSE_TOO_BIG (asks for TCP)",
    60: "KRB_ERR_GENERIC",
    61: "KRB_ERR_FIELD_TOOLONG",
    68: "KDC_ERR_WRONG_REALM",
}
PRINCIPALS = {
    6: "does not exist",
    18: "exists, is locked",
    23: "exists, its password has expired",
    24: "exists, has another password",
    25: "exists",
}
# Section 5.9.1; KDC_ERR_PREAUTH_FAILED brings them from MIT's KDC.
WITH_METHOD_DATA = (24, 25)
ETYPE_INFO2 = 19  # section 5.2.7.5

# RFC 3961 section 8, RFC 3962, RFC 4757, RFC 6803, RFC 8009.
ENCRYPTION_TYPES = {
    1: "des-cbc-crc",
    2: "des-cbc-md4",
    3: "des-cbc-md5",
    16: "des3-cbc-sha1-kd",
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
    23: "rc4-hmac",
    24: "rc4-hmac-exp",
    25: "camellia128-cts-cmac",
    26: "camellia256-cts-cmac",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a KRB-ERROR, or of an AS-REP or TGS-REP."""
    members = value(reply, value(reply, 0).start)
    if reply[0] == KRB_ERROR:
        yield from _error(reply, members)
    else:
        yield from _ticket(reply, members)


def _error(reply: bytes, members: Value) -> Iterator[tuple[str, str]]:
    """Section 5.9.1: stime [4], susec [5], error-code [6], the client [7] [8], the server [9] [10], e-text, e-data."""
    code, clock = 0, ""
    for number, member in fields(reply, members):
        if number == 4:
            clock = time(reply, member)
        elif number == 5:
            yield "clock", f"{clock}.{integer(reply, member):06}Z"
        elif number == 6:
            code = integer(reply, member)
            yield "error", ERRORS.get(code, f"error {code}")
        elif number in (7, 9):
            yield "realm", text(reply, member)
        elif number == 8:
            yield "principal", _name(reply, member) + (f" ({PRINCIPALS[code]})" if code in PRINCIPALS else "")
        elif number == 10:
            yield "server-name", _name(reply, member)
        elif number == 11:
            yield "text", text(reply, member)
        elif number == 12 and code in WITH_METHOD_DATA:
            yield from _preauthentication(reply, value(reply, member.start))


def _ticket(reply: bytes, members: Value) -> Iterator[tuple[str, str]]:
    """Section 5.4.2: padata [2], crealm [3], cname [4], ticket [5], enc-part [6]."""
    for number, member in fields(reply, members):
        if number == 2:
            yield from _preauthentication(reply, member)
        elif number == 3:
            yield "realm", text(reply, member)
        elif number == 4:
            yield "principal", _name(reply, member)
        elif number == 5:  # section 5.3: realm [1], sname [2], enc-part [3]
            for inner, part in fields(reply, value(reply, member.start)):
                if inner == 1:
                    yield "realm", text(reply, part)
                elif inner == 2:
                    yield "server-name", _name(reply, part)
                elif inner == 3:
                    yield from _encryption(reply, part)
        elif number == 6:
            yield from _encryption(reply, member)
            contents(reply, member)


def _preauthentication(reply: bytes, method: Value) -> Iterator[tuple[str, str]]:
    """METHOD-DATA (section 5.2.7): of ETYPE-INFO2 the encryption types, and the salt of the password's key."""
    for data in values(reply, method):
        kind = 0
        for number, member in fields(reply, data):
            if number == 1:
                kind = integer(reply, member)
            elif number == 2 and kind == ETYPE_INFO2:
                for entry in values(reply, value(reply, member.start)):
                    yield from _encryption(reply, entry)


def _encryption(reply: bytes, sequence: Value) -> Iterator[tuple[str, str]]:
    """EncryptedData (section 5.2.9) and ETYPE-INFO2-ENTRY begin with an etype [0]; the latter may have a salt [1]."""
    for number, member in fields(reply, sequence):
        if number == 0:
            etype = integer(reply, member)
            yield "encryption-type", ENCRYPTION_TYPES.get(etype, f"etype {etype}")
        elif number == 1 and member.tag == GENERAL_STRING:
            yield "salt", text(reply, member)


def _name(reply: bytes, sequence: Value) -> str:
    """PrincipalName, section 5.2.2: name-string [1]."""
    for number, member in fields(reply, sequence):
        if number == 1:
            return "/".join(text(reply, part) for part in values(reply, member))
    return ""


PROTOCOL = Protocol(
    name="kerberos",
    title="Kerberos",
    decode=decode,
    transport="udp",
    ports=(88,),
    kinds=KINDS,
    window=5 * SECOND,
    resends=32 * SECOND,  # MIT's client (1.20) sends its request again after 4 and 9 seconds
)
