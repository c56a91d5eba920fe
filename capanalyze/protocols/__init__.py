"""All protocols, a file each (the small servers share one). A new one is a file, a row in `PROTOCOLS`, its test."""

from capanalyze.protocols import (
    ard,
    coap,
    dhcp,
    dhcpv6,
    dns,
    icmp,
    ike,
    ipp,
    kerberos,
    ldap,
    llmnr,
    mdns,
    memcached,
    natpmp,
    nbdgm,
    nbns,
    ntp,
    portmap,
    quic,
    sip,
    slp,
    small,
    snmp,
    ssdp,
    stun,
    tcp,
    tftp,
    udp,
    wsdiscovery,
)
from capanalyze.protocols._protocol import Protocol

# The first three are reached by transport, the others by port.
PROTOCOLS: tuple[Protocol, ...] = (
    udp.PROTOCOL,
    tcp.PROTOCOL,
    icmp.PROTOCOL,
    *ntp.PROTOCOLS,
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
    *small.PROTOCOLS,
    nbdgm.PROTOCOL,
    ipp.PROTOCOL,
    wsdiscovery.PROTOCOL,
    slp.PROTOCOL,
    dhcpv6.PROTOCOL,
    natpmp.PROTOCOL,
    ard.PROTOCOL,
    stun.PROTOCOL,
    coap.PROTOCOL,
    memcached.PROTOCOL,
)
GENERIC_UDP, TCP, ICMP = range(3)


def port_table() -> bytes:
    """65536 octets: the index in PROTOCOLS of the module that serves a UDP port, of several the first; 0 for none."""
    table = bytearray(65536)
    for index, protocol in reversed([*enumerate(PROTOCOLS)]):
        for port in protocol.ports:
            table[port] = index
    return bytes(table)


def service_table(kinds: int) -> bytes:
    """For each module and kind of message, `kinds` a module: the index in PROTOCOLS of the service that it is of."""
    table = bytearray(index for index in range(len(PROTOCOLS)) for _ in range(kinds))
    served = port_table()
    for index, protocol in enumerate(PROTOCOLS):
        for kind in protocol.apart:
            table[served[protocol.ports[0]] * kinds + kind] = index
    return bytes(table)
