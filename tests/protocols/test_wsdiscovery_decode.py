"""WS-Discovery: octets to facts."""

from tests.protocols.test_wsdiscovery import DEVICE, MATCH, ONE, TWO, message

from . import Facts, told

REPLY = message("ProbeMatches", TWO, ONE, MATCH)
FACTS: Facts = [
    ("usn", DEVICE),
    ("service", "wsdp:Device"),
    ("service", "pub:Computer"),
    ("location", "http://192.0.2.10:5357/98190dc2"),
]


def test_reply_tells() -> None:
    assert told("wsdiscovery", REPLY) == FACTS


def test_the_anonymous_asker_is_no_fact() -> None:
    anonymous = "<wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address>"
    assert told("wsdiscovery", message("ResolveMatches", TWO, ONE, anonymous)) == []


def test_cut_reply_tells_less() -> None:
    for length in range(1, len(REPLY)):
        facts = told("wsdiscovery", REPLY[:length])
        if facts != FACTS:
            assert facts.pop() == ("malformed", f"ends early, after {length} octets")
        assert facts == FACTS[: len(facts)]
