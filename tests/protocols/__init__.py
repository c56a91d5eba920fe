"""What the tests of the match functions share: a payload in, what the module makes of it out.

Every test file of a protocol has `SAMPLES`: a payload for every kind of message that the module names.
"""

from dataclasses import dataclass

from capanalyze.packets.message import (
    ALSO_REPLY,
    ANNOUNCEMENT,
    ANNOUNCES,
    COMPARED,
    FLOW,
    INTERIM,
    KIND,
    MALFORMED,
    MAX_KEYS,
    OTHER,
    REPLY,
    REQUEST,
    RESET,
    ROLES,
    SPOKE,
    UNANSWERABLE,
    WEAK,
)
from capanalyze.protocols._protocol import Protocol

ROLE_NAMES = {
    OTHER: "other",
    REQUEST: "request",
    REPLY: "reply",
    ANNOUNCEMENT: "announcement",
    MALFORMED: "malformed",
    FLOW: "flow",
    SPOKE: "spoke",
    RESET: "reset",
}
FLAG_NAMES = {
    WEAK: "weak",
    UNANSWERABLE: "unanswerable",
    INTERIM: "interim",
    ANNOUNCES: "announces",
    ALSO_REPLY: "also reply",
    COMPARED: "compared",
}
BEFORE, BEHIND = b"\xff\xfe\xfd", b"\xfc\xfb"  # what lies around a payload in a capture


class Window:
    """Octets of a capture of which only one message may be read."""

    def __init__(self, payload: bytes) -> None:
        self._octets = BEFORE + payload + BEHIND
        self.start = len(BEFORE)
        self.end = self.start + len(payload)

    def __getitem__(self, at: int) -> int:
        assert self.start <= at < self.end, f"octet {at - self.start} of {self.end - self.start} was read"
        return self._octets[at]


@dataclass(frozen=True)
class Heard:
    """What a match function says of one message."""

    role: str
    kind: str
    flags: frozenset[str]
    keys: tuple[int, ...]

    def answers(self, request: "Heard") -> bool:
        """Whether this is a reply with a key of that request."""
        return (self.role, request.role) == ("reply", "request") and bool(set(self.keys) & set(request.keys))


def hear(protocol: Protocol, payload: bytes, size: int | None = None) -> Heard:
    """Let a module look at one message, of which `size` octets were sent; reading outside of it fails."""
    window = Window(payload)
    keys = [0] * (MAX_KEYS + 1)
    sent = len(payload) if size is None else size
    answer = protocol.match(window, window.start, window.end, sent, keys)
    flags = answer % KIND - answer % ROLES
    return Heard(
        role=ROLE_NAMES[answer % ROLES],
        kind=protocol.kind(answer // KIND),
        flags=frozenset(name for flag, name in FLAG_NAMES.items() if flags & flag),
        keys=tuple(keys[1 : keys[0] + 1]),
    )
