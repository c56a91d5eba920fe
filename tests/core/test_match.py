"""The match functions as Python calls them, and what few of them alone have."""

import pytest

from capanalyze.core import core
from capanalyze.protocols import PROTOCOLS
from tests.build import icmp, tcp

NAMES = [protocol.name for protocol in PROTOCOLS]


def test_the_services_are_those_of_the_table() -> None:
    assert core.NAMES == NAMES


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(ValueError, match="carrier"):
        core.match("carrier pigeon", b"")


@pytest.mark.parametrize(
    ("service", "octets"), [("icmp", icmp(3, 0, bytes(4), bytes(28))), ("tcp", tcp(1, 2, "SF")), ("tcp", bytes(7))]
)
def test_what_neither_asks_nor_answers_has_no_keys(service: str, octets: bytes) -> None:
    assert core.match(service, octets) == ("other", 0, frozenset(), ())


def test_all_mappings_of_udp_are_deleted_by_a_mapping_of_port_0() -> None:
    """RFC 6886 section 3.4."""
    role, _, flags, keys = core.match("natpmp", b"\0\1" + bytes(10))
    assert (role, flags) == ("request", frozenset())
    assert core.match("natpmp", b"\0\x81" + bytes(14))[3] == keys[:1]


def test_every_bit_of_a_transaction_counts() -> None:
    ids = [bytes(16), *((1 << bit).to_bytes(16) for bit in range(128))]
    keys = {core.match("stun", b"\0\1\0\0" + one)[3] for one in ids}
    assert len(keys) == len(ids)


def test_an_empty_token_is_no_message_id() -> None:
    ids = {core.match("coap", b"\x40\0" + number.to_bytes(2))[3] for number in range(65536)}
    (token,) = core.match("coap", b"\x50\x45\0\0")[3]
    assert len(ids) == 65536
    assert (token,) not in ids
