"""One record of a capture: where its frame lies, and when and by which interface it came.

pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html. pcapng: …/draft-ietf-opsawg-pcapng-03.html. The
structs are rows of 64-bit numbers, as `capture.records` has them.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from capanalyze.core.frame cimport ELSEWHERE, INBOUND, OUTBOUND, UNKNOWN
from capanalyze.core.octets cimport Octets, be16, be32, le16, le32

cdef enum Answer:
    READY  # a frame: the record is filled in
    MORE  # the record goes on behind the octets at hand
    DAMAGED  # what stands here cannot be a record
    CONTROL  # a block that is not a frame, for `Capture.control`
    FULL  # there is no room for what was read

cdef enum:  # in place of an interface
    NO_INTERFACE_KNOWN = -1
    WITHOUT_PACKET = -2

cdef enum:
    RECORD_HEADER = 16  # octets, at least
    MAX_RECORD = 16777216  # libpcap stops at 256 KiB, USB captures reach 128 MiB and have no IP
    MAX_BLOCK = 17825792
    # pcapng
    PACKET = 2
    SIMPLE_PACKET = 3
    ENHANCED_PACKET = 6
    SECTION_HEADER = 0x0A0D0D0A
    EPB_FLAGS = 2
    PROMISCUOUS = 4  # reception type: for another host
    MAX_OPTIONS = 32

cdef extern from *:
    """
    #define CORE_NO_TIME (1LL << 61)  /* seconds of a time stamp that no calendar holds */
    #define CORE_MAX_SECONDS (1LL << 59)  /* more than any calendar holds; twice as much still is less than that */
    """
    int64_t NO_TIME "CORE_NO_TIME"
    int64_t MAX_SECONDS "CORE_MAX_SECONDS"


cdef struct Record:
    int64_t start  # offsets in the octets at hand
    int64_t end
    int64_t size  # octets of the frame on the wire
    int64_t seconds
    int64_t nanos
    int64_t interface
    int64_t direction
    int64_t next


cdef struct Layout:
    int64_t big
    int64_t nanoseconds_per_unit
    int64_t header
    int64_t swapped  # lengths: 1 in the other order, 2 perhaps
    int64_t first_interface  # of this section
    int64_t interfaces
    int64_t[2] spare


cdef struct Interface:
    int64_t step  # the first header of its frames
    int64_t units_per_second  # 0: too many to count, its frames have no times
    int64_t divisor  # brings the part below a second under 2**33 units
    int64_t offset  # seconds
    int64_t snaplen
    int64_t link_type
    int64_t frames
    int64_t spare


cdef inline uint32_t u16(Octets octets, uint32_t at, bint big) noexcept nogil:
    """Two octets in the order of the capture's writer."""
    return be16(octets, at) if big else le16(octets, at)


cdef inline uint32_t u32(Octets octets, uint32_t at, bint big) noexcept nogil:
    """Four octets in the order of the capture's writer."""
    return be32(octets, at) if big else le32(octets, at)


cdef inline Answer read_pcap(Octets octets, uint32_t at, const Layout *layout, Record *record) noexcept nogil:
    """One record's header: seconds, fraction, captured length, length."""
    cdef Answer answer = span_of(octets, at, layout, record)
    if answer != READY:
        return answer
    cdef int64_t fraction = <int64_t>u32(octets, at + 4, layout.big) * layout.nanoseconds_per_unit
    record.seconds = u32(octets, at, layout.big)
    if fraction >= 1000000000:
        record.seconds += fraction // 1000000000
        fraction %= 1000000000
    record.nanos = fraction
    record.interface = 0
    record.direction = UNKNOWN
    return READY


cdef inline Answer span_of(Octets octets, uint32_t at, const Layout *layout, Record *record) noexcept nogil:
    """Where a record of pcap begins and ends, and how long its frame was."""
    if layout.header < RECORD_HEADER:
        return DAMAGED  # no layout: nothing would ever be read on
    if at + layout.header > octets.captured:
        return MORE
    cdef int64_t captured = u32(octets, at + 8, layout.big), size = u32(octets, at + 12, layout.big)
    if layout.swapped and (layout.swapped == 1 or captured > size):
        captured, size = size, captured
    if captured > MAX_RECORD:
        return DAMAGED
    record.start = at + layout.header
    record.end = record.next = record.start + captured
    record.size = max(size, captured)
    return MORE if record.end > octets.captured else READY


cdef inline bint is_record_without_packet(uint32_t kind) noexcept nogil:
    """What Wireshark numbers as a frame: systemd journal entries, Sysdig events, custom blocks."""
    return kind in (9U, 0x204U, 0x216U, 0x221U, 0x00000BADU, 0x40000BADU)


cdef inline Answer read_pcapng(
    Octets octets, uint32_t at, const Layout *layout, const Interface *interfaces, Record *record
) noexcept nogil:
    """One block. Enhanced (6), simple (3) and the obsolete packet block (2) are frames."""
    if at + <uint64_t>12 > octets.captured:
        return MORE
    cdef bint big = layout.big
    cdef uint32_t kind = u32(octets, at, big), length = u32(octets, at + 4, big)
    if kind == SECTION_HEADER:  # its own byte order decides how long it is
        return CONTROL
    if length < 12 or length % 4 or length > MAX_BLOCK:
        return DAMAGED
    record.next = at + <int64_t>length
    if record.next > octets.captured:
        return MORE
    if u32(octets, at + length - 4, big) != length:
        return DAMAGED
    if (kind == ENHANCED_PACKET or kind == PACKET) and length >= 32:
        return packet(octets, at, length, kind, layout, interfaces, record)
    if kind == SIMPLE_PACKET and length >= 16:
        return simple_packet(octets, at, length, layout, interfaces, record)
    if is_record_without_packet(kind):
        record.start = record.end = at
        record.size = 0
        record.interface = WITHOUT_PACKET
        return READY
    return CONTROL


cdef inline Answer packet(
    Octets octets, uint32_t at, uint32_t length, uint32_t kind, const Layout *layout, const Interface *interfaces,
    Record *record,
) noexcept nogil:
    """An enhanced packet block, or the obsolete packet block before it, whose interface has two octets."""
    cdef bint big = layout.big
    cdef int64_t number = u32(octets, at + 8, big) if kind == ENHANCED_PACKET else u16(octets, at + 8, big)
    cdef int64_t captured = u32(octets, at + 20, big)
    if captured > <int64_t>length - 32:
        return DAMAGED
    record.start = at + 28
    record.end = record.start + captured
    record.size = max(<int64_t>u32(octets, at + 24, big), captured)
    if not knows_interface(number, layout, record):
        return READY
    time_stamp(u32(octets, at + 12, big), u32(octets, at + 16, big), &interfaces[record.interface], record)
    record.direction = direction(octets, <uint32_t>(record.start + (captured + 3) // 4 * 4), at + length - 4, big)
    return READY


cdef inline Answer simple_packet(
    Octets octets, uint32_t at, uint32_t length, const Layout *layout, const Interface *interfaces, Record *record
) noexcept nogil:
    """A simple packet block: of the first interface, without a time, cut at its snap length."""
    cdef int64_t size = u32(octets, at + 8, layout.big), captured = min(size, <int64_t>length - 16)
    record.start = at + 12
    record.end = record.start + captured
    record.size = size
    if knows_interface(0, layout, record):
        if interfaces[record.interface].snaplen:
            record.end = min(record.end, record.start + interfaces[record.interface].snaplen)
        no_time(record)
    return READY


cdef inline bint knows_interface(int64_t number, const Layout *layout, Record *record) noexcept nogil:
    """Whether the section describes an interface of this number."""
    record.direction = UNKNOWN
    record.interface = layout.first_interface + number
    if number < layout.interfaces:
        return True
    record.interface = NO_INTERFACE_KNOWN
    no_time(record)
    return False


cdef inline void no_time(Record *record) noexcept nogil:
    """The frame has no time, or one that no calendar holds."""
    record.seconds = NO_TIME
    record.nanos = 0


cdef inline void time_stamp(uint32_t high, uint32_t low, const Interface *interface, Record *record) noexcept nogil:
    """Seconds and nanoseconds of a time stamp in the interface's units."""
    cdef int64_t units = interface.units_per_second, stamp = <int64_t>(<uint64_t>high << 32 | low)
    if units == 0 or stamp < 0 or stamp // units > MAX_SECONDS:
        no_time(record)
        return
    record.seconds = stamp // units + interface.offset
    record.nanos = stamp % units // interface.divisor * 1000000000 // (units // interface.divisor)


cdef inline int64_t direction(Octets octets, uint32_t at, uint32_t end, bint big) noexcept nogil:
    """Inbound or outbound, from the flags option of a packet block (bits 0 and 1; 2 to 4 say for whom)."""
    cdef uint32_t code, length, flags
    for _ in range(MAX_OPTIONS):
        if at + <uint64_t>4 > end:
            return UNKNOWN
        code, length = u16(octets, at, big), u16(octets, at + 2, big)
        if code == 0:
            return UNKNOWN
        if code == EPB_FLAGS and length == 4 and at + <uint64_t>8 <= end:
            flags = u32(octets, at + 4, big)
            if flags & 3 == 1:
                return ELSEWHERE if flags >> 2 & 7 == PROMISCUOUS else INBOUND
            return OUTBOUND if flags & 3 == 2 else UNKNOWN
        at += 4 + (length + 3) // 4 * 4
    return UNKNOWN
