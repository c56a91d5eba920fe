"""All protocols, two files each (the small servers share theirs): the `.pxd` has the match function.

A new one is these two files, a line in `MODULES`, one in `core/core.pyx` at the same place, and its test.
"""

from importlib import import_module
from types import ModuleType

from capanalyze.protocols._protocol import Protocol

# The first three are reached by transport, the others by port.
MODULES: tuple[ModuleType, ...] = tuple(
    import_module(f"{__name__}.{name}")
    for name in (
        "udp",
        "tcp",
        "icmp",
        "ntp",
        "nbns",
        "mdns",
        "dns",
        "llmnr",
        "snmp",
        "ssdp",
        "dhcp",
        "tftp",
        "sip",
        "kerberos",
        "ldap",
        "ike",
        "quic",
        "portmap",
        "small",
        "nbdgm",
        "ipp",
        "wsdiscovery",
        "slp",
        "dhcpv6",
        "natpmp",
        "ard",
        "stun",
        "coap",
        "memcached",
        "dnstcp",
    )
)


def provided(module: ModuleType) -> tuple[Protocol, ...]:
    """The protocols of a module: its `PROTOCOL`, or several in `PROTOCOLS`."""
    several: tuple[Protocol, ...] = getattr(module, "PROTOCOLS", ())
    return several or (module.PROTOCOL,)


PROTOCOLS: tuple[Protocol, ...] = tuple(protocol for module in MODULES for protocol in provided(module))
GENERIC_UDP, TCP, ICMP = range(3)


def port_table() -> bytes:
    """65536 octets: the index in PROTOCOLS of the module that serves a UDP port, of several the first; 0 for none."""
    table = bytearray(65536)
    for index, protocol in reversed([*enumerate(PROTOCOLS)]):
        for port in protocol.ports if protocol.transport == "udp" else ():
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
