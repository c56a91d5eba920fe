"""SSDP replies: octets to facts, with tshark's summary above."""

from . import Facts, told

# HTTP/1.1 200 OK
REPLY = (
    b"HTTP/1.1 200 OK\r\n"
    b"CACHE-CONTROL: max-age=120\r\n"
    b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    b"usn:uuid:00112233-4455-6677-8899-aabbccddeeff::upnp:rootdevice\r\n"
    b"EXT:\r\n"
    b"Server :  Linux/5.10 UPnP/1.1 MiniUPnPd/2.3 \r\n"
    b"LOCATION: http://192.0.2.10:51153/root\x1b[2J\xff.xml\r\n"
    b"\r\n"
)

FACTS: Facts = [
    ("search-target", "urn:schemas-upnp-org:device:InternetGatewayDevice:1"),
    ("usn", "uuid:00112233-4455-6677-8899-aabbccddeeff::upnp:rootdevice"),
    ("server", "Linux/5.10 UPnP/1.1 MiniUPnPd/2.3"),
    ("location", "http://192.0.2.10:51153/root\\x1b[2J\ufffd.xml"),
]


def test_reply_tells() -> None:
    assert told("ssdp", REPLY) == FACTS


def test_bare_line_feeds_are_read_too() -> None:
    assert told("ssdp", REPLY.replace(b"\r", b"")) == FACTS


def test_notification() -> None:
    # NOTIFY * HTTP/1.1
    octets = b"NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n\r\n"
    assert told("ssdp", octets) == [("search-target", "upnp:rootdevice")]


def test_cut_reply_tells_whole_headers_only() -> None:
    for length in range(1, len(REPLY)):
        facts = told("ssdp", REPLY[:length])
        if not REPLY[:length].endswith(b"\n"):
            assert facts.pop() == ("malformed", f"ends early, after {length} octets")
        assert facts == FACTS[: len(facts)]
