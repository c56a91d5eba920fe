"""What the scan keeps from call to call, as numbers: the words of the core's structs `State` and `Unread`."""

(
    OFFSET,  # of the next record in the octets at hand
    FRAMES,
    COUNT,  # rows written
    POOL,  # keys written
    BASE,  # offset of the octets at hand in the capture
    NG,  # 1: pcapng
    FIRST_SECONDS,
    FIRST_NANOS,
    LAST_SECONDS,
    LAST_NANOS,
    FINAL_SECONDS,
    FINAL_NANOS,
    ROOM,  # rows that may be written
    POOL_ROOM,  # and keys
    NAMED,  # 1: some row's interface is to be found by its name
    FIRST_CUT,  # the first frame that is cut before its ports, 0 for none
    SHOWN,  # senders noted that frames show on the link
    SHOWN_ROOM,
) = range(18)
STATE_FIELDS = 18
SHOWN_FIELDS = 3  # a MAC address, and an IP address of two words

FRAME_COUNT = 6  # field of an interface in the capture's table: frames seen
# What is not read, by number: a key (reason * UNREAD_UNIT + number) and frames. So many numbers are told apart.
UNREAD_KEY, UNREAD_COUNT = range(2)
UNREAD_FIELDS = 2
MAX_UNREAD = 64
UNREAD_UNIT = 1 << 33  # numbers have 32 bits
EARLIEST, LATEST = -62135596800, 253402300799  # the years 1 to 9999
