"""Where a reply went, and addresses of one link that another link was told."""

from pathlib import Path

from capanalyze.analysis import analyze
from capanalyze.audit import load_audit
from capanalyze.destinations import elsewhere, is_private
from capanalyze.model import Analysis, Evidence
from tests.build import PEER, START, TARGET, dns_message, ipv4, pcap, question, record, udp

INNER, NEIGHBOUR = "10.1.2.3", "10.1.2.99"
QUERY = dns_message(7, 0, [question("a.local")])


def reply(address: str) -> bytes:
    octets = bytes(map(int, address.split(".")))
    return dns_message(7, 0x8400, [question("a.local")], [record("a.local", data=octets)])


def asked_in_two_zones(folder: Path, address: str) -> Analysis:
    """The target has an address on either interface, and tells one of them to the internet."""
    outer = [
        (START, ipv4(PEER, TARGET, 17, udp(50000, 5353, QUERY))),
        (START + 0.1, ipv4(TARGET, PEER, 17, udp(5353, 50000, reply(address)))),
    ]
    inner = [
        (START, ipv4(NEIGHBOUR, INNER, 17, udp(50001, 5353, QUERY))),
        (START + 0.1, ipv4(INNER, NEIGHBOUR, 17, udp(5353, 50001, reply(INNER)))),
    ]
    (folder / "m.ppp0.pcap").write_bytes(pcap(outer))
    (folder / "m.en0.pcap").write_bytes(pcap(inner))
    (folder / "audit.toml").write_text(
        f'[target]\naddresses = ["{TARGET}", "{INNER}"]\n[zones]\nppp0 = "internet"\nen0 = "lan"\n'
        '[modes.m]\npromise = "block"\ncaptures = ["m.ppp0.pcap", "m.en0.pcap"]\n'
    )
    return analyze(load_audit(folder / "audit.toml"))


def notes_from(analysis: Analysis, zone: str) -> list[str]:
    return [note for one in analysis.findings if one.zone == zone for note in one.notes if "another link" in note]


def test_an_address_of_the_lan_that_the_internet_was_told_is_noted(tmp_path: Path) -> None:
    analysis = asked_in_two_zones(tmp_path, INNER)
    assert notes_from(analysis, "internet") == [
        f"an address of another link was told to zone internet: {INNER}, of lan, frame 2 of m.ppp0.pcap"
    ]
    assert notes_from(analysis, "lan") == []


def test_the_address_that_was_asked_is_no_news(tmp_path: Path) -> None:
    analysis = asked_in_two_zones(tmp_path, TARGET)
    assert notes_from(analysis, "internet") == notes_from(analysis, "lan") == []


def shown(reply_to: str | None, asked: str | None = None) -> Evidence:
    return Evidence(
        capture="a", requests=[1], replies=[2], time=None, client=PEER, server=TARGET, asked=asked, reply_to=reply_to
    )


def test_a_request_by_unicast_that_was_answered_to_the_group_is_noted() -> None:
    assert elsewhere([shown("224.0.0.251:5353"), shown("224.0.0.251:5353")]) == [
        "asked by unicast, answered to 224.0.0.251: frame 2 of a"
    ]
    assert elsewhere([shown("[ff02::fb]:5353")]) == ["asked by unicast, answered to ff02::fb: frame 2 of a"]
    assert elsewhere([shown("224.0.0.251:5353", asked="224.0.0.251"), shown(None)]) == []


def test_another_endpoint_is_named() -> None:
    assert elsewhere([shown("198.51.100.9:5060")]) == [
        "answered to 198.51.100.9:5060, which had not asked: frame 2 of a"
    ]


def test_what_the_internet_does_not_know_is_private() -> None:
    assert [is_private(one) for one in ("10.0.0.1", "fd00::1", "192.0.2.1", "2001:db8::1")] == [
        True,
        True,
        False,
        False,
    ]
