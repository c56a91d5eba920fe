"""What a record reader notes of one record, and what it answers. Shared by pcap and pcapng.

The core reads the header of the record at an offset into a row of numbers (its struct `Record`), and answers with one
of the codes below. It never reads past the octets that it is given.
"""

# Fields of a record.
START, END, SIZE, SECONDS, NANOS, INTERFACE, DIRECTION, NEXT = range(8)
RECORD_FIELDS = 8

# Answers.
READY = 0  # a frame: the record is filled in
MORE = 1  # the record goes on behind `stop`
DAMAGED = 2  # what stands here cannot be a record
CONTROL = 3  # a block that is not a frame, for `Capture.control`
FULL = 4  # as many were read as there was room for, or as were wanted

# How a capture is laid out: a row of numbers that the readers take.
BIG, UNITS, HEADER, SWAPPED, FIRST_INTERFACE, INTERFACES = range(6)
LAYOUT_FIELDS = 8

# One interface in the core's table.
LINK, UNITS_PER_SECOND, DIVISOR, OFFSET, SNAPLEN, LINK_TYPE = range(6)
INTERFACE_FIELDS = 8

MAX_RECORD = 16 * 1024 * 1024  # libpcap stops at 256 KiB, USB captures reach 128 MiB and have no IP
NO_TIME = 1 << 61  # seconds of a time stamp that no calendar holds

# In place of an interface: the capture does not describe it; the record is counted as a frame but is none.
NO_INTERFACE, NOT_A_PACKET = -1, -2
