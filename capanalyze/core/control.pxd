"""Controls: what shows that a service listened, so that its silence at another time is the filter's work.

A control is a request of the same kind that was answered, over the same family and from the same zone, in whatever
mode; or a datagram that the service itself sent under the same mode.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

from capanalyze.core.message cimport is_ipv4
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport INWARD, OUTWARD, REPLIED, UNSOLICITED, Narrow, Wide
from capanalyze.core.services cimport TCP_SERVICE
from capanalyze.core.setting cimport (
    ANY_MODE, CONTROL_ROOM, CONTROLS_OF_KIND, MAX_CONTROLS, NO_KIND, SENT_ITSELF, Control, Judging, Proof,
)


cdef inline void note_control(Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Note a judged row that is a control of others, while there is room."""
    if narrow.direction == INWARD and narrow.outcome == REPLIED:
        note_proof(j, wide, narrow, ANY_MODE, kind_of(narrow))
    elif narrow.direction == OUTWARD and is_of_service(narrow):
        note_proof(j, wide, narrow, narrow.mode, SENT_ITSELF)


cdef inline bint has_control(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Whether something shows that the service of a judged row listened."""
    if control_at(j, wide, narrow, ANY_MODE, kind_of(narrow)).proof[0].taken:
        return True
    return control_at(j, wide, narrow, narrow.mode, SENT_ITSELF).proof[0].taken


cdef inline int32_t kind_of(const Narrow *narrow) noexcept nogil:
    """The kind of a request, where a module read it."""
    return narrow.kind if narrow.module > TCP_SERVICE else NO_KIND


cdef inline bint is_of_service(const Narrow *narrow) noexcept nogil:
    """Whether the target's own message is from the port that its service listens on: something has bound that."""
    if narrow.outcome == UNSOLICITED:
        return True
    return narrow.service != TCP_SERVICE and narrow.client_port >= 0 and narrow.client_port == narrow.server_port


cdef inline void note_proof(
    Judging *j, const Wide *wide, const Narrow *narrow, int32_t mode, int32_t kind
) noexcept nogil:
    """Keep the first exchange of each of the first two modes: what is kept does not depend on the order of rows."""
    cdef Control *control = control_at(j, wide, narrow, mode, kind)
    cdef Proof proof = Proof(wide.clock, wide.request, wide.reply, narrow.mode, True)
    cdef Proof other
    cdef int at
    if not control.proof[0].taken:
        if j.control_count == MAX_CONTROLS:
            return
        j.control_count += 1
        control.mode, control.kind, control.zone = mode, kind, narrow.zone
        control.service, control.port = narrow.service, port_of_service(narrow)
        control.over_ipv6 = not is_ipv4(&wide.client)
    for at in range(CONTROLS_OF_KIND):
        if not control.proof[at].taken:
            control.proof[at] = proof
            return
        if control.proof[at].mode == proof.mode:
            if is_earlier(&proof, &control.proof[at]):
                control.proof[at] = proof
            return
        if proof.mode < control.proof[at].mode:
            other = control.proof[at]
            control.proof[at] = proof
            proof = other


cdef inline bint is_earlier(const Proof *one, const Proof *other) noexcept nogil:
    """Whether an exchange began before another one."""
    return one.clock < other.clock or (one.clock == other.clock and one.request < other.request)


cdef inline int32_t port_of_service(const Narrow *narrow) noexcept nogil:
    """The port that tells a service from others of its module; 0 where the module serves but one."""
    return narrow.port if narrow.service <= TCP_SERVICE else 0


cdef inline Control *control_at(
    const Judging *j, const Wide *wide, const Narrow *narrow, int32_t mode, int32_t kind
) noexcept nogil:
    """Where controls of a row's service are noted, or may be."""
    cdef bint over_ipv6 = not is_ipv4(&wide.client)
    cdef int32_t port = port_of_service(narrow)
    cdef uint64_t key = mix(mix(<uint64_t>narrow.zone << 32 ^ narrow.service, port), <uint64_t>mode << 32 ^ <uint64_t>kind)
    cdef uint64_t place = mix(key, over_ipv6)
    cdef Control *control = &j.controls[place % CONTROL_ROOM]
    while control.proof[0].taken:
        if (
            control.mode == mode and control.kind == kind and control.zone == narrow.zone
            and control.service == narrow.service and control.port == port and control.over_ipv6 == over_ipv6
        ):
            break
        place += 1
        control = &j.controls[place % CONTROL_ROOM]
    return control
