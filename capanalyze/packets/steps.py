"""Why the walk through a frame's headers ends, by number, as the core has it; `buckets` names each."""

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
