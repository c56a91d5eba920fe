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

# Where a frame ends otherwise. The account of frames names each (`buckets`).
(
    MESSAGE,
    SEGMENT,
    NOT_IP,
    OTHER_ICMP,
    LATER_FRAGMENT,
    TRUNCATED,
    MALFORMED_HEADER,
    TOO_DEEP,
    ENCRYPTED,
    AGGREGATED,
    UNREAD_INSIDE,
    NO_INTERFACE,
    NOT_A_PACKET,
    LEFT_OUT,
    # The row has the number of what is not read.
    UNREAD_LINK,
    UNREAD_ETHERTYPE,
    UNREAD_PROTOCOL,
    UNREAD_PPP,
    UNREAD_FAMILY,
) = range(64, 83)
FIRST_REASON = MESSAGE
FIRST_UNREAD = UNREAD_LINK
REASONS = 19
