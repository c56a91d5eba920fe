"""The audit file of a recording: what each mode promised, and which captures were taken under it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.lab.places import INTERNET, LAN


@dataclass(frozen=True)
class Promise:
    """A mode, as an audit file describes it."""

    name: str
    title: str
    promise: str
    allow: tuple[str, ...] = ()
    stealth: bool = False


@dataclass(frozen=True)
class Span:
    """A stretch of time, seconds since 1970; 0 is open."""

    since: float = 0
    until: float = 0


HEAD = f"""title = "{{title}}"

[target]
addresses = [
    "{LAN.target}",       # en0
    "{LAN.target6}",        # en0
    "{INTERNET.target}",        # ppp0
    "{INTERNET.target6}",     # ppp0
]

[zones]
en0 = "lan"
ppp0 = "internet"
"""


def head(title: str) -> str:
    """The beginning of an audit file."""
    return HEAD.format(title=title)


def section(promise: Promise, captures: Iterable[str], spans: tuple[Span, ...] = (Span(),)) -> str:
    """One mode; of each capture the given spans are taken."""
    listed = ", ".join(reference(capture, span) for capture in captures for span in spans)
    lines = [f"[modes.{promise.name}]", f'title = "{promise.title}"']
    if promise.allow:
        lines.append(f'promise = "{promise.promise}"               # for every service but these:')
        lines.append("allow = [" + ", ".join(f'"{service}"' for service in promise.allow) + "]")
    else:
        lines.append(f'promise = "{promise.promise}"')
    if promise.stealth:
        lines.append("stealth = true")
    return "\n".join(["", *lines, f"captures = [{listed}]", ""])


def reference(capture: str, span: Span) -> str:
    """A capture, or a part of it."""
    limits = [f"{name} = {moment(value)}" for name, value in (("since", span.since), ("until", span.until)) if value]
    named = f'"{capture}"'
    return f"{{ {', '.join([f'file = {named}', *limits])} }}" if limits else named


def moment(seconds: float) -> str:
    """A time as TOML writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
