"""What judging is told: modes and their promises, captures, zones, the target; and which services it saw answer."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from capanalyze.core.message cimport Address, flag
from capanalyze.core.services cimport MAX_SERVICES

cdef enum:
    PORTS = 65536
    ANSWER_ROOM = 65536  # a power of two
    MAX_ANSWERS = 49152  # further services are not noted: their last silences stay uncertain
    CONTROL_ROOM = 65536  # a power of two
    MAX_CONTROLS = 49152  # further ones are not noted: the silence of their services stays mere silence
    CONTROLS_OF_KIND = 2  # modes
    ANY_MODE = -2  # what was answered shows that something listened, whatever the mode
    NO_KIND = -1  # no module read the request
    SENT_ITSELF = -2


cdef struct Mode:  # the first is that of no mode
    flag stealth  # a rejection shows the host
    flag opens  # any port may answer
    flag is_cut  # frames of its captures are cut
    flag[MAX_SERVICES] answers  # services with a module of their own that may answer
    const uint8_t *ports  # for each UDP port and then each TCP port whether it may answer; NULL where `opens` tells


cdef struct Segment:  # a stretch of a capture under one mode; NO_TIME either way where it is open
    int64_t since_seconds
    int64_t until_seconds
    int32_t since_nanos
    int32_t until_nanos
    int32_t mode


cdef struct Capture:
    int64_t first_segment
    int64_t segments
    int64_t last  # its last clock
    flag one_sided  # it holds what rules logged, not all that passed
    flag cut  # replies may be hidden by the snap length


cdef struct Place:
    int32_t given  # the zone that its label is given, -1 for none
    int32_t own  # the zone where nothing else tells


cdef struct Network:  # no address of the other version is in it
    Address address
    Address mask
    flag is_ipv4
    int32_t zone


cdef struct Module:
    int64_t window
    flag silence_proves
    flag answers_its_link  # and nobody beyond it


cdef struct Span:  # clocks that a mode's captures cover
    int64_t first
    int64_t last
    int32_t mode


cdef struct Answered:  # a service that answered a request
    Address server
    int64_t clock  # when the last such request was made
    int32_t mode
    int32_t place
    int32_t service
    int32_t port
    flag taken


cdef struct Proof:  # an exchange
    int64_t clock
    int64_t request  # its first request; 0 for none
    int64_t reply  # and the first frame that came back, likewise
    int32_t mode
    flag taken


cdef struct Control:  # what shows that a service listened: of each of the first modes the first
    Proof[CONTROLS_OF_KIND] proof
    int32_t mode  # the mode that it holds for, or ANY_MODE
    int32_t kind  # of the requests, NO_KIND or SENT_ITSELF
    int32_t zone
    int32_t service
    int32_t port  # 0 where the service has a module of its own
    flag over_ipv6


cdef struct Judging:
    const Address *own  # the target's addresses
    const Mode *modes
    const Segment *segments
    const Capture *captures
    const Place *places
    const Network *networks
    const Module *modules
    const Span *covered
    const uint8_t *one_way  # for each UDP port the number of its row in `silence.ONE_WAY`, from 1; 0 for none
    int64_t own_count
    int64_t mode_count
    int64_t segment_count
    int64_t capture_count
    int64_t place_count
    int64_t network_count
    int64_t module_count
    int64_t covered_count
    Answered *answers
    int64_t answer_count
    Control *controls
    int64_t control_count
