"""Services whose silence proves nothing: they are told something, and answer nobody, or only whom they know.

What every datagram to a port says is a row of `ONE_WAY`. Where a port is shared with something that does answer, the
payload decides: those are rows of `BY_PAYLOAD`, of which `protocols/udp.pxd` has the rules. Services with a module of
their own say themselves which messages draw no reply (`Protocol.draws_none`). VRRP, CARP and EIGRP are IP protocols of
their own, and tunnels over UDP are opened (`services.tunnel_ports`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill

from capanalyze.protocols import PROTOCOLS

PORTS = 65536
WIDTH = 100


@dataclass(frozen=True)
class OneWay:
    """A service over UDP that draws no reply.

    Attributes:
        name: what a reason calls it.
        ports: of who is told.
        why: why silence proves nothing.
        source: the RFC and its section, or who says so.
    """

    name: str
    ports: tuple[int, ...]
    why: str
    source: str


ONE_WAY = (
    OneWay("biff", (512,), "a mail server tells of new mail", "comsat(8), https://man.freebsd.org/comsat/8"),
    OneWay("rwho", (513,), "hosts tell their users and load", "rwhod(8), https://man.freebsd.org/rwhod/8"),
    OneWay("syslog", (514,), "messages are logged, not acknowledged", "RFC 5426 section 4.1"),
    OneWay(
        "LDP hello",
        (646,),
        "a router chooses whether to take up what it hears; sessions run over TCP",
        "RFC 5036 section 2.4.2",
    ),
    OneWay(
        "heartbeat",
        (694,),
        "nodes of a cluster tell that they live",
        "ha.cf(5), http://www.linux-ha.org/doc/man-pages/re-hacf.html",
    ),
    OneWay("OLSR", (698,), "routers flood what they know of the mesh", "RFC 3626 section 3"),
    OneWay("HSRP", (1985, 2029), "routers tell who forwards", "RFC 2281 section 5; 2029 for IPv6: IANA's registry"),
    OneWay(
        "Graphite",
        (2003,),
        "carbon stores what it is sent",
        "https://github.com/graphite-project/carbon/blob/master/conf/carbon.conf.example",
    ),
    OneWay("NetFlow", (2055, 9995, 9996), "a collector stores what exporters send", "RFC 3954 section 3.3"),
    OneWay(
        "GLBP",
        (3222,),
        "routers tell who forwards",
        "IANA's registry; https://www.cisco.com/en/US/docs/ios/12_2t/12_2t15/feature/guide/ft_glbp.html",
    ),
    OneWay(
        "BFD",
        (3784, 3785, 4784, 6784),
        "what belongs to no session is discarded; an echo is routed back, not answered",
        "RFC 5880 section 6.8.6, RFC 5881 section 4, RFC 5883 section 5, RFC 7130 section 2",
    ),
    OneWay("IPFIX", (4739,), "a collector stores what exporters send", "RFC 7011 section 10.3"),
    OneWay(
        "corosync",
        (5404, 5405),
        "only nodes of the cluster are heard",
        "corosync.conf(5), https://manpages.debian.org/corosync/corosync.conf.5.en.html",
    ),
    OneWay(
        "sACN", (5568,), "lights are told their values", "ANSI E1.31-2018, https://tsp.esta.org/tsp/documents/docs/"
    ),
    OneWay(
        "Jaeger agent",
        (5775, 6831, 6832),
        "spans are handed over by a call without a result",
        "https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/agent.thrift",
    ),
    OneWay("sFlow", (6343,), "a collector stores what agents send", "https://sflow.org/sflow_version_5.txt"),
    OneWay(
        "netconsole",
        (6666,),
        "a kernel's messages are logged",
        "https://docs.kernel.org/networking/netconsole.html",
    ),
    OneWay(
        "InfluxDB",
        (8089,),
        "points are written without a response",
        "https://docs.influxdata.com/influxdb/v1/supported_protocols/udp/",
    ),
    OneWay(
        "statsd",
        (8125,),
        "metrics are counted, not acknowledged (Datadog and telegraf, too)",
        "https://github.com/statsd/statsd/blob/master/README.md",
    ),
    OneWay(
        "Ganglia",
        (8649,),
        "gmond gathers metrics; what it knows it tells over TCP",
        "gmond.conf(5), https://github.com/ganglia/monitor-core",
    ),
    OneWay("SAP", (9875,), "sessions are announced; who announces does not know who listens", "RFC 2974 section 3"),
    OneWay(
        "GELF",
        (12201,),
        "messages are logged, not acknowledged",
        "https://go2docs.graylog.org/current/getting_in_log_data/gelf.html",
    ),
    OneWay("LWAPP data", (12222,), "frames of a tunnel", "RFC 5412 section 3"),
    OneWay(
        "Dropbox LAN sync",
        (17500,),
        "clients broadcast themselves; they synchronise over TCP",
        "https://nmap.org/nsedoc/scripts/broadcast-dropbox-listener.html",
    ),
    OneWay(
        "Syncthing",
        (21027,),
        "devices announce themselves; they synchronise over TCP and QUIC",
        "https://docs.syncthing.net/specs/localdisco-v4.html",
    ),
    OneWay(
        "collectd",
        (25826,),
        "a server stores what clients send",
        "https://github.com/collectd/collectd/blob/main/src/collectd.conf.pod",
    ),
)

BY_PAYLOAD = (
    OneWay(
        "empty datagram",
        (),
        "few servers answer what asks nothing; on any port",
        "https://nmap.org/book/scan-methods-udp-scan.html",
    ),
    OneWay("RTCP report", (), "reception is reported, not acknowledged; on any port", "RFC 3550 section 6.4"),
    OneWay(
        "SNMP notification",
        (162,),
        "a trap is not acknowledged; an InformRequest is",
        "RFC 3416 sections 4.2.6 and 4.2.7",
    ),
    OneWay(
        "PTP",
        (319, 320),
        "clocks tell the time, and only a master answers a Delay_Req; peer delay and management are answered",
        "IEEE 1588-2008 sections 9.5, 11.3 and 13.3.2.2",
    ),
    OneWay(
        "RIP response",
        (520, 521),
        "routes are told; a request is answered",
        "RFC 2453 section 3.9.2, RFC 2080 section 2.4.2",
    ),
    OneWay("RTP", (5004,), "media flow one way; elsewhere nothing tells them for certain", "RFC 3551 section 8"),
    OneWay(
        "MNDP",
        (5678,),
        "routers announce themselves; a datagram without fields asks them to",
        "https://help.mikrotik.com/docs/spaces/ROS/pages/24805517/Neighbor+discovery",
    ),
    OneWay(
        "Art-Net data",
        (6454,),
        "lights are told their values; a poll is answered",
        "Art-Net 4, https://art-net.org.uk/downloads/art-net.pdf",
    ),
)


def one_way_ports() -> bytes:
    """For each of the 65,536 UDP ports the number of its row in `ONE_WAY`, from 1; 0 for none."""
    found = bytearray(PORTS)
    for number, row in enumerate(ONE_WAY, 1):
        for port in row.ports:
            found[port] = number
    return bytes(found)


def listing() -> Iterator[str]:
    """The tables as text, a paragraph a row."""
    yield "\nOne-way services, whose silence is unproven, as they answer nobody, or only whom they know:"
    yield from map(paragraph, ONE_WAY)
    yield "\nMessages that are as one-way, by their payload:"
    yield from map(paragraph, BY_PAYLOAD)
    yield "\nMessages to services with rules of their own that draw no reply, or need not:"
    for protocol in PROTOCOLS:
        if protocol.draws_none:
            yield indented(f"{protocol.name:18} {'; '.join(protocol.draws_none)}", 23)


def paragraph(row: OneWay) -> str:
    """A row as text."""
    ports = ", ".join(map(str, row.ports))
    where = f"udp {ports}: " if ports else ""
    return indented(f"{row.name:18} {where}{row.why} ({row.source})", 23)


def indented(text: str, further: int) -> str:
    """A text as lines; a source's address stays in one piece."""
    return fill(
        text,
        initial_indent="    ",
        subsequent_indent=" " * further,
        width=WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )
