"""SIP: octets to facts."""

from . import Facts, told

# Status: 401 Unauthorized
REPLY = (
    b"SIP/2.0 401 Unauthorized\r\n"
    b"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1\r\n"
    b"Call-ID: 1\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b'WWW-Authenticate: Digest realm="example.org", nonce="s3cret"\r\n'
    b"m: <sip:192.0.2.10>\r\n"
    b"Server : kamailio (5.6.3 (x86_64/linux))\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
    b"server: none of the headers"
)
FACTS: Facts = [
    ("rcode", "401 Unauthorized"),
    ("realm", "example.org"),
    ("endpoint", "<sip:192.0.2.10>"),
    ("server", "kamailio (5.6.3 (x86_64/linux))"),
]


def test_reply_tells() -> None:
    assert told("sip", REPLY) == FACTS


def test_a_nonce_is_never_shown() -> None:
    assert not any("s3cret" in value for _, value in told("sip", REPLY))


def test_the_asker_names_its_software_so() -> None:
    assert told("sip", b"SIP/2.0 200 OK\r\nUser-Agent: X\r\n\r\n")[1:] == [("server", "X")]


def test_cut_reply_tells_whole_headers_only() -> None:
    for length in range(1, REPLY.index(b"server: none")):
        facts = told("sip", REPLY[:length])
        if facts and facts[-1][0] == "malformed":
            assert facts.pop() == ("malformed", f"ends early, after {length} octets")
        assert facts == FACTS[: len(facts)]
