"""The audit file of a recording: what each mode promised, and which captures were taken under it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.lab.places import ANY, CLIENTS


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


HEAD = """title = "{title}"

[target]
addresses = [
{addresses}]

[zones]
{zones}"""
BOTH = (4, 6)


def head(title: str, interfaces: Sequence[str], families: Sequence[int] = BOTH) -> str:
    """The beginning of an audit file; only addresses that were used."""
    every = ANY in interfaces
    zones = [zone for zone in CLIENTS if every or zone.interface in interfaces]
    lines = [
        f"    {address:22}# {zone.interface}\n"
        for zone in zones
        for family, address in ((4, f'"{zone.target}",'), (6, f'"{zone.target6}",'))
        if family in families
    ]
    return HEAD.format(
        title=title,
        addresses="".join(lines),
        zones="".join(f'{f"if{zone.number}" if every else zone.interface} = "{zone.name}"\n' for zone in zones),
    )


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
