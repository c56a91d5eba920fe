"""A settled exchange as pairing hands it on: judging fills in the last fields, summing up and writing read it.

Two structs, in the order and width of the words that `exchanges.row` numbers: a wide one and a narrow one.
"""

from libc.stdint cimport int32_t, int64_t

from capanalyze.core.message cimport Address

cdef enum:
    CAPTURE_SHIFT = 40  # a frame as one number: capture << 40 | frame


cdef struct Wide:
    int64_t clock  # of the first request, nanoseconds, never running back; of the message itself where nobody asked
    int64_t asked  # clock of the last request
    int64_t seconds  # time stamp of the first frame; NO_TIME or more where it has none
    Address client
    Address server  # who answered; while nobody has, who was asked
    Address wanted  # who was asked, a group perhaps
    int64_t mac  # of the asker, -1 where the link has none
    int64_t request  # the first request; 0 for none
    int64_t reply  # the first frame that came back, likewise
    int64_t rtt  # nanoseconds from the first request to the first frame of the outcome, -1 for none
    int64_t reply_octets  # payload of all replies
    int64_t reply_at  # offset of the first reply's payload in its (unpacked) capture, -1 for none
    int64_t reply_frame  # its frame, which is not the first that came back where an ICMP error came before
    Address reply_to  # where the first reply went, if not to the endpoint that asked; else zeros
    int64_t request_at  # offset of the first request's payload in its (unpacked) capture, -1 unless all of it is there


cdef struct Narrow:
    int32_t nanos  # of the time stamp
    int32_t place  # index of the interface, in the group's list of places
    int32_t module  # number of the service that pairs it
    int32_t service  # number of the service whose name it bears
    int32_t port  # the service's port; -1 where it has none
    int32_t client_port  # -1 where the transport has none
    int32_t server_port
    int32_t request_octets  # payload of the first request
    int32_t reply_captured  # captured octets of the first reply's payload
    int32_t outcome
    int32_t reason
    int32_t kind  # of the request, as its service numbers it
    int32_t flags
    int32_t requests  # the further requests: first and last index in the links, 0 for none
    int32_t requests_last
    int32_t replies  # the further frames that came back
    int32_t replies_last
    int32_t retransmissions
    int32_t direction
    int32_t mode  # -1 for none
    int32_t zone
    int32_t verdict  # 0 for none
    int32_t ttl  # of the first request; hop limit in IPv6
    int32_t variant  # hash of what requests of its kind must agree in to be compared, 0 for nothing
    int32_t reply_to_port
    int32_t reply_copies  # further sights of what came back, which are among the replies


cdef struct Link:  # of a list of frames; place 0 stands for none
    int64_t frame
    int64_t next


cdef enum:  # flags
    WEAK_PAIRING = 1
    GROUP = 2  # the request went to a multicast or broadcast address
    UNANSWERABLE_REQUEST = 4
    MAY_ANNOUNCE = 8
    ANSWERED = 16
    SPOKEN = 32  # a connection that was used, or taken back; a conversation that went on before any answer
    CONVERSATION = 64  # one exchange per five-tuple: what follows the first answer is counted
    KNOWING = 128  # it lists answers that it knows
    ECHOED = 256  # the reply repeats the request
    KEYLESS = 512  # no key tells the request from others of its endpoints
    TAKEN = 1024  # some host answered what went to a group
    FORGOTTEN = 2048  # let go before its window was over, for want of room
    UNPROVEN = 4096  # silent, and that proves nothing
    UNSETTLED = 8192  # silent, but its capture ended before the window did
    MULTICAST = 16384  # some host answered it to the group

cdef enum:  # outcomes
    REPLIED
    REJECTED
    SILENT
    INDETERMINATE
    UNSOLICITED

cdef enum:  # directions
    NOWHERE
    INWARD
    OUTWARD
    LOCAL
    PASSING

cdef enum:  # reasons: the kind of message as the exchange's service numbers it, perhaps with why it draws no reply; then
    # words, then flags
    TO_NO_REPLY = 16
    TO_A_GROUP = 32
    FROM_BEYOND = 48
    SAID_DATAGRAM = 64
    SAID_RESET
    SAID_ACCEPTED_THEN_RESET
    SAID_NOT_CAPTURED
    SAID_MID_FLOW
    SAID_CUT
    SAID_OTHER_PORT
    SAID_ENDED
    SAID_FORGOTTEN
    SAID_ACCEPTED_THEN_CLOSED
    SAID_OTHER_ADDRESS
    SAID_SOMETHING_ELSE
    SAID_ONE_WAY = 128  # plus the number of its row in `silence.ONE_WAY`, from 1
    SAID_ICMPV4 = 256  # plus the code of a destination unreachable (type 3)
    SAID_ICMPV6 = 512  # plus the code of a destination unreachable (type 1)
    LATE = 1024
    PORT_CHANGED = 2048
    ADDRESS_CHANGED = 4096
