"""Where a reply went, if not to the client's endpoint, and where it came from, if not from the asked one."""

from pathlib import Path

import pytest

from tests.build import PEER, TARGET, datagram, dns, icmp, packet, question, record
from tests.conversations import CLIENT_PORT, answer, ask, captured
from tests.protocols import test_dhcp as dhcp
from tests.protocols import test_mdns as mdns
from tests.protocols import test_sip as sip

DNS, BOOTPS, BOOTPC = 53, 67, 68
OTHER_ADDRESS, RELAY, RELAYED_FROM = "192.0.2.11", "203.0.113.1", "203.0.113.9"
PEER_V6, TARGET_V6, OTHER_V6 = "2001:db8::7", "2001:db8::10", "2001:db8::11"
QUERY, RESPONSE = dns(7, "example.org"), dns(7, "example.org", response=True)
ECHO, ECHO_REPLY = icmp(8, rest=b"\0\1\0\1"), icmp(0, rest=b"\0\1\0\1")
DISCOVER, OFFER = dhcp.message(dhcp.DISCOVER), dhcp.message(dhcp.OFFER)


@pytest.mark.parametrize(
    ("frames", "to", "came_from"),
    [
        pytest.param([ask(DNS, QUERY)], None, None, id="no reply"),
        pytest.param([ask(DNS, QUERY), answer(DNS, RESPONSE)], None, None, id="there and back"),
        pytest.param(
            [ask(DNS, QUERY), datagram(TARGET, 1024, PEER, CLIENT_PORT, RESPONSE)],
            None,
            f"{TARGET}:1024",
            id="from another port",
        ),
        pytest.param(
            [ask(DNS, QUERY), datagram(OTHER_ADDRESS, DNS, PEER, CLIENT_PORT, RESPONSE)],
            None,
            f"{OTHER_ADDRESS}:53",
            id="from another address",
        ),
        pytest.param(
            [ask(sip.SIP, sip.request()), answer(sip.SIP, sip.response(), sport=sip.SIP)],
            f"{PEER}:5060",
            None,
            id="to another port of the client",
        ),
        pytest.param(
            [
                datagram(RELAYED_FROM, BOOTPS, TARGET, BOOTPS, DISCOVER),
                datagram(TARGET, BOOTPS, RELAY, BOOTPS, OFFER),
            ],
            f"{RELAY}:67",
            None,
            id="to the relay's other address",
        ),
        pytest.param(
            [dhcp.asked(dhcp.DISCOVER), dhcp.told(dhcp.OFFER)],
            "255.255.255.255:68",
            None,
            id="to everybody",
        ),
        pytest.param(
            [
                mdns.multicast(PEER, mdns.query(question(mdns.HOST))),
                mdns.multicast(TARGET, mdns.response(record(mdns.HOST))),
            ],
            "224.0.0.251:5353",
            None,
            id="to the group that was asked",
        ),
        pytest.param(
            [
                mdns.multicast(PEER, mdns.query(question(mdns.HOST), ident=7), sport=CLIENT_PORT),
                answer(mdns.MDNS, mdns.response(record(mdns.HOST))),
            ],
            None,
            None,
            id="a group was asked, and a host of it answered",
        ),
        pytest.param(
            [
                datagram(PEER_V6, CLIENT_PORT, TARGET_V6, DNS, QUERY),
                datagram(OTHER_V6, DNS, PEER_V6, 50001, RESPONSE),
            ],
            f"[{PEER_V6}]:50001",
            f"[{OTHER_V6}]:53",
            id="both, over IPv6",
        ),
        pytest.param(
            [packet(PEER, TARGET, 1, ECHO), packet(OTHER_ADDRESS, PEER, 1, ECHO_REPLY)],
            None,
            OTHER_ADDRESS,
            id="without ports",
        ),
        pytest.param(
            [ask(DNS, QUERY), datagram(TARGET, 1024, PEER, CLIENT_PORT, RESPONSE), answer(DNS, RESPONSE, ident=2)],
            None,
            f"{TARGET}:1024",
            id="the first reply counts",
        ),
    ],
)
def test_the_way_back_is_told_where_it_is_another(
    tmp_path: Path, frames: list[bytes], to: str | None, came_from: str | None
) -> None:
    heard, _ = captured(tmp_path, [(number / 10, frame) for number, frame in enumerate(frames)])
    assert [(pair.exchange.reply_to, pair.exchange.reply_from) for pair in heard.done] == [(to, came_from)]
