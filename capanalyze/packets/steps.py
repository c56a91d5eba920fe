"""The steps of a walk through a frame's headers: which header comes next, or why the walk ends."""

# Headers, in the order of `HEADERS` in `packets.scan`.
(
    ETHERNET,
    ETHERTYPE,
    IP,
    PPP,
    NULL,
    LOOP,
    LINUX_SLL,
    LINUX_SLL2,
    PKTAP,
    PFLOG,
    NFLOG,
    IEEE802_11,
    RADIOTAP,
    FRELAY,
    C_HDLC,
    PPP_WITH_DIR,
    PPPOE,
    MPLS,
    LLC,
    GRE,
) = range(20)
STEPS = 20

# Where a walk ends well: a transport that holds messages.
UDP, TCP, ICMP = range(32, 35)

# Where a frame ends otherwise. The account of frames names each.
(
    MESSAGE,
    SEGMENT,
    NOT_IP,
    OTHER_TRANSPORT,
    OTHER_ICMP,
    LATER_FRAGMENT,
    TRUNCATED,
    MALFORMED_HEADER,
    TOO_DEEP,
    ENCRYPTED,
    UNKNOWN_INNER_LINK,
    UNREAD_LINK,
    NO_INTERFACE,
    NOT_A_PACKET,
    LEFT_OUT,
) = range(64, 79)
FIRST_REASON = 64
REASONS = {
    MESSAGE: "messages",
    SEGMENT: "TCP segments without data, inside connections",
    NOT_IP: "not IP (ARP, link control, management)",
    OTHER_TRANSPORT: "IP with another transport than UDP, TCP, ICMP",
    OTHER_ICMP: "ICMP that neither asks nor rejects (neighbour discovery, redirects)",
    LATER_FRAGMENT: "later fragments",
    TRUNCATED: "cut by the snap length before the ports",
    MALFORMED_HEADER: "malformed headers",
    TOO_DEEP: "headers nested too deep",
    ENCRYPTED: "encrypted wireless frames",
    UNKNOWN_INNER_LINK: "PKTAP around a link type that is not read",
    UNREAD_LINK: "of a link type that is not read",
    NOT_A_PACKET: "records without a packet (custom blocks, journal entries)",
    NO_INTERFACE: "of an interface that the capture does not describe",
    LEFT_OUT: "of interfaces that were not asked for",
}
