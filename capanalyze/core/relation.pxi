# What messages and exchanges tell of hosts, as Python sees it.


cdef class Alike:
    """Different rows of numbers, and how often each was met: `core.pyi` has what it is asked."""
    cdef Relation relation
    cdef Room rows, heads

    def __cinit__(self, int width, size_t room, int frames=0):
        if not 0 < width <= MOST_COLUMNS:
            raise ValueError(f"{width} columns")
        if not 0 <= frames <= MOST_FRAMES:
            raise ValueError(f"{frames} frames")
        self.rows = Room(room, (width + 1 + frames) * sizeof(int64_t))
        self.relation.width, self.relation.room, self.relation.frames = width, room, frames
        self.relation.rows = <int64_t *>self.rows.first

    cdef Relation *indexed(self) except NULL:
        """The relation, with an index."""
        cdef Relation *relation = &self.relation
        cdef size_t places = 2
        if relation.heads == NULL:
            while <int64_t>places < 2 * relation.room + 2:
                places *= 2
            self.heads = Room(places, sizeof(uint32_t))
            relation.heads, relation.mask = <uint32_t *>self.heads.first, places - 1
            fill_index(relation)
        return relation

    def __len__(self):
        return self.relation.used

    def row(self, int64_t number):
        """A row, and how often it was met."""
        if not 0 <= number < self.relation.used:
            raise IndexError(number)
        cdef int64_t *first = row_of(&self.relation, number)
        return tuple([first[at] for at in range(self.relation.width + 1)])

    def frames(self, int64_t number):
        """The first frames that a row was met in, as far as they are kept."""
        if not 0 <= number < self.relation.used:
            raise IndexError(number)
        cdef int64_t *first = row_of(&self.relation, number) + self.relation.width + 1
        return tuple([first[at] for at in range(self.relation.frames) if first[at]])

    def __iter__(self):
        return map(self.row, range(self.relation.used))

    def times(self, tuple row not None):
        """How often a row was met."""
        cdef int64_t[MOST_COLUMNS] wanted
        self.check(len(row) == self.relation.width)
        for at in range(self.relation.width):
            wanted[<int>at] = row[at]
        cdef uint32_t number = find_row(self.indexed(), wanted)[0]
        return row_of(&self.relation, number - 1)[self.relation.width] if number else 0

    def take_messages(self, messages, size_t count, bytes loopback not None):
        """Count what messages tell."""
        cdef Held held = Held(messages), where = Held(loopback)
        cdef const Message *message = <const Message *>held.at_least(count * sizeof(Message))
        cdef const uint8_t *is_loopback = <const uint8_t *>where.at_least(0)
        cdef size_t number
        cdef int64_t place
        cdef Relation *relation = self.indexed()
        self.check(relation.width == COLUMNS_OF_MESSAGE)
        for number in range(count):
            place = message[number].interface
            note_message(relation, &message[number], 0 <= place < where.buffer.len and is_loopback[place])

    def take_exchanges(self, Alike times not None, wide, narrow, size_t start, size_t stop):
        """Count what exchanges tell."""
        cdef HeldRows rows = HeldRows(wide, narrow, start, stop, False)
        cdef int64_t number
        cdef Relation *relation = self.indexed()
        cdef Relation *of_times = times.indexed()
        self.check(relation.width == COLUMNS_OF_EXCHANGE and of_times.width == COLUMNS_OF_TIME)
        for number in range(rows.count):
            note_exchange(relation, of_times, &rows.wide[number], &rows.narrow[number])

    def add(self, Alike other not None, tuple columns not None, bint each_once=False):
        """Count what columns of another relation hold."""
        cdef Picked which = self.columns(other, columns)
        self.check(self.relation.width == which.count)
        add_columns(self.indexed(), &other.relation, &which, each_once)

    def where(self, tuple columns not None, values not None, bint equal=True):
        """The rows that hold one of some values in some columns, or those that do not."""
        cdef Alike found = Alike(self.relation.width, self.relation.used, self.relation.frames)
        cdef Picked which = self.columns(self, columns)
        cdef Room wanted = Room(len(values), which.count * sizeof(int64_t))
        cdef int64_t *value = <int64_t *>wanted.first
        for one in values:
            self.check(len(one) == which.count)
            for at in range(which.count):
                value[0] = one[at]
                value += 1
        add_equal(&found.relation, &self.relation, &which, <int64_t *>wanted.first, len(values), equal)
        return self if found.relation.used == self.relation.used else found

    def first(self, tuple columns not None, int64_t most):
        """So many rows for each value of some columns."""
        cdef Picked which = self.columns(self, columns)
        cdef Alike found = Alike(self.relation.width, self.relation.used, self.relation.frames)
        cdef Alike alike = Alike(which.count, self.relation.used)
        add_first(&found.relation, &self.relation, alike.indexed(), &which, most)
        return found

    cdef Picked columns(self, Alike of, tuple columns):
        cdef Picked which
        self.check(0 < len(columns) <= MOST_COLUMNS and all([0 <= at < of.relation.width for at in columns]))
        which.count = len(columns)
        for number in range(which.count):
            which.at[<int>number] = columns[number]
        return which

    cdef check(self, bint is_so):
        if not is_so:
            raise ValueError("a relation does not have these columns")


cdef class Handshakes:
    """How TCP handshakes took their time: `core.pyi` has what it is asked."""
    cdef Open open
    cdef Room rows
    cdef readonly Alike done

    def __cinit__(self):
        self.rows = Room(OPEN_AT_ONCE, sizeof(Handshake))
        self.open.handshakes = <Handshake *>self.rows.first
        self.done = Alike(COLUMNS_OF_HANDSHAKE, DONE_AT_MOST, MOST_FRAMES)

    def take(self, messages, size_t count):
        """Look at messages that were dated, in their order."""
        cdef Held held = Held(messages)
        cdef const Message *message = <const Message *>held.at_least(count * sizeof(Message))
        cdef Relation *done = self.done.indexed()
        cdef size_t number
        for number in range(count):
            note_segment(&self.open, done, &message[number])
