"""The two tables of functions that the loop calls by number. Compiled mode replaces both by if-chains."""

from typing import Any

from capanalyze.packets import link, network
from capanalyze.protocols import PROTOCOLS

# In the order of `steps`.
HEADERS = (
    link.ethernet,
    link.ethertype,
    network.ip,
    link.ppp,
    link.null,
    link.loop,
    link.linux_sll,
    link.linux_sll2,
    link.pktap,
    link.pflog,
    link.nflog,
    link.ieee802_11,
    link.radiotap,
    link.frelay,
    link.c_hdlc,
    link.ppp_with_dir,
    link.pppoe,
    link.mpls,
    link.llc,
    network.gre,
)
MATCHES = tuple(protocol.match for protocol in PROTOCOLS)
EMPTY_ASKS = tuple(index for index, protocol in enumerate(PROTOCOLS) if protocol.empty_asks)


def header(step: int, octets: Any, at: int, end: int, row: Any) -> int:
    """Read one header; what follows it."""
    return HEADERS[step](octets, at, end, row)


def match(module: int, octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of a message of the module with this index in PROTOCOLS."""
    return MATCHES[module](octets, start, end, size, keys)
