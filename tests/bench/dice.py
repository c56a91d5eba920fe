"""Chance and identity: seeded random numbers, numbers for exchanges, and who a client is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Numbers: TypeAlias = NDArray[np.int64]

NETWORKS = ("198.18.0.0/15", "203.0.113.0/24", "198.51.100.0/24")
SERVICES = ("ntp", "nbns", "mdns")


def hosts(network: str) -> Numbers:
    """The addresses of a network, without its own and its broadcast address."""
    whole = ip_network(network)
    return np.arange(int(whole.network_address) + 1, int(whole.broadcast_address), dtype=np.int64)


ADDRESSES = np.concatenate([hosts(network) for network in NETWORKS])
# A client's port is above that of any service here: tshark takes the lower one for the service's.
PORTS = np.arange(6000, 65536, dtype=np.int64)
ENDPOINTS = len(ADDRESSES) * len(PORTS)
REPEATED = 16  # of so many exchanges, the last has the client and the port of the one before


def stride(modulus: int) -> int:
    """A step that visits every number below the modulus before it comes back, far apart each time."""
    step = int(modulus * (math.sqrt(5) - 1) / 2)
    while math.gcd(step, modulus) > 1:
        step += 1
    return step


STRIDE = stride(ENDPOINTS)
ADDRESS_STRIDE = stride(len(ADDRESSES))


@dataclass
class Told:
    """What became of the exchanges so far; `services` and the rest are columns, a piece for every batch."""

    exchanges: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    unanswered: int = 0
    orphans: int = 0
    resent: int = 0
    twice: int = 0
    services: list[NDArray[np.uint8]] = field(default_factory=list)
    clients: list[NDArray[np.uint32]] = field(default_factory=list)
    ports: list[NDArray[np.uint16]] = field(default_factory=list)


class Dice:
    """All chance of one capture. `told` collects what the truth needs, the columns only if they are `kept`."""

    def __init__(self, seed: int, *, kept: bool = False) -> None:
        self.random = np.random.Generator(np.random.SFC64(seed))
        self.told = Told()
        self._kept = kept
        self._numbers = 0
        self._multicast = 0
        self._start = int(self.random.integers(ENDPOINTS))

    def below(self, limit: int, count: int) -> Numbers:
        """So many numbers below the limit."""
        return self.random.integers(limit, size=count)

    def between(self, low: int, high: int, count: int) -> Numbers:
        """So many numbers, the limits included."""
        return self.random.integers(low, high + 1, size=count)

    def chance(self, odds: float, count: int) -> NDArray[np.bool_]:
        """So many throws that are true with these odds."""
        return self.random.random(count) < odds

    def choose(self, weights: Sequence[float], count: int) -> Numbers:
        """So many choices by weight."""
        limits = np.cumsum(weights) / sum(weights)
        return np.searchsorted(limits[:-1], self.random.random(count), side="right")

    def numbers(self, count: int) -> Numbers:
        """The numbers of so many new exchanges."""
        self._numbers += count
        return np.arange(self._numbers - count, self._numbers, dtype=np.int64)

    def clients(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Address and port of the client of each exchange: no two alike but where REPEATED says so."""
        first = numbers - (numbers % REPEATED == REPEATED - 1)
        place, port = np.divmod((first * STRIDE + self._start) % ENDPOINTS, len(PORTS))
        return ADDRESSES[place], PORTS[port]

    def askers(self, count: int, questions: int) -> tuple[Numbers, Numbers]:
        """Address and question of so many clients on a port they all share: no such pair comes twice.

        All addresses get their turn, then again with other questions (their number is a power of two).
        """
        turn = np.arange(self._multicast, self._multicast + count, dtype=np.int64)
        self._multicast += count
        address = ADDRESSES[(turn * ADDRESS_STRIDE + self._start) % len(ADDRESSES)]
        return address, (turn * 77 + turn // len(ADDRESSES)) % questions

    def tell(self, service: str, client: Numbers, port: Numbers) -> None:
        """Note whose exchanges come next, in order of their numbers."""
        self.told.exchanges[service] = self.told.exchanges.get(service, 0) + len(client)
        if self._kept:
            self.told.services.append(np.full(len(client), SERVICES.index(service), np.uint8))
            self.told.clients.append(client.astype(np.uint32))
            self.told.ports.append(port.astype(np.uint16))
