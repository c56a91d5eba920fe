"""What exchanges are summed up in, and what is kept of them. Place 0 of every table stands for none."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport Address, flag
from capanalyze.core.neighbours cimport Neighbour
from capanalyze.core.row cimport Link, Narrow, Wide

cdef enum:
    CLASSES = 5
    FAMILIES = 2
    REACHES = 4
    MOST_BITS = 64  # places and captures that have a bit of their own in a cell
    FIRSTS = 6  # exemplars that are the first ones; then the slowest, then the last
    SLOWEST_ONE = 6
    LAST_ONE = 7
    EXEMPLARS = 8
    LISTED = 1024  # frames that are kept of a list beside its first
    MAX_WAITING = 512  # exchanges of a finding that are kept in order before any is added to what is shown of it
    MOST_KINDS = 32  # of request, as a service numbers them
    MOST_BINS = 240
    LEAST_LEVEL = 10
    STEPS_OF_OCTAVE = 32
    OCTAVES = 40
    STEPS = 1280
    FIRST_DECODED = 64  # replies of a finding that are decoded: the first ones, then each whose number is a power of 2
    MAX_DECODED = 96
    CHANGES_OF_CELL = 100
    CHANGES_OF_CLOSED = 10  # of a port that has not replied so far
    SENT_KINDS = 3
    DRAWN = 3  # what a port drew when its detail was made: a reply, a rejection, nothing
    MAX_SENT = 4096  # messages of a service and kind, a power of two

cdef enum:  # classes of exchanges, worst first: the first four are outcomes
    NOT_PROVEN = 4

cdef enum:  # what a cell counts
    SERVICE  # inbound exchanges of a service
    UNASKED  # what the target told unasked
    FURTHER  # inbound exchanges of ports that are too many to be told apart
    JOINED  # nothing any more: its exchanges are counted in one of those

cdef enum:  # what the target sends as a service, as in `circumstances.Between`
    SENT_OWN
    SENT_KISS
    SENT_ERROR


cdef struct Row:  # an exchange; `wide` is NULL for none
    const Wide *wide
    const Narrow *narrow
    const Link *links
    int64_t link_count
    uint32_t number  # under which it is kept to the end, 0 where it is not


cdef struct Which:  # what a cell is told from others by
    int32_t mode  # -1 for none
    int32_t zone
    int32_t service
    int32_t port  # 0 where the service has a module of its own
    int32_t sort


cdef struct Said:  # why exchanges are what they are
    int32_t kind  # their class
    int32_t module
    int32_t reason


cdef struct Cell:  # exchanges of a mode, a zone and a service
    Which which
    int64_t[CLASSES] counts
    int64_t[CLASSES] over_ipv6
    int64_t resent
    int64_t asked_octets  # payload of the requests that drew replies
    int64_t told_octets  # and of the replies
    int64_t told_frames
    int64_t[REACHES] reached  # requests that drew replies, by where they came from
    int64_t timed  # round-trip times
    int64_t fastest
    int64_t slowest
    uint64_t places  # a bit for each of the first, as far as they were met
    uint64_t captures
    uint32_t detail
    uint32_t joined  # of a port, the cell that its exchanges are counted in instead, or may be in the end
    int32_t[DRAWN] detailed  # of further ports, how many like these have a detail of their own
    int64_t changes  # all of them
    int64_t uncompared  # exchanges that were settled too late to tell what came before and after them
    int32_t port_seen  # of the server in the first row
    int64_t port_clock
    flag uncounted  # its ports are more than were counted
    int64_t further  # ports that were joined into it
    Said usual  # why its first exchange is what it is
    int64_t usual_number  # and how many others; all further reasons are on their own


cdef struct Reason:
    uint32_t cell
    Said said
    int64_t number


cdef struct Detail:  # what a finding shows beside its counts
    uint32_t cell
    uint32_t first_waiting  # exchanges in the order of their clocks, until they are too many
    uint32_t last_waiting
    int32_t waiting
    flag is_full  # they were too many: all are added as they come
    int32_t worst  # the worst class so far; its exemplars are those that are kept
    int32_t filled  # how many of the first ones there are
    uint32_t[EXEMPLARS] kept
    Row last  # until the batch ends
    int64_t last_clock
    Row slow
    int64_t slow_time  # -1 for none
    int64_t slow_clock
    flag touched
    uint32_t bins
    uint32_t asked
    uint32_t spread


cdef struct Bins:  # exchanges over time
    int64_t first  # the number of the first bin since 1970
    int32_t level  # a bin is 2 to this nanoseconds wide
    int64_t number  # of exchanges with a time
    int64_t[MOST_BINS][CLASSES] counts


cdef struct Asked:  # what requests of a kind drew
    int64_t exchanges
    int64_t replied
    int64_t[FAMILIES] silent  # over IPv4 and IPv6
    int64_t asked_octets
    int64_t told_octets
    int64_t told_frames
    int64_t clock  # of the first that drew a reply
    int64_t request  # its frame
    int64_t reply  # and the first that came back


cdef struct Kinds:
    Asked[MOST_KINDS] of_kind


cdef struct Payload:  # where a reply's payload is, and that of its request
    int64_t frame
    int64_t offset
    int64_t size
    int64_t asked  # the request's frame
    int64_t asked_at  # -1 for none
    int64_t asked_size


cdef struct Spread:
    int64_t[STEPS] times  # round trips, by size
    int64_t told  # replies that can be decoded
    int64_t chosen  # how many of them will be
    Payload[MAX_DECODED] payloads


cdef struct Turn:  # exchanges of a finding, a server and a kind of request: a run of one outcome, and what came before
    uint32_t detail
    Address server
    int64_t kind
    int32_t outcome  # of the run, -1 for none
    int32_t before  # that of the run before
    int64_t since  # clock of the run's first exchange
    int64_t until  # and of its last
    int64_t length  # exchanges of the run
    uint32_t change  # that it began with
    uint32_t first  # its first row
    uint32_t last  # its last row, but for those of the batch
    Row now  # the last of the batch, until that ends


cdef struct Change:
    uint32_t cell
    uint32_t turn
    int32_t before
    int32_t after
    int64_t length_before  # exchanges of the run before
    int64_t length_after  # and of the one that it begins
    int64_t[SENT_KINDS] sent  # what the target sent in between: a frame of each kind, 0 for none
    uint32_t last  # the exchange before
    uint32_t first  # and the one after


cdef struct Sent:
    int64_t clock
    int64_t frame


cdef struct SentList:  # the last ones in the order of their clocks, in a ring
    int64_t count
    Sent[MAX_SENT] ring


cdef struct Met:  # an interface of a zone, or a capture of a cell
    flag is_capture
    uint32_t where
    int32_t number


cdef struct Host:  # a client
    Neighbour who
    int32_t reach  # from where the nearest of its requests came


cdef struct Origin:  # answered requests of a host in a cell; those that came from the link are counted there at once
    uint32_t cell
    uint32_t host
    int64_t number


cdef struct Kept:  # rows that are kept, with the links of their lists of frames
    Wide *wides
    Narrow *narrows
    Link *links
    uint32_t *next  # of those that wait, or that are free
    uint32_t *previous
    int64_t rows  # used
    int64_t row_room
    int64_t link_count
    int64_t link_room
    int64_t free_link
    uint32_t free_row


cdef struct Table:  # how many of a kind of record are used, and how many fit
    int64_t used
    int64_t room


cdef struct Sums:
    Kept kept
    Cell *cells
    Table cell
    uint32_t *cell_heads  # an index: hash of what tells a cell → its number
    uint64_t cell_mask
    Reason *reasons
    Table reason
    uint32_t *reason_heads
    uint64_t reason_mask
    Detail *details
    Table detail
    Bins *bins
    Table bin
    Kinds *kinds
    Table kind
    Spread *spreads
    Table spread
    Turn *turns
    Table turn
    uint32_t *turn_heads
    uint64_t turn_mask
    Change *changes
    Table change
    int32_t *touched  # details with a row that is not kept yet, and turns, whose numbers are below 0
    int64_t touched_count
    const uint8_t *always  # for each UDP port and then each TCP port whether it has a detail in any case
    SentList *sent  # for each service one of each kind
    int64_t services
    Met *met
    Table meeting
    uint32_t *met_heads
    uint64_t met_mask
    Host *hosts
    Table host
    uint32_t *host_heads
    uint64_t host_mask
    Origin *origins
    Table origin
    uint32_t *origin_heads
    uint64_t origin_mask
    int64_t untold  # answered requests of too many hosts to tell from where they came
    int64_t waiting
    int64_t waiting_room
    int32_t[DRAWN] most_detailed  # ports of a mode, a zone and a transport that have a detail, by what they drew
    int64_t ports  # all that have one
    int64_t port_room
    flag crowded  # and they are too many
    int64_t unplaced  # exchanges outside of every mode's time
    int64_t lost  # reasons, turns and changes that there was no room for
    int64_t left_out  # and exchanges, of too many services
    int64_t[5] directions  # exchanges by direction
    int32_t ntp  # the service whose kiss-o'-death limits its clients
