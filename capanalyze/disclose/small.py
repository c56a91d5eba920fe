"""Daytime (RFC 867), quote of the day (RFC 865), characters (RFC 864): the words that came back."""

from collections.abc import Iterator


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The first line."""
    line = next(iter(reply.decode("utf-8", "replace").splitlines()), "").strip()
    if line:
        yield "text", line
