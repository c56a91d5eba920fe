# Rows on their way out: as lines of text, and as columns.


REASON_SPAN = <int>REASONS_OF_A_SERVICE


cdef class Batch:
    """Settled exchanges as Python hands them on, for as long as they are read."""
    cdef Held wide, narrow, links
    cdef Rows rows

    def __cinit__(self, wide, narrow, links, int64_t count):
        self.wide, self.narrow, self.links = Held(wide), Held(narrow), Held(links)
        self.rows.wide = <const Wide *>self.wide.at_least(count * sizeof(Wide))
        self.rows.narrow = <const Narrow *>self.narrow.at_least(count * sizeof(Narrow))
        self.rows.links = <const Link *>self.links.at_least(0)
        self.rows.link_count = self.links.buffer.len // sizeof(Link)


def write_rows(wide, narrow, links, int64_t start, int64_t stop, vocabulary, text, ends, reasons, into):
    """Write rows as lines: the first that was not written, why, and how many octets there are."""
    cdef Batch batch = Batch(wide, narrow, links, stop)
    cdef Held words = Held(vocabulary), pieces = Held(text), borders = Held(ends), said = Held(reasons)
    cdef Held out = Held(into, True)
    cdef Page p
    cdef WhyNotWritten why
    p.rows = batch.rows
    p.words = <const Vocabulary *>words.at_least(sizeof(Vocabulary))
    p.text, p.ends = <const uint8_t *>pieces.at_least(0), <const int64_t *>borders.at_least(sizeof(int64_t))
    p.reasons = <const int32_t *>said.at_least(p.words.transports.count * REASONS_OF_A_SERVICE * sizeof(int32_t))
    p.begin = p.at = <uint8_t *>out.at_least(0)
    p.end = p.begin + out.buffer.len
    with nogil:
        start = write_lines(&p, start, stop, &why)
    return start, <int>why, p.at - p.begin


cdef class Group:
    """Rows spread over columns.

    Args:
        modules: how many services there are.
        room: rows that there is room for.
        frames: that there is room for, of requests and of replies.
    """
    cdef Columns columns
    cdef dict held

    def __cinit__(self, int64_t modules, int64_t room, int64_t frames):
        cdef Columns *c = &self.columns
        self.held = {}
        c.modules, c.room = modules, room
        self.make_words(c, room)
        c.rtt = <int64_t *>self.make("rtt_us", room * sizeof(int64_t))
        c.request_octets = <int64_t *>self.make("request_octets", room * sizeof(int64_t))
        c.reply_octets = <int64_t *>self.make("reply_octets", room * sizeof(int64_t))
        self.make_text(&c.client, "client", room, HOST_ROOM)
        self.make_text(&c.server, "server", room, HOST_ROOM)
        self.make_text(&c.time, "time", room, TIME_ROOM)
        self.make_text(&c.reply_to, "reply_to", room, ENDPOINT_ROOM)
        self.make_text(&c.reply_from, "reply_from", room, ENDPOINT_ROOM)
        c.requests.ends = <int32_t *>self.make("requests ends", (room + 1) * sizeof(int32_t))
        c.replies.ends = <int32_t *>self.make("replies ends", (room + 1) * sizeof(int32_t))
        self.make_lists(frames)

    cdef make_words(self, Columns *c, int64_t room):
        """Room for codes, and for what they stand for."""
        cdef int64_t size = room * sizeof(int32_t)
        c.capture, c.service = <int32_t *>self.make("capture", size), <int32_t *>self.make("service", size)
        c.transport, c.outcome = <int32_t *>self.make("transport", size), <int32_t *>self.make("outcome", size)
        c.reason, c.pairing = <int32_t *>self.make("reason", size), <int32_t *>self.make("pairing", size)
        c.direction, c.mode = <int32_t *>self.make("direction", size), <int32_t *>self.make("mode", size)
        c.zone, c.verdict = <int32_t *>self.make("zone", size), <int32_t *>self.make("verdict", size)
        c.reply_capture = <int32_t *>self.make("reply_capture", size)
        c.client_port = <int32_t *>self.make("client_port", size)
        c.server_port = <int32_t *>self.make("server_port", size)
        self.make_met(&c.services, "services", room, FIRST_OTHER + c.modules)
        self.make_met(&c.reasons, "reasons", room, c.modules * REASONS_OF_A_SERVICE)

    cdef make_met(self, Vocable *met, str name, int64_t room, int64_t keys):
        met.codes = <int32_t *>self.make(name + " codes", keys * sizeof(int32_t))
        met.keys = <int64_t *>self.make(name + " keys", room * sizeof(int64_t))

    cdef make_text(self, Text *text, str name, int64_t room, int64_t octets):
        text.ends = <int32_t *>self.make(name + " ends", (room + 1) * sizeof(int32_t))
        text.octets = <uint8_t *>self.make(name, room * octets)

    cdef void *make(self, str name, int64_t octets) except NULL:
        """A column of zeros."""
        cdef Held held = Held(bytearray(octets), True)
        self.held[name] = held
        return held.at_least(0)

    def make_lists(self, int64_t frames):
        """Room for so many frames of requests, and of replies; there are no rows yet."""
        cdef Columns *c = &self.columns
        c.requests.frames = <int64_t *>self.make("requests", frames * sizeof(int64_t))
        c.replies.frames = <int64_t *>self.make("replies", frames * sizeof(int64_t))
        c.requests.room = c.replies.room = frames

    def add(self, wide, narrow, links, int64_t start, int64_t stop, bint zoned):
        """Add rows: the first that was not added, which is `stop` where all were."""
        cdef Batch batch = Batch(wide, narrow, links, stop)
        cdef WhyNotAdded why
        self.columns.zoned = zoned
        with nogil:
            start = fill(&self.columns, &batch.rows, start, stop, &why)
        if why == ODD:
            raise ValueError(f"row {start} of a batch is no exchange")
        return start

    def clear(self):
        """Begin anew."""
        forget(&self.columns.services)
        forget(&self.columns.reasons)
        self.columns.rows = 0

    @property
    def rows(self):
        return self.columns.rows

    @property
    def services(self):
        cdef Vocable *met = &self.columns.services
        return [service_of(met.keys[code]) for code in range(met.count)]

    @property
    def reasons(self):
        cdef Vocable *met = &self.columns.reasons
        return [divmod(met.keys[code], REASON_SPAN) for code in range(met.count)]

    def octets(self, str name not None):
        """What a column holds, all that there is room for; ` ends` behind the name are the ends of its rows."""
        cdef Held held = self.held[name]
        return memoryview(<object>held.buffer.obj)


cdef service_of(int64_t key):
    """The service and the port that a key stands for; -1 for no port."""
    if key >= FIRST_OTHER:
        return key - FIRST_OTHER, -1
    return key // PORT_SPAN, key % PORT_SPAN - 1


def words_column(codes, int64_t count, meaning, into, bits):
    """Put the index of a word in the place of each code: how many have none."""
    cdef Held given = Held(codes), table = Held(meaning), out = Held(into, True), there = Held(bits, True)
    return recode(
        <const int32_t *>given.at_least(count * sizeof(int32_t)), count, <const int32_t *>table.at_least(0),
        table.buffer.len // sizeof(int32_t), <int32_t *>out.at_least(count * sizeof(int32_t)), bits_of(there, count),
    )


def ports_column(ports, int64_t count, bits):
    """Note which ports there are: how many are not."""
    cdef Held given = Held(ports), there = Held(bits, True)
    return note_ports(<const int32_t *>given.at_least(count * sizeof(int32_t)), count, bits_of(there, count))


def text_column(ends, int64_t count, bits):
    """Note which texts take octets: how many take none."""
    cdef Held given = Held(ends), there = Held(bits, True)
    return note_text(<const int32_t *>given.at_least((count + 1) * sizeof(int32_t)), count, bits_of(there, count))


def micros_column(nanos, int64_t count, into, bits):
    """Nanoseconds as microseconds: how many are none, and the most nanoseconds."""
    cdef Held given = Held(nanos), out = Held(into, True), there = Held(bits, True)
    cdef int64_t most = -1, nulls = micros_of(
        <const int64_t *>given.at_least(count * sizeof(int64_t)), count,
        <double *>out.at_least(count * sizeof(double)), bits_of(there, count), &most,
    )
    return nulls, most


cdef uint8_t *bits_of(Held bits, int64_t count) except NULL:
    return <uint8_t *>bits.at_least((count + 7) // 8)
