"""What judging is told: modes and their promises, zones, captures, as numbers."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from capanalyze.audit import DEFAULT_ZONES, Audit, CaptureFile, Mode
from capanalyze.capture.records import NO_TIME
from capanalyze.core import core
from capanalyze.packets.message import MAPPED
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import SECOND
from capanalyze.silence import one_way_ports
from capanalyze.verdicts import promise_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.core.core import JudgedMode, JudgedNetwork, JudgedSegment

PORTS = 65536
WORD = (1 << 64) - 1


def port_table(services: Iterable[str]) -> bytes:
    """For each UDP port and then each TCP port 1 where it is one of some services."""
    found = bytearray(2 * PORTS)
    for service in services:
        transport, _, port = service.partition("/")
        if transport in ("udp", "tcp") and port:
            found[(TCP if transport == "tcp" else GENERIC_UDP) * PORTS + int(port)] = 1
    return bytes(found)


def promise(mode: Mode) -> JudgedMode:
    """What a mode promises: ports are told apart where it names some that may answer."""
    ports = port_table(mode.allow)
    answers = [index for index, protocol in enumerate(PROTOCOLS) if promise_of(mode, protocol.name) == "allow"]
    opens = mode.promise == "allow"
    return mode.stealth, opens, answers, None if opens or not any(ports) else ports


def segments(file: CaptureFile, modes: dict[str, int]) -> list[JudgedSegment]:
    """Stretches of a capture and their modes."""
    return [
        (
            modes[one.mode],
            (-NO_TIME, 0) if one.since is None else divmod(one.since, SECOND),
            (NO_TIME, 0) if one.until is None else divmod(one.until, SECOND),
        )
        for one in file.segments
    ]


class Zones:
    """The zones, as they are met, and which place or network leads to which.

    Attributes:
        names: the zones.
        networks: those that are in a zone whatever the interface.
        places: for each place the zone that it is given, -1 for none, and its own.
    """

    def __init__(self, audit: Audit, labels: Sequence[str]) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._given = audit.zones
        self._labels = labels
        self.networks = [network(ip_network(key), self._index(zone)) for key, zone in audit.zones.items() if "/" in key]
        self.places: list[tuple[int, int]] = []

    def meet(self) -> bool:
        """Add the places that are new; whether there are any."""
        known = len(self.places)
        for label in self._labels[known:]:
            given = self._index(self._given[label]) if label in self._given else -1
            own = DEFAULT_ZONES.get(label, label)
            self.places.append((given, self._index(own) if given < 0 else given))
        return len(self.places) > known

    def _index(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


def network(one: IPv4Network | IPv6Network, zone: int) -> JudgedNetwork:
    """A network as words, those of its mask, whether it is one of IPv4, and its zone."""
    address, mask = int(one.network_address), int(one.netmask)
    if isinstance(one, IPv4Network):
        return (0, MAPPED | address), (WORD, WORD ^ 0xFFFFFFFF | mask), True, zone
    return (address >> 64, address & WORD), (mask >> 64, mask & WORD), False, zone


def core_judge(audit: Audit, zones: Zones) -> core.Judge:
    """The core's judge for an audit."""
    modes = {mode.name: number for number, mode in enumerate(audit.modes)}
    return core.Judge(
        [(protocol.window, protocol.silence_proves, protocol.answers_its_link) for protocol in PROTOCOLS],
        [promise(mode) for mode in audit.modes],
        [segments(file, modes) for file in audit.captures],
        zones.networks,
        one_way_ports(),
    )
