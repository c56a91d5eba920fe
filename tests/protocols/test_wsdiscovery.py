"""WS-Discovery: matches name the message that they answer."""

from pathlib import Path

import pytest

from capanalyze.protocols import wsdiscovery
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

WSD = 3702
GROUP = "239.255.255.250"
ONE = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
TWO = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917b"
DEVICE = "urn:uuid:98190dc2-0890-4ef8-ac9a-5940995e6119"
HEAD = '<?xml version="1.0" encoding="utf-8"?>\r\n<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">'


def message(action: str, ident: str, relates: str = "", body: str = "", prefix: str = "wsa:") -> bytes:
    """A SOAP message; some write the header's elements without a prefix, or with blanks."""
    header = f"<{prefix}To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</{prefix}To>"
    header += f"<{prefix}Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</{prefix}Action>"
    header += f'<{prefix}MessageID xmlns="x">\r\n {ident} </{prefix}MessageID>' if ident else ""
    header += f"<{prefix}RelatesTo>{relates}</{prefix}RelatesTo>" if relates else ""
    return f"{HEAD}<soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>".encode()


MATCH = (
    f"<wsd:ProbeMatches><wsd:ProbeMatch><wsa:EndpointReference><wsa:Address>{DEVICE}</wsa:Address>"
    "</wsa:EndpointReference><wsd:Types>wsdp:Device pub:Computer</wsd:Types><wsd:XAddrs>http://192.0.2.10:5357/98190dc2"
    "</wsd:XAddrs><wsd:MetadataVersion>1</wsd:MetadataVersion></wsd:ProbeMatch></wsd:ProbeMatches>"
)
SAMPLES = {
    "probe": message("Probe", ONE),
    "probe matches": message("ProbeMatches", TWO, ONE, MATCH),
    "resolve": message("Resolve", ONE),
    "resolve matches": message("ResolveMatches", TWO, ONE),
    "hello": message("Hello", ONE),
    "bye": message("Bye", ONE),
}


@pytest.mark.parametrize("prefix", ["wsa:", "a:", ""])
@pytest.mark.parametrize(("asked", "told"), [("Probe", "ProbeMatches"), ("Resolve", "ResolveMatches")])
def test_matches_relate_to_the_message(asked: str, told: str, prefix: str) -> None:
    request = hear(wsdiscovery.PROTOCOL, message(asked, ONE))
    assert hear(wsdiscovery.PROTOCOL, message(told, TWO, ONE, prefix=prefix)).answers(request)
    assert not hear(wsdiscovery.PROTOCOL, message(told, ONE, TWO, prefix=prefix)).answers(request)


@pytest.mark.parametrize(
    ("payload", "role", "kind", "weak"),
    [
        (message("Probe", ""), "request", "probe", True),
        (message("ProbeMatches", TWO), "reply", "probe matches", True),
        (message("Get", ONE), "malformed", "malformed message", False),
        (b"<>", "malformed", "malformed message", False),
        (b"no markup", "malformed", "malformed message", False),
        (b"<" * 500, "malformed", "malformed message", False),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str, weak: bool) -> None:
    one = hear(wsdiscovery.PROTOCOL, payload)
    assert (one.role, one.kind, "weak" in one.flags) == (role, kind, weak)


def test_cut_before_its_action_a_message_is_called_so() -> None:
    assert hear(wsdiscovery.PROTOCOL, SAMPLES["probe"][:100], 500).kind == "cut message"


TALKS = [
    Talk(
        "every host of the group matches by itself",
        [
            (0, datagram(PEER, 50000, GROUP, WSD, message("Probe", ONE))),
            (0.1, datagram(PEER, 50000, GROUP, WSD, message("Probe", TWO))),
            (0.2, answer(WSD, message("ProbeMatches", DEVICE, ONE))),
            (0.3, datagram("192.0.2.11", WSD, PEER, 50000, message("ProbeMatches", DEVICE, ONE))),
        ],
        [
            "wsdiscovery 1 > 3 at 192.0.2.10:3702: replied, probe matches, 200000 us",
            "wsdiscovery 1 > 4 at 192.0.2.11:3702: replied, probe matches, 300000 us",
            "wsdiscovery 2 > -: silent, probe",
        ],
    ),
    Talk(
        "one host is asked to resolve an address",
        [(0, ask(WSD, message("Resolve", ONE))), (0.1, answer(WSD, message("ResolveMatches", TWO, ONE)))],
        ["wsdiscovery 1 > 2: replied, resolve matches, 100000 us"],
    ),
    Talk(
        "a match may come from a port of its own",
        [
            (0, datagram(PEER, 50000, GROUP, WSD, message("Probe", ONE))),
            (0.1, datagram(TARGET, 40000, PEER, 50000, message("ProbeMatches", TWO, ONE))),
        ],
        ["wsdiscovery 1 > 2 at 192.0.2.10:40000: replied, probe matches, 100000 us"],
    ),
    Talk(
        "hello and bye are nobody's reply",
        [
            (0, datagram(TARGET, WSD, GROUP, WSD, message("Hello", ONE))),
            (0.1, datagram(TARGET, WSD, GROUP, WSD, message("Bye", ONE))),
        ],
        ["wsdiscovery - > 1: unsolicited, hello", "wsdiscovery - > 2: unsolicited, bye"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
