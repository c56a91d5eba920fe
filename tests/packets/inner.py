"""What headers and tunnels carry in these tests: one datagram over IPv4 and IPv6, and addresses of what is around."""

from tests.build import PEER, TARGET, ipv4, ipv6, udp

PEER6, TARGET6 = "2001:db8::20", "2001:db8::10"
OUTER, OUTER6 = ("203.0.113.1", "203.0.113.2"), ("2001:db8:1::1", "2001:db8:1::2")
PAYLOAD = b"inner payload"
UDP = udp(50000, 40000, PAYLOAD)
V4 = ipv4(PEER, TARGET, 17, UDP)
V6 = ipv6(PEER6, TARGET6, 17, UDP)
