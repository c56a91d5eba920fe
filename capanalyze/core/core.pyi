"""What Python sees of the compiled core."""

from collections.abc import Buffer

NAMES: list[str]
"""The services in the order of their numbers."""

def match(service: str, octets: Buffer, size: int | None = None) -> tuple[str, int, frozenset[str], tuple[int, ...]]:
    """What the match function of a service says of one message.

    Args:
        service: its name, one of `NAMES`.
        octets: the payload as far as it was captured.
        size: how many octets of it were sent; without it, all were captured.

    Returns:
        Role, number of the kind, flags, and match keys of 64 bits.

    Raises:
        ValueError: there is no such service.
    """
