"""Services whose replies are lines of text, and what is said first on a connection."""

import re
from collections.abc import Callable, Iterator

from tests.fields.comparison import Comparison, Table, shown
from tests.fields.dissection import Frame

LINK = re.compile("<([^>]*)>([^,<]*)")
LINK_FORMAT = "application/link-format"
BAD_REQUEST = 128
TLS_VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
HTTP_LINES = ("http.response.line", "http.request.line", "http.unknown_header", "http.location", "http.server")


def headers(*names: str) -> Callable[[Frame], Iterator[str]]:
    """Values of header lines, as they stand; tshark has fields for a few names only, and lines for all."""

    def told(frame: Frame) -> Iterator[str]:
        for field in frame.all(*HTTP_LINES):
            name, _, value = field.octets.decode("utf-8", "replace").partition(":")
            if name.strip().lower() in names and value.strip():
                yield value.strip()

    return told


def statuses(frame: Frame) -> list[str]:
    parts = ("http.response.version", "http.response.code", "http.response.phrase")
    found = [" ".join(frame.shown(part)[0] for part in parts if frame.shown(part))]
    return found if frame.all("http.response.code") else []


def protocols(frame: Frame) -> Iterator[str]:
    """The version of SSH, TLS or SMB."""
    yield from (f"SSH {line.split('-')[1]}" for line in frame.shown("ssh.protocol"))
    # TLS 1.3 calls itself 1.2 where it always stood; what only warns is of the version of its record.
    versions = ("tls.handshake.extensions.supported_version", "tls.handshake.version", "tls.record.version")
    spoken = next((found for found in map(frame.shown, versions) if found), [])
    yield from (TLS_VERSIONS[int(one, 0)] for one in spoken[:1])
    yield from (f"SMB2 dialect {one}" for one in frame.shown("smb2.dialect"))


ALERT_LEVELS = {"1": "warning", "2": "fatal"}
ATTRIBUTES = {"2.5.4.3": "CN", "2.5.4.10": "O"}
STRINGS = ("x509sat.uTF8String", "x509sat.printableString", "x509sat.bMPString", "x509sat.teletexString")


def alerts(frame: Frame) -> Iterator[str]:
    levels, descriptions = frame.shown("tls.alert_message.level"), frame.shown("tls.alert_message.desc")
    yield from (f"{ALERT_LEVELS[level]}, {one}" for level, one in zip(levels, descriptions, strict=True))


def distinguished(whose: str) -> Callable[[Frame], Iterator[str]]:
    """CN and O of the first certificate's issuer or subject, as RFC 4514 writes them."""

    def told(frame: Frame) -> Iterator[str]:
        parts = frame.parts("x509af.issuer", "x509af.validity_element", "x509af.subject", "x509af.extensions")
        for part in [part for part in parts if part.fields[0].name == whose][:1]:
            attributes = (one.shown("x509if.oid", *STRINGS) for one in part.parts("x509if.oid"))
            known = [(ATTRIBUTES[one[0]], one[1]) for one in attributes if one[0] in ATTRIBUTES and len(one) > 1]
            yield ",".join(f"{name}={text.replace(',', chr(92) + ',')}" for name, text in reversed(known))

    return told


def software(frame: Frame) -> list[str]:
    """`OpenSSH_9.2p1 Debian-2` of `SSH-2.0-OpenSSH_9.2p1 Debian-2`."""
    return [line.split("-", 2)[2] for line in frame.shown("ssh.protocol")]


def banners(frame: Frame) -> list[str]:
    """The first line of a service that greets, from fields or from what tshark has no dissector for."""
    codes, words = frame.shown("ftp.response.code"), frame.shown("ftp.response.arg")
    return [f"{code} {text}" for code, text in zip(codes, words, strict=False)][:1] or lines(frame)


def lines(frame: Frame) -> list[str]:
    """The first line of the payload, as far as tshark knows what that is."""
    payload = b"".join(field.octets for field in frame.all("data.data", "chargen.data"))
    return [line.strip() for line in payload.decode("utf-8", "replace").splitlines()[:1]]


def coap_codes(*, errors: bool) -> Callable[[Frame], list[str]]:
    """`Code: 2.05 Content (69)`."""
    return lambda frame: [
        field.named
        for field in frame.all("coap.code")
        if (int(field.show) >= BAD_REQUEST) == errors and field.show != "0"
    ]


def coap_payload(frame: Frame) -> tuple[str, str]:
    """Its format and its text."""
    text = "".join(field.octets.decode("utf-8", "replace") for field in frame.all("coap.payload"))
    return next(iter(frame.shown("coap.payload_desc")), ""), text


def resources(frame: Frame) -> list[str]:
    form, text = coap_payload(frame)
    return [path + attributes for path, attributes in LINK.findall(text)] if form == LINK_FORMAT else []


def coap_text(frame: Frame) -> list[str]:
    form, text = coap_payload(frame)
    return [text] if text and form != LINK_FORMAT else []


def sip_status(frame: Frame) -> list[str]:
    return [line.partition(" ")[2].strip() for line in frame.shown("sip.Status-Line")]


SSDP: Table = {
    ("ssdp", "server"): Comparison(headers("server")),
    ("ssdp", "location"): Comparison(headers("location")),
    ("ssdp", "usn"): Comparison(headers("usn")),
    ("ssdp", "search-target"): Comparison(headers("st", "nt")),
}
TCP: Table = {
    ("tcp", "status"): Comparison(statuses),
    ("tcp", "server"): Comparison(headers("server")),
    ("tcp", "location"): Comparison(headers("location")),
    ("tcp", "protocol"): Comparison(protocols),
    ("tcp", "software"): Comparison(software),
    ("tcp", "banner"): Comparison(banners, complete=False),
    ("tcp", "cipher-suite"): shown("tls.handshake.ciphersuite"),
    ("tcp", "server-guid"): shown("smb2.server_guid"),
    ("tcp", "alert"): Comparison(alerts),
    ("tcp", "issuer"): Comparison(distinguished("x509af.issuer")),
    ("tcp", "subject"): Comparison(distinguished("x509af.subject")),
    ("tcp", "subject-alt-name"): shown("x509ce.dNSName", "x509ce.IPAddress.ipv4", "x509ce.IPAddress.ipv6"),
}
TABLE: Table = {
    **SSDP,
    **TCP,
    ("chargen", "text"): Comparison(lines),
    ("qotd", "text"): Comparison(lines),
    ("ipp", "location"): shown("cups.uri"),
    ("ipp", "printer-location"): shown("cups.location"),
    ("ipp", "instance"): shown("cups.information"),
    ("ipp", "model"): shown("cups.make_model"),
    ("sip", "rcode"): Comparison(sip_status),
    ("sip", "server"): shown("sip.Server", "sip.User-Agent"),
    ("sip", "endpoint"): shown("sip.Contact"),
    ("sip", "realm"): Comparison(lambda frame: [one.strip('"') for one in frame.shown("sip.auth.realm")]),
    ("coap", "rcode"): Comparison(coap_codes(errors=False)),
    ("coap", "error"): Comparison(coap_codes(errors=True)),
    ("coap", "resource"): Comparison(resources),
    ("coap", "text"): Comparison(coap_text),
}
