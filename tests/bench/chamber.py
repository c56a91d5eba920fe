"""An echo chamber: all hosts of a network ask one mDNS question over and over, and each answer answers all of them.

Every host asks in its turn. What it sends before an answer is one request and its retransmissions; the multicast answer
(RFC 6762 section 6) is a reply to every host at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.bench.dice import hosts
from tests.bench.frames import MAC_TARGET, TARGET, TTL, Group, Layout
from tests.bench.mdns import PORT, PTR, SERVICES, Asked, reply, request
from tests.build import datagram, dns_name, ethernet

if TYPE_CHECKING:
    from tests.bench.dice import Dice, Numbers

HOSTS = hosts("198.51.100.0/24")
TURNS = 4  # of every host between two answers
ROUND = TURNS * len(HOSTS)
FRAMES = 1 + 1 / ROUND  # of a question, on the average
ON_LINK = 255  # RFC 6762 section 11
GROUP, MAC_GROUP = "224.0.0.251", bytes.fromhex("01005e0000fb")
MAC_HOST = bytes.fromhex("020000000100")  # the last octet is the host's
QUESTION = Asked(f"{SERVICES[0]}.local", PTR, dns_name(f"Office-00.{SERVICES[0]}.local"), shared=True)


def to_group(source: str, mac: bytes, payload: bytes) -> bytes:
    """A frame with a datagram to the group."""
    frame = bytearray(
        ethernet(datagram(source, PORT, GROUP, PORT, payload, ident=0), source=mac, destination=MAC_GROUP)
    )
    frame[TTL] = ON_LINK
    return bytes(frame)


ASKING = Layout([to_group("0.0.0.0", MAC_HOST, request(QUESTION, unicast=False))], {"host": (11, "u1")})
ANSWERING = Layout([to_group(TARGET, MAC_TARGET, reply(QUESTION, 0, unicast=True))])


def questions(dice: Dice, times: Numbers) -> list[Group]:
    """A question at each of these times, and an answer behind the last one of each round."""
    numbers = dice.numbers(len(times))
    rounds, place = np.divmod(numbers, ROUND)
    turn, host = np.divmod(place, len(HOSTS))
    times = times + rounds  # each round is a microsecond later, so that no question of it comes before the answer
    last = place == ROUND - 1
    first = HOSTS[host[turn == 0]]
    dice.tell("mdns", first, np.full(len(first), PORT))
    dice.told.resent += int(np.count_nonzero(turn == 1))
    dice.told.answered += len(HOSTS) * int(np.count_nonzero(last))
    dice.told.unanswered += len(first) - len(HOSTS) * int(np.count_nonzero(last))
    asking = ASKING.frames(len(times), source=HOSTS[host], host=host + 1, ident=dice.below(65536, len(times)))
    answering = ANSWERING.frames(int(np.count_nonzero(last)), ident=dice.below(65536, int(np.count_nonzero(last))))
    asked = rounds * len(HOSTS) + host
    answered = rounds[last, np.newaxis] * len(HOSTS) + np.arange(len(HOSTS))
    return [Group(times, asking, asked), Group(times[last], answering, answered, reply=True)]
