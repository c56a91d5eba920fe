"""From records to messages: one pass over the octets of a capture. Nothing is kept between frames but counts."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from capanalyze.core.frame cimport (
    ETHERNET, ICMP, IP, LATER_FRAGMENT, LEFT_OUT, MALFORMED_HEADER, MESSAGE, NOT_A_PACKET, NOT_IP, NO_INTERFACE,
    OTHER_ICMP, SEGMENT, TCP, TRUNCATED, TUNNELS_END, UNREAD_LINK, Frame, Step,
)
from capanalyze.core.message cimport (
    ACKNOWLEDGES, FRAGMENT, MALFORMED, MAX_KEYS, MAX_READINGS, OTHER, REPLY, Address, Match, Message, begin,
)
from capanalyze.core.neighbours cimport Neighbour, is_neighbour, shows_sender
from capanalyze.core.octets cimport Octets, behind
from capanalyze.core.record cimport (
    FULL, READY, WITHOUT_PACKET, Answer, Interface, Layout, Record, read_pcap, read_pcapng, span_of,
)
from capanalyze.core.network cimport ICMPV6
from capanalyze.core.services cimport GENERIC_UDP, Services
from capanalyze.core.signs cimport LOOKED_AT, NEIGHBOUR, sign_neighbour, sign_padding
from capanalyze.core.streams cimport IN_SEGMENT, data_of, may_hold_messages, next_message
from capanalyze.core.transport cimport message, note_payload, rejects
from capanalyze.core.walk cimport innermost

cdef enum:
    AT_ONCE = 1 + IN_SEGMENT  # messages of one frame; their keys are no more than MAX_KEYS
    MAX_UNREAD = 64  # numbers of what is not read that are told apart
    ROLES = 16  # what a role is below of, in `Message.role`
    QUOTED_HEADER = 8  # an ICMP error's own header

cdef extern from *:
    """
    /* the years 1 to 9999 */
    #define CORE_EARLIEST (-62135596800LL)
    #define CORE_LATEST 253402300799LL
    #define CORE_QUOTED (6LL << 16)  /* what is added to the role of a message that an ICMP error quotes */
    """
    int64_t EARLIEST "CORE_EARLIEST"
    int64_t LATEST "CORE_LATEST"
    int64_t QUOTED_ROLE "CORE_QUOTED"


cdef struct State:  # in words of 64 bits, as `packets.scan` numbers them
    int64_t offset  # of the next record in the octets at hand
    int64_t frames
    int64_t messages  # written
    int64_t keys  # written
    int64_t base  # offset of the octets at hand in the capture
    int64_t is_pcapng
    int64_t first_seconds
    int64_t first_nanos
    int64_t last_seconds
    int64_t last_nanos
    int64_t final_seconds
    int64_t final_nanos
    int64_t room  # messages that may be written
    int64_t key_room  # and keys
    int64_t names  # 1: some message's interface is to be found by its name
    int64_t first_cut  # the first frame that is cut before its ports, 0 for none
    int64_t shown  # senders noted that frames show on the link
    int64_t shown_room


cdef struct Unread:
    int64_t key  # reason << 33 | number, 0 for a free place
    int64_t frames


cdef struct Scan:
    State *state
    const Layout *layout
    Interface *interfaces
    Services *services
    Message *messages
    int64_t *pool
    int64_t *tally
    int64_t *tunnels
    Unread *unread
    Neighbour *shown


cdef inline Answer scan(Scan *s, Octets octets) noexcept nogil:
    """Walk records until the octets end, or there is no room: why."""
    cdef Answer answer
    cdef Record record
    cdef Frame frame
    cdef Match found
    cdef Step reason
    while True:
        if s.state.messages + AT_ONCE > s.state.room or s.state.keys + MAX_KEYS + MAX_READINGS > s.state.key_room:
            return FULL
        answer = next_record(s, octets, &record)
        if answer != READY:
            return answer
        s.state.offset = record.next
        s.state.frames += 1
        frame.message = &s.messages[s.state.messages]
        reason = frame_of(s, octets, &record, &frame, &found)
        s.tally[<int>reason - <int>MESSAGE] += 1
        if reason == TRUNCATED and s.state.first_cut == 0:
            s.state.first_cut = s.state.frames
        if reason >= UNREAD_LINK:
            note_unread(s, reason, frame.unread)
        if frame.tunnels:
            note_tunnels(s, frame.tunnels)
        if shows_sender(reason, &frame):
            note_sender(s, frame.message)
        if is_of_concern(reason, frame.message):
            write(s, &frame, &found)
            if may_hold_messages(frame.message):
                write_stream(s, &frame, &found)


cdef inline Answer skim(Scan *s, Octets octets, int64_t frames) noexcept nogil:
    """Step over so many records, counting them by interface, or to where the octets end: why."""
    if not s.state.is_pcapng:
        return skim_pcap(s, octets, frames)
    cdef Answer answer
    cdef Record record
    for _ in range(frames):
        answer = next_record(s, octets, &record)
        if answer != READY:
            return answer
        s.state.offset = record.next
        s.state.frames += 1
        if record.interface >= 0 and s.interfaces[record.interface].step != LEFT_OUT:
            s.interfaces[record.interface].frames += 1
    return FULL


cdef inline Answer skim_pcap(Scan *s, Octets octets, int64_t frames) noexcept nogil:
    """The same in a pcap, which has one interface: lengths are all that is looked at."""
    cdef Answer answer = FULL
    cdef Record record
    cdef uint32_t at = <uint32_t>s.state.offset
    cdef int64_t done = 0
    while done < frames:
        answer = span_of(octets, at, s.layout, &record)
        if answer != READY:
            break
        at = <uint32_t>record.next
        done += 1
    s.state.offset = at
    s.state.frames += done
    if s.interfaces[0].step != LEFT_OUT:
        s.interfaces[0].frames += done
    return answer if done < frames else FULL


cdef inline bint is_of_concern(Step reason, const Message *message) noexcept nogil:
    """Whether pairing is to see it."""
    if reason == SEGMENT:
        return message.role == ACKNOWLEDGES
    if reason in (NOT_IP, OTHER_ICMP):
        return message.signs & NEIGHBOUR != 0
    return reason == LATER_FRAGMENT or (reason == MESSAGE and message.role % ROLES != OTHER)


cdef inline Answer next_record(const Scan *s, Octets octets, Record *record) noexcept nogil:
    """The next record, by the capture's format."""
    if s.state.is_pcapng:
        return read_pcapng(octets, <uint32_t>s.state.offset, s.layout, s.interfaces, record)
    return read_pcap(octets, <uint32_t>s.state.offset, s.layout, record)


cdef inline Step frame_of(Scan *s, Octets octets, const Record *record, Frame *frame, Match *found) noexcept nogil:
    """What a record holds: MESSAGE with the message filled in, or the reason why there is none."""
    frame.tunnels = frame.is_shown = 0
    if record.interface < 0:
        return NOT_A_PACKET if record.interface == WITHOUT_PACKET else NO_INTERFACE
    cdef const Interface *interface = &s.interfaces[record.interface]
    if interface.step == LEFT_OUT:
        return LEFT_OUT
    note_time(s.state, record)
    begin_frame(frame, octets, record)
    frame.is_early = s.state.frames <= LOOKED_AT
    frame.unread = <uint32_t>interface.link_type
    cdef Step end = innermost(frame, <Step>interface.step)
    if frame.is_early and interface.step == ETHERNET:
        sign_padding(frame, record.size)
    if end == NOT_IP:
        begin(found)
    if end == TRUNCATED and is_whole(record):
        return MALFORMED_HEADER
    if end == LATER_FRAGMENT:
        fragment(frame)
        return end
    return end if end >= MESSAGE else transported(s, frame, end, found, is_whole(record))


cdef inline bint is_whole(const Record *record) noexcept nogil:
    """Whether all of a frame was captured."""
    return record.end - record.start >= record.size


cdef inline void begin_frame(Frame *frame, Octets octets, const Record *record) noexcept nogil:
    """Nothing is known of a frame yet but its record."""
    frame.block = octets.first
    frame.rest = Octets(
        octets.first + record.start, <uint32_t>(record.end - record.start), <uint32_t>record.size
    )
    frame.depth = 0
    frame.is_doubtful = 0
    frame.trailing = -1
    begin_message(frame.message, record)


cdef inline void begin_message(Message *message, const Record *record) noexcept nogil:
    """What not every message has is not there yet; all else is noted before a message is handed out."""
    message.seconds = record.seconds
    message.nanos = record.nanos
    message.interface = record.interface
    message.direction = record.direction
    message.service = message.digest = message.detail = message.process = message.tags = 0
    message.signs = 0
    message.source_mac = message.destination_mac = -1
    message.sender = Address(0, 0)


cdef inline void note_time(State *state, const Record *record) noexcept nogil:
    """Keep the earliest, the latest and the final time of all frames; what no calendar holds does not count."""
    cdef int64_t seconds = record.seconds, nanos = record.nanos
    if seconds < EARLIEST or seconds > LATEST:
        return
    state.final_seconds, state.final_nanos = seconds, nanos
    if seconds < state.first_seconds or (seconds == state.first_seconds and nanos < state.first_nanos):
        state.first_seconds, state.first_nanos = seconds, nanos
    if seconds > state.last_seconds or (seconds == state.last_seconds and nanos > state.last_nanos):
        state.last_seconds, state.last_nanos = seconds, nanos


cdef inline void note_unread(Scan *s, Step reason, uint32_t number) noexcept nogil:
    """Count a frame by the number that is not read, as far as there is room for another number."""
    cdef int64_t key = <int64_t>reason << 33 | number
    for at in range(MAX_UNREAD):
        if s.unread[at].key == 0:
            s.unread[at].key = key
        if s.unread[at].key == key:
            s.unread[at].frames += 1
            return


cdef inline void note_tunnels(Scan *s, uint32_t tunnels) noexcept nogil:
    """Count a frame for each kind of tunnel that it was read inside of."""
    cdef int kind
    for kind in range(<int>TUNNELS_END):
        s.tunnels[kind] += tunnels >> kind & 1


cdef inline void note_sender(Scan *s, const Message *message) noexcept nogil:
    """Note a sender that is on the link, unless it was the last one too."""
    cdef Neighbour found = Neighbour(message.source_mac, message.source)
    cdef int64_t count = s.state.shown
    if count < s.state.shown_room and not (count and is_neighbour(&s.shown[count - 1], &found)):
        s.shown[count] = found
        s.state.shown += 1


cdef inline Step transported(Scan *s, Frame *frame, Step transport, Match *found, bint is_whole) noexcept nogil:
    """What the transport holds; of an ICMP error, the datagram that it quotes."""
    cdef uint32_t error = rejects(frame) if transport == ICMP else 0
    if error:
        transport = quote(frame)
        if transport >= MESSAGE or (transport == ICMP and rejects(frame)):
            return OTHER_ICMP
    if not message(frame, transport, s.services, found, error != 0):
        return MALFORMED_HEADER if is_whole else TRUNCATED
    if error:
        frame.message.role += QUOTED_ROLE
        frame.message.detail = error
    elif frame.is_early and transport == ICMP and frame.message.protocol == ICMPV6:
        sign_neighbour(frame)
    if frame.message.role % ROLES in (OTHER, ACKNOWLEDGES):
        if error or transport == ICMP:
            return OTHER_ICMP
        if transport == TCP:
            return SEGMENT
    return MESSAGE


cdef inline Step quote(Frame *frame) noexcept nogil:
    """Walk on into the datagram that an ICMP error quotes; who sent the error is kept, and what it came through."""
    cdef uint32_t tunnels = frame.tunnels
    frame.message.sender = frame.message.source
    frame.rest = behind(frame.rest, QUOTED_HEADER)
    frame.depth = 0
    cdef Step end = innermost(frame, IP)
    frame.tunnels = tunnels
    return end


cdef inline void fragment(Frame *frame) noexcept nogil:
    """A later fragment as a message: its addresses and identification say whose it is."""
    frame.message.role = FRAGMENT
    frame.message.port = frame.message.source_port = frame.message.destination_port = -1
    note_payload(frame, frame.rest)


cdef inline void write(Scan *s, const Frame *frame, const Match *found) noexcept nogil:
    """Hand a message and its keys out."""
    cdef Message *message = frame.message
    cdef State *state = s.state
    message.frame = state.frames
    message.payload += state.base
    if message.process:
        message.process += state.base
    if message.interface < 0:
        state.names = 1
    write_keys(s, message, 0 if message.role == FRAGMENT else found.count, found)
    message.readings = 0
    if message.keys and found.records:
        message.readings = write_records(s, found)
        state.keys += message.readings
    elif is_read_elsewhere(message, found):
        message.readings = write_readings(s, frame.rest)
        state.keys += message.readings
    state.messages += 1


cdef inline void write_keys(Scan *s, Message *message, int64_t count, const Match *found) noexcept nogil:
    """Hand the keys of a message out."""
    cdef int64_t at
    message.first_key, message.keys = s.state.keys, count
    for at in range(count):
        s.pool[s.state.keys + at] = found.keys[at] & 0x7FFFFFFFFFFFFFFFULL
    s.state.keys += count


cdef inline int64_t write_records(Scan *s, const Match *found) noexcept nogil:
    """Hand the hashes of records out, behind the keys; how many."""
    cdef int64_t at
    for at in range(found.records):
        s.pool[s.state.keys + at] = found.keys[found.count + at] & 0x7FFFFFFFFFFFFFFFULL
    return found.records


cdef inline void write_stream(Scan *s, const Frame *frame, Match *found) noexcept nogil:
    """Hand out the messages in a TCP segment, behind the segment itself."""
    cdef Message message = frame.message[0]
    message.signs = 0
    cdef Octets data = data_of(frame.rest)
    cdef uint32_t at = 0
    for _ in range(IN_SEGMENT):
        at = next_message(data, at, s.services, frame.message, &message, found)
        if at == 0:
            return
        write_keys(s, &message, found.count, found)
        s.messages[s.state.messages] = message
        s.state.messages += 1


cdef inline bint is_read_elsewhere(const Message *message, const Match *found) noexcept nogil:
    """Whether a message is a datagram that its own service, if there is one, cannot read."""
    if message.role >= QUOTED_ROLE or message.role in (FRAGMENT, OTHER) or found.count:
        return False
    return message.service == GENERIC_UDP or message.role % ROLES == MALFORMED


cdef inline int64_t write_readings(Scan *s, Octets payload) noexcept nogil:
    """What a datagram would be as a reply of other services, which may have come from another port; how many words.

    For each such service a word, its number, the kind and how many keys follow, and the keys.
    """
    cdef Match other
    cdef int64_t number, at, words = 0
    cdef int64_t *pool = &s.pool[s.state.keys]
    cdef uint8_t reader
    if payload.captured == 0:
        return 0
    for number in range(s.services.reader_count):
        reader = s.services.readers[number]
        begin(&other)
        if s.services.match[reader](payload, &other) != REPLY or words + 1 + other.count > MAX_READINGS:
            continue
        pool[words] = reader | <int64_t>other.kind << 8 | <int64_t>other.count << 16
        for at in range(other.count):
            pool[words + 1 + at] = other.keys[at] & 0x7FFFFFFFFFFFFFFFULL
        words += 1 + other.count
    return words


cdef inline int64_t find(
    Octets octets, const Scan *s, int64_t before, const int64_t *wanted, int64_t count, Record *found
) noexcept nogil:
    """Walk records to the frames that are wanted, by ascending number, and note where they are; how many there were."""
    cdef int64_t number = before, done = 0
    while done < count and next_record(s, octets, &found[done]) == READY:
        s.state.offset = found[done].next
        number += 1
        if number == wanted[done]:
            done += 1
    return done
