"""What a reply tells, one protocol a file.

A decoder takes the octets of one reply, perhaps cut by the snap length, and yields facts as (kind, value),
the reply's own words unescaped. It yields what it can read and raises where it cannot go on; the one guard
is in `capanalyze.disclosures`.
"""

from collections.abc import Callable, Iterator

from capanalyze.disclose import dns, ike, kerberos, ldap, mdns, nbns, ntp, portmap, quic, snmp, ssdp, tcp

Decoder = Callable[[bytes], Iterator[tuple[str, str]]]

# By service; "tcp" stands for every TCP port.
DECODERS: dict[str, Decoder] = {
    "dns": dns.decode,
    "ike": ike.decode,
    "kerberos": kerberos.decode,
    "ldap": ldap.decode,
    "llmnr": dns.decode,
    "mdns": mdns.decode,
    "nbns": nbns.decode,
    "ntp": ntp.decode,
    "portmap": portmap.decode,
    "quic": quic.decode,
    "snmp": snmp.decode,
    "ssdp": ssdp.decode,
    "tcp": tcp.decode,
}
