"""Services whose silence proves nothing: one table, of nothing that answers."""

import re

import pytest

from capanalyze.core import core
from capanalyze.protocols import PROTOCOLS, port_table
from capanalyze.services import registered_name
from capanalyze.silence import BY_PAYLOAD, ONE_WAY, WIDTH, OneWay, listing, one_way_ports

ROWS = [*ONE_WAY, *BY_PAYLOAD]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_has_its_source(row: OneWay) -> None:
    assert re.search(r"RFC \d+ section|IEEE|ANSI|https?://", row.source)
    assert row.name
    assert row.why


def test_every_port_is_in_one_row_and_of_no_module_and_no_tunnel() -> None:
    ports = [port for row in ROWS for port in row.ports]
    assert len(ports) == len(set(ports))
    served = port_table()
    assert all(served[port] == core.tunnel_of(port) == 0 for port in ports)


def test_the_ports_lead_to_their_rows() -> None:
    table = one_way_ports()
    assert len(table) == 65536
    assert {port: ONE_WAY[row - 1].name for port, row in enumerate(table) if row} == {
        port: row.name for row in ONE_WAY for port in row.ports
    }
    assert len(ONE_WAY) < 128  # reasons have room for so many


def test_what_the_payload_decides_is_not_decided_by_the_port() -> None:
    table = one_way_ports()
    assert not any(table[port] for row in BY_PAYLOAD for port in row.ports)


@pytest.mark.parametrize("port", [53, 69, 123, 161, 162, 500, 520, 1812, 1813, 5004, 5353, 6454, 7784, 10001, 27036])
def test_what_answers_is_not_one_way(port: int) -> None:
    assert one_way_ports()[port] == 0


@pytest.mark.parametrize(
    ("port", "name"), [(514, "syslog"), (2055, "NetFlow"), (6343, "sflow"), (8125, "statsd"), (1985, "hsrp")]
)
def test_a_port_is_called_by_the_registry_or_by_its_row(port: int, name: str) -> None:
    assert registered_name(f"udp/{port}") == name
    assert registered_name(f"tcp/{port}") in (None, name, "shell")


def test_the_listing_has_every_row_and_fits() -> None:
    lines = "\n".join(listing()).splitlines()
    text = " ".join(" ".join(lines).split())
    for row in ROWS:
        assert row.name in text
        assert row.source in text
        assert row.why in text
        assert all(str(port) in text for port in row.ports)
    for protocol in PROTOCOLS:
        assert all(words in text for words in protocol.draws_none)
    assert all(len(line) <= WIDTH or "https://" in line for line in lines)
