"""All protocols, one module each. A new one is a file here, a row in `PROTOCOLS`, and its test."""

from capanalyze.protocols import (
    dhcp,
    dns,
    icmp,
    ike,
    kerberos,
    ldap,
    llmnr,
    mdns,
    nbns,
    ntp,
    portmap,
    quic,
    sip,
    snmp,
    ssdp,
    tcp,
    tftp,
    udp,
)
from capanalyze.protocols._protocol import Protocol

# The first three are reached by transport, the others by port.
PROTOCOLS: tuple[Protocol, ...] = (
    udp.PROTOCOL,
    tcp.PROTOCOL,
    icmp.PROTOCOL,
    ntp.PROTOCOL,
    nbns.PROTOCOL,
    mdns.PROTOCOL,
    dns.PROTOCOL,
    llmnr.PROTOCOL,
    snmp.PROTOCOL,
    ssdp.PROTOCOL,
    dhcp.PROTOCOL,
    tftp.PROTOCOL,
    sip.PROTOCOL,
    kerberos.PROTOCOL,
    ldap.PROTOCOL,
    ike.PROTOCOL,
    quic.PROTOCOL,
    portmap.PROTOCOL,
)
GENERIC_UDP, TCP, ICMP = range(3)


def port_table() -> bytes:
    """65536 octets: the index in PROTOCOLS of the module that serves a UDP port, 0 for none."""
    table = bytearray(65536)
    for index, protocol in enumerate(PROTOCOLS):
        for port in protocol.ports:
            table[port] = index
    return bytes(table)
