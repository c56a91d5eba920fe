"""Names in X.509 certificates (RFC 5280 section 4.1): whom one speaks for, and who issued it; nothing else is read."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from capanalyze.protocols._ber import Value, contents, value, values

# RFC 5280 section 4.1.2, TBSCertificate: tags of fields that may be left out, places of two that may not.
VERSION, EXTENSIONS = 0xA0, 0xA3
ISSUER, SUBJECT = 2, 4
# RFC 5280 section 4.2.1.6: tags of a GeneralName.
DNS_NAME, IP_ADDRESS = 0x82, 0x87
# As encoded: 2.5.4.3 and 2.5.4.10 (RFC 5280 appendix A.1), 2.5.29.17 (section 4.2.1.6).
ATTRIBUTES = {bytes.fromhex("550403"): "CN", bytes.fromhex("55040a"): "O"}
SUBJECT_ALT_NAME = bytes.fromhex("551d11")
# BMPString and UniversalString; the other strings are ASCII or UTF-8, or were meant to be.
ENCODINGS = {0x1E: "utf-16-be", 0x1C: "utf-32-be"}
SPECIAL = re.compile(r'[,+"\\<>;]')


def names(certificate: bytes) -> Iterator[tuple[str, str]]:
    """Issuer, subject and the subject's other names, as far as they lie in a certificate that may be cut."""
    fields = values(certificate, value(certificate, value(certificate, 0).start))
    for place, field in enumerate(field for field in fields if field.tag != VERSION):
        if place == ISSUER:
            yield "issuer", _distinguished(certificate, field)
        elif place == SUBJECT:
            yield "subject", _distinguished(certificate, field)
        elif field.tag == EXTENSIONS:
            yield from _alternatives(certificate, value(certificate, field.start))


def _distinguished(certificate: bytes, name: Value) -> str:
    """A name's CN and O in the form of RFC 4514, the most specific first."""
    found = []
    for relative in values(certificate, name):
        for attribute in values(certificate, relative):
            kind, text = values(certificate, attribute)
            if label := ATTRIBUTES.get(contents(certificate, kind)):
                told = contents(certificate, text).decode(ENCODINGS.get(text.tag, "utf-8"), "replace")
                found.append(f"{label}=" + SPECIAL.sub(r"\\\g<0>", told))
    return ",".join(reversed(found))


def _alternatives(certificate: bytes, extensions: Value) -> Iterator[tuple[str, str]]:
    """The subjectAltName, RFC 5280 section 4.2.1.6: names and addresses. What lies behind it is left alone."""
    for extension in values(certificate, extensions):
        kind, *_, held = values(certificate, extension)
        if contents(certificate, kind) != SUBJECT_ALT_NAME:
            continue
        for name in values(certificate, value(certificate, held.start)):
            if name.tag == DNS_NAME:
                yield "subject-alt-name", contents(certificate, name).decode("utf-8", "replace")
            elif name.tag == IP_ADDRESS:
                yield "subject-alt-name", str(ip_address(contents(certificate, name)))
        return
