"""The stages of judging: `judge` says all that a row tells by itself, `settle` tells silence from not knowing.

A row whose window was not over when its capture ended is flagged UNSETTLED by `judge`. `settle` takes it for
silent where the mode's captures cover the window or a later request was answered (`note_answers`), else for
indeterminate.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, octets_of
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import (
    ASKED,
    CLIENT,
    CLIENT_LOW,
    CLOCK,
    DIRECTION,
    DOUBTED,
    FLAGS,
    FORGOTTEN,
    GROUP,
    INDETERMINATE,
    INWARD,
    LOCAL,
    MODE,
    MODULE,
    NANOS,
    NARROW,
    NOWHERE,
    OUTCOME,
    OUTWARD,
    PASSING,
    PLACE,
    PORT,
    REASON,
    REPLIED,
    REPLY,
    REQUEST,
    SAID_CUT,
    SAID_ENDED,
    SAID_FORGOTTEN,
    SAID_OTHER_PORT,
    SECONDS,
    SERVER,
    SERVER_LOW,
    SERVICE,
    SILENT,
    UNANSWERABLE_REQUEST,
    UNPROVEN,
    UNSETTLED,
    UNSOLICITED,
    VERDICT,
    WANTED,
    WANTED_LOW,
    WIDE,
    ZONE,
)
from capanalyze.judging.layout import (
    ANSWER_CLOCK,
    ANSWER_COUNT,
    ANSWER_FIELDS,
    ANSWER_HIGH,
    ANSWER_KEY,
    ANSWER_LOW,
    ANSWER_MASK,
    ANSWERS,
    BY_TIME,
    CAPTURE_CUT,
    CAPTURE_FIELDS,
    CAPTURE_MODE,
    CAPTURES,
    COVERED,
    COVERED_COUNT,
    COVERED_FIELDS,
    COVERED_FROM,
    COVERED_MODE,
    COVERED_TO,
    FIRST_SEGMENT,
    GIVEN_ZONE,
    IS_CUT,
    IS_IPV4,
    LAST_CLOCK,
    MASK_HIGH,
    MASK_LOW,
    MAX_ANSWERS,
    MODE_FIELDS,
    MODES,
    MODULE_BITS,
    MODULE_FIELDS,
    MODULES,
    NARROWS,
    NETWORK_COUNT,
    NETWORK_FIELDS,
    NETWORK_HIGH,
    NETWORK_LOW,
    NETWORK_ZONE,
    NETWORKS,
    NEVER,
    ONE_SIDED,
    OPEN,
    OWN,
    OWN_COUNT,
    OWN_ZONE,
    PLACE_FIELDS,
    PLACES,
    PORT_TABLE,
    PROMISES,
    ROWS,
    SEGMENT_COUNT,
    SEGMENT_FIELDS,
    SEGMENT_MODE,
    SEGMENTS,
    SILENCE_PROVES,
    SINCE_NANOS,
    SINCE_SECONDS,
    STATE,
    STEALTH,
    UNTIL_NANOS,
    UNTIL_SECONDS,
    VERDICTS,
    WINDOW,
)
from capanalyze.packets.octets import mix
from capanalyze.protocols import GENERIC_UDP, TCP

CAPTURE_SHIFT = 40  # of a frame as one number, see `rules.row`
OUTCOME_COUNT = 5
PORTS = 65536
ANY_PORT = 65535


def judge(b: Any, start: int, stop: int) -> int:
    """Judge rows from `start` to before `stop`; how many are not settled."""
    wide = longs_of(b, ROWS)
    narrow = ints_of(b, NARROWS)
    unsettled = 0
    for row in range(start, stop):
        w = row * WIDE
        n = row * NARROW
        capture = capture_of(wide, w)
        narrow[n + DIRECTION] = direction(b, wide, w, narrow[n + OUTCOME] * 1, narrow[n + FLAGS] & GROUP)
        narrow[n + MODE] = mode_at(b, capture, wide[w + SECONDS], narrow[n + NANOS] * 1)
        narrow[n + ZONE] = zone_of(b, wide, w, narrow[n + PLACE] * 1, narrow[n + DIRECTION] * 1)
        if narrow[n + OUTCOME] == SILENT:
            unsettled += silence(b, wide, w, narrow, n, capture)
        narrow[n + VERDICT] = verdict(b, narrow, n, capture)
    return unsettled


def capture_of(wide: Any, w: int) -> int:
    """The capture that an exchange begins in."""
    if wide[w + REQUEST]:
        return wide[w + REQUEST] >> CAPTURE_SHIFT
    return wide[w + REPLY] >> CAPTURE_SHIFT


# Direction


def direction(b: Any, wide: Any, w: int, outcome: int, group: int) -> int:
    """Which way an exchange went, seen from the target; loopback is always local. A group includes the target.

    A request to the target is inbound whichever address answered: another of its own, or of a host behind it.
    """
    own = longs_of(b, OWN)
    count = longs_of(b, STATE)[OWN_COUNT]
    if is_loopback(wide, w + CLIENT) and is_loopback(wide, w + SERVER):
        return LOCAL
    if count == 0:
        return NOWHERE
    asks = is_own(own, count, wide[w + CLIENT], wide[w + CLIENT_LOW])
    answers = is_own(own, count, wide[w + SERVER], wide[w + SERVER_LOW])
    answers |= is_own(own, count, wide[w + WANTED], wide[w + WANTED_LOW])
    if outcome == UNSOLICITED:
        if answers:
            return OUTWARD
        return INWARD if asks or group else PASSING
    if asks:
        return LOCAL if answers else OUTWARD
    if answers or (group and wide[w + REPLY] == 0):
        return INWARD
    return PASSING


def is_loopback(wide: Any, at: int) -> int:
    """Whether an address is ::1 or one of 127.0.0.0/8."""
    if wide[at]:
        return 0
    return 1 if wide[at + 1] == 1 or wide[at + 1] >> 24 == 0xFFFF7F else 0


def is_own(own: Any, count: int, high: int, low: int) -> int:
    """Whether an address is the target's."""
    for number in range(count):
        if own[2 * number + 1] == low and own[2 * number] == high:
            return 1
    return 0


# Mode and zone


def mode_at(b: Any, capture: int, seconds: int, nanos: int) -> int:
    """The mode of a capture at a time, -1 for none."""
    captures = longs_of(b, CAPTURES)
    c = capture * CAPTURE_FIELDS
    if captures[c + CAPTURE_MODE] != BY_TIME:
        return captures[c + CAPTURE_MODE]
    segments = longs_of(b, SEGMENTS)
    for number in range(captures[c + FIRST_SEGMENT], captures[c + FIRST_SEGMENT] + captures[c + SEGMENT_COUNT]):
        s = number * SEGMENT_FIELDS
        if segments[s + SINCE_SECONDS] == -NO_TIME and segments[s + UNTIL_SECONDS] == NO_TIME:
            return segments[s + SEGMENT_MODE]
        if seconds >= NO_TIME or is_before(seconds, nanos, segments[s + SINCE_SECONDS], segments[s + SINCE_NANOS]):
            continue
        if is_before(seconds, nanos, segments[s + UNTIL_SECONDS], segments[s + UNTIL_NANOS]):
            return segments[s + SEGMENT_MODE]
    return -1


def is_before(seconds: int, nanos: int, other: int, other_nanos: int) -> int:
    """Whether a time is before another one."""
    return 1 if seconds < other or (seconds == other and nanos < other_nanos) else 0


def zone_of(b: Any, wide: Any, w: int, place: int, went: int) -> int:
    """The zone: by interface, then by the peer's network, else the interface's own."""
    places = longs_of(b, PLACES)
    if places[place * PLACE_FIELDS + GIVEN_ZONE] >= 0:
        return places[place * PLACE_FIELDS + GIVEN_ZONE]
    networks = longs_of(b, NETWORKS)
    for number in range(longs_of(b, STATE)[NETWORK_COUNT]):
        at = number * NETWORK_FIELDS
        if went != OUTWARD and is_within(networks, at, wide[w + CLIENT], wide[w + CLIENT_LOW]):
            return networks[at + NETWORK_ZONE]
        if went != INWARD and is_within(networks, at, wide[w + SERVER], wide[w + SERVER_LOW]):
            return networks[at + NETWORK_ZONE]
    return places[place * PLACE_FIELDS + OWN_ZONE]


def is_within(networks: Any, at: int, high: int, low: int) -> int:
    """Whether an address is in a network."""
    ipv4 = 1 if high == 0 and low >> 32 == 0xFFFF else 0
    if ipv4 != networks[at + IS_IPV4]:
        return 0
    if high & networks[at + MASK_HIGH] != networks[at + NETWORK_HIGH]:
        return 0
    return 1 if low & networks[at + MASK_LOW] == networks[at + NETWORK_LOW] else 0


# Silence


def silence(b: Any, wide: Any, w: int, narrow: Any, n: int, capture: int) -> int:
    """Tell silence from not having waited long enough, or not having seen all; 1 where its own capture cannot tell."""
    module = narrow[n + MODULE] * 1
    modules = longs_of(b, MODULES)
    captures = longs_of(b, CAPTURES)
    narrow[n + FLAGS] &= ~(UNPROVEN | UNSETTLED)
    if could_not_answer(b, narrow, n):
        narrow[n + FLAGS] |= UNPROVEN
        return 0
    cut = longs_of(b, MODES)[(narrow[n + MODE] + 1) * MODE_FIELDS + IS_CUT]
    if cut or captures[capture * CAPTURE_FIELDS + CAPTURE_CUT]:
        return give_up(narrow, n, SAID_CUT)
    if narrow[n + FLAGS] & DOUBTED:
        return give_up(narrow, n, SAID_OTHER_PORT)
    if narrow[n + FLAGS] & FORGOTTEN:
        return give_up(narrow, n, SAID_FORGOTTEN)
    end = wide[w + ASKED] + modules[module * MODULE_FIELDS + WINDOW]
    if end <= captures[capture * CAPTURE_FIELDS + LAST_CLOCK]:
        return 0
    narrow[n + FLAGS] |= UNSETTLED
    return 1


def could_not_answer(b: Any, narrow: Any, n: int) -> int:
    """Whether silence to such a request proves nothing."""
    if narrow[n + FLAGS] & (GROUP | UNANSWERABLE_REQUEST):
        return 1
    if longs_of(b, MODULES)[narrow[n + MODULE] * MODULE_FIELDS + SILENCE_PROVES] == 0:
        return 1
    if narrow[n + SERVICE] == GENERIC_UDP and octets_of(b, NEVER)[narrow[n + PORT] & ANY_PORT]:
        return 1
    return 0


def give_up(narrow: Any, n: int, reason: int) -> int:
    """Nobody can tell whether nothing came back."""
    narrow[n + OUTCOME] = INDETERMINATE
    narrow[n + REASON] = reason
    return 0


def settle(b: Any, start: int, stop: int) -> int:
    """Settle what is not settled of the rows from `start` to before `stop`; 0."""
    wide = longs_of(b, ROWS)
    narrow = ints_of(b, NARROWS)
    for row in range(start, stop):
        n = row * NARROW
        if narrow[n + FLAGS] & UNSETTLED == 0:
            continue
        narrow[n + FLAGS] &= ~UNSETTLED
        if is_certain(b, wide, row * WIDE, narrow, n) == 0:
            give_up(narrow, n, SAID_ENDED)
        narrow[n + VERDICT] = verdict(b, narrow, n, capture_of(wide, row * WIDE))
    return 0


def is_certain(b: Any, wide: Any, w: int, narrow: Any, n: int) -> int:
    """Whether a silent request's window passed inside of the mode's captures, or a later request was answered."""
    end = wide[w + ASKED] + longs_of(b, MODULES)[narrow[n + MODULE] * MODULE_FIELDS + WINDOW]
    covered = longs_of(b, COVERED)
    for number in range(longs_of(b, STATE)[COVERED_COUNT]):
        at = number * COVERED_FIELDS
        if covered[at + COVERED_MODE] != narrow[n + MODE] or covered[at + COVERED_FROM] > wide[w + CLOCK]:
            continue
        if end <= covered[at + COVERED_TO]:
            return 1
    answers = longs_of(b, ANSWERS)
    at = answer_at(b, wide, w, narrow, n)
    return 1 if answers[at + ANSWER_KEY] and answers[at + ANSWER_CLOCK] > wide[w + CLOCK] else 0


def note_answers(b: Any, start: int, stop: int) -> int:
    """Note which services answered requests from row `start` to before `stop`, and when they were asked."""
    wide = longs_of(b, ROWS)
    narrow = ints_of(b, NARROWS)
    answers = longs_of(b, ANSWERS)
    state = longs_of(b, STATE)
    for row in range(start, stop):
        w = row * WIDE
        n = row * NARROW
        if narrow[n + OUTCOME] != REPLIED:
            continue
        narrow[n + MODE] = mode_at(b, capture_of(wide, w), wide[w + SECONDS], narrow[n + NANOS] * 1)
        at = answer_at(b, wide, w, narrow, n)
        if answers[at + ANSWER_KEY] == 0:
            if state[ANSWER_COUNT] >= MAX_ANSWERS:
                continue
            state[ANSWER_COUNT] += 1
            answers[at + ANSWER_KEY] = server_key(narrow, n)
            answers[at + ANSWER_HIGH] = wide[w + SERVER]
            answers[at + ANSWER_LOW] = wide[w + SERVER_LOW]
            answers[at + ANSWER_CLOCK] = wide[w + CLOCK]
        answers[at + ANSWER_CLOCK] = max(answers[at + ANSWER_CLOCK], wide[w + CLOCK])
    return 0


def answer_at(b: Any, wide: Any, w: int, narrow: Any, n: int) -> int:
    """Where the answers of a row's server and service are noted, or may be."""
    answers = longs_of(b, ANSWERS)
    wanted = server_key(narrow, n)
    place = mix(mix(wanted, wide[w + SERVER_LOW]), wide[w + SERVER]) & ANSWER_MASK
    while answers[place * ANSWER_FIELDS + ANSWER_KEY]:
        at = place * ANSWER_FIELDS
        same = answers[at + ANSWER_LOW] == wide[w + SERVER_LOW] and answers[at + ANSWER_HIGH] == wide[w + SERVER]
        if same and answers[at + ANSWER_KEY] == wanted:
            break
        place = (place + 1) & ANSWER_MASK
    return place * ANSWER_FIELDS


def server_key(narrow: Any, n: int) -> int:
    """Mode, place and service of a row as one number above 0."""
    service = 2 * PORTS + narrow[n + SERVICE]
    if narrow[n + SERVICE] <= TCP:
        service = narrow[n + SERVICE] * PORTS + narrow[n + PORT]
    return (((narrow[n + MODE] + 1) * 1048576 + narrow[n + PLACE]) * 1048576 + service) * 2 + 1


# Verdict


def verdict(b: Any, narrow: Any, n: int, capture: int) -> int:
    """The verdict on an inbound exchange whose mode is known, 0 for none: the table of design section 5."""
    outcome = narrow[n + OUTCOME] * 1
    mode = narrow[n + MODE] * 1
    if narrow[n + DIRECTION] != INWARD or mode < 0 or outcome == UNSOLICITED:
        return 0
    verdicts = longs_of(b, VERDICTS)
    unproven = verdicts[4 * OUTCOME_COUNT]
    if outcome == SILENT:
        if narrow[n + FLAGS] & UNSETTLED:
            return 0
        if longs_of(b, CAPTURES)[capture * CAPTURE_FIELDS + ONE_SIDED]:
            narrow[n + FLAGS] |= UNPROVEN
        if narrow[n + FLAGS] & UNPROVEN:
            return unproven
    table = 2 * may_answer(b, mode, narrow[n + SERVICE] * 1, narrow[n + PORT] * 1)
    table += longs_of(b, MODES)[(mode + 1) * MODE_FIELDS + STEALTH]
    return verdicts[table * OUTCOME_COUNT + outcome]


def may_answer(b: Any, mode: int, service: int, port: int) -> int:
    """Whether a mode's promise lets a service answer."""
    modes = longs_of(b, MODES)
    m = (mode + 1) * MODE_FIELDS
    if service > TCP:
        return modes[m + MODULE_BITS] >> service & 1
    if modes[m + PORT_TABLE] < 0:
        return modes[m + OPEN]
    return octets_of(b, PROMISES)[modes[m + PORT_TABLE] + service * PORTS + (port & ANY_PORT)] * 1
