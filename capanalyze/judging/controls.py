"""What shows that a service listened, as findings name it: a silence with such a control is the filter's work.

`core/control.pxd` notes controls as rows are judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capanalyze.exchanges.row import CAPTURE
from capanalyze.model import Control

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from capanalyze.exchanges.batch import Names

# As in core/setting.pxd.
ANY_MODE, NO_KIND, SENT_ITSELF = -2, -1, -2


class Silence(NamedTuple):
    """Requests of one kind to a service that stayed silent: numbers as rows have them.

    `port` is 0 where the service has a module of its own, `kind` is NO_KIND where no module read the requests.
    """

    zone: int
    service: int
    port: int
    kind: int
    over_ipv6: bool


class Proof(NamedTuple):
    """An exchange that is a control: its mode, -1 for none, and its first frames as numbers, 0 for none."""

    mode: int
    request: int
    reply: int


class Controls:
    """The controls of an audit.

    Args:
        noted: what the core noted.
        names: what the numbers in rows stand for.
    """

    def __init__(self, noted: Iterable[Mapping[str, object]], names: Names) -> None:
        self._names = names
        self._known: dict[tuple[int, Silence], list[Proof]] = {}
        for one in noted:
            numbers = (_number(one[name]) for name in ("zone", "service", "port", "kind", "over_ipv6"))
            zone, service, port, kind, over_ipv6 = numbers
            key = _number(one["mode"]), Silence(zone, service, port, kind, bool(over_ipv6))
            self._known[key] = list(_proofs(one["proof"]))

    def ports(self) -> set[tuple[int, int]]:
        """Service and port of all that have a port of their own."""
        return {(silence.service, silence.port) for _, silence in self._known if silence.port}

    def of(self, silence: Silence, mode: int) -> Control | None:
        """What shows that a service listened that was silent under a mode, if anything does.

        What was answered in another mode comes first, then at another time or to another client of the same mode, then
        what the service itself sent under the mode.
        """
        proofs = self._known.get((ANY_MODE, silence), [])
        own = self._known.get((mode, silence._replace(kind=SENT_ITSELF)), [])
        for one in (*sorted(proofs, key=lambda proof: proof.mode in (mode, -1)), *own):
            return self._told(one)
        return None

    def _told(self, proof: Proof) -> Control:
        captures: Sequence[str] = self._names.captures
        request, reply = divmod(proof.request, CAPTURE), divmod(proof.reply, CAPTURE)
        asked = captures[request[0]] if proof.request else captures[reply[0]]
        answered = captures[reply[0]] if proof.reply else asked
        return Control(
            mode=self._names.modes[proof.mode] if proof.mode >= 0 else None,
            capture=asked,
            requests=[request[1]] if proof.request else [],
            replies=[reply[1]] if proof.reply else [],
            reply_capture=answered if answered != asked else None,
        )


def _proofs(noted: object) -> Iterable[Proof]:
    for one in noted if isinstance(noted, list) else ():
        if one["taken"]:
            yield Proof(one["mode"], one["request"], one["reply"])


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
