"""Which captures are of one host: each capture is of a host of its own, unless something shows otherwise.

An audit file, and a target that is given, say that all are of one. Else captures are of one host whose targets share
an address, and those whose names give them one mode and different interfaces, unless their frames show two.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from capanalyze.errors import CaptureError, TargetError
from capanalyze.flow import Flow
from capanalyze.rotation import rotations
from capanalyze.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.audit import Audit, CaptureFile
    from capanalyze.model import Target


@dataclass(frozen=True)
class Host:
    """A host and its captures; the name is None where there is one host."""

    name: str | None
    audit: Audit


@dataclass
class Seen:
    """What some captures tell of the host that they are of.

    Attributes:
        target: its addresses, none where nobody can tell.
        macs: MAC addresses that it sends from.
        peers: hosts that it had exchanges with.
        error: why nobody can tell the target, where that is so.
        unread: nothing of them could be read.
    """

    files: tuple[CaptureFile, ...]
    target: Target | None = None
    macs: set[int] = field(default_factory=set)
    peers: set[str] = field(default_factory=set)
    error: TargetError | None = None
    unread: bool = False

    @property
    def addresses(self) -> set[str]:
        """The addresses of the host, as far as they are known."""
        return set(self.target.addresses) if self.target else set()


def hosts_of(audit: Audit) -> list[Host]:
    """The hosts that captures are of, each with an audit of its own; the audit itself where there is one host.

    Raises:
        TargetError: of several hosts one cannot be told.
        CaptureError: a capture cannot be read.
    """
    series = [tuple(pieces) for pieces in rotations(audit.captures)]
    if audit.target or audit.says_one_host or len(series) == 1 or any(file.path == "-" for file in audit.captures):
        return [Host(None, audit)]
    seen = [see(replace(audit, captures=files, hashed=False)) for files in series]
    groups = grouped(seen)
    if len(groups) == 1:
        return [Host(None, audit)]
    for group in groups:
        if all(one.error for one in group):
            raise TargetError(f"{group[0].files[0].name}: {group[0].error}")
    names = names_of([[file for one in group for file in one.files] for group in groups])
    return [Host(name, part_of(audit, group)) for name, group in zip(names, groups, strict=True)]


def part_of(audit: Audit, group: Sequence[Seen]) -> Audit:
    """The audit of some of the captures."""
    files = tuple(file for one in group for file in one.files)
    called = {file.name.partition(".")[0] for file in files}
    unknown = tuple(name for name in audit.unknown_modes if name in called)
    return replace(audit, captures=files, unknown_modes=unknown)


def hosts_or_one(audit: Audit) -> list[Host]:
    """The hosts that captures are of; where one of several cannot be told, all are taken to be of one."""
    try:
        return hosts_of(audit)
    except TargetError:
        return [Host(None, audit)]


def see(audit: Audit) -> Seen:
    """What captures tell of the host that they are of; as much is read as the search for the target needs."""
    with Stream(audit) as stream:
        try:
            flow = Flow(stream, needs_target=True)
        except TargetError as error:
            return Seen(audit.captures, error=error)
        except CaptureError:
            if audit.keep_going:
                return Seen(audit.captures, unread=True)
            raise
        flow.close()
        told = stream.hints.told()
        own = set(flow.target.addresses)
        macs = {mac for one in own for _, mac in told.macs_from(one)}
        return Seen(audit.captures, flow.target, macs, flow.peers_of(own))


def grouped(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Those of one host together, in the order in which they were given."""
    groups: list[list[Seen]] = []
    unread = [one for one in seen if one.unread]
    for one in seen:
        if one.unread:
            continue
        mine = [group for group in groups if any(are_of_one(one, other) for other in group)]
        joined = [other for group in mine for other in group] + [one]
        groups = [group for group in groups if group not in mine] + [joined]
    told = [group for group in groups if any(one.addresses for one in group)]
    if len(told) == 1 or not groups:  # what tells of no host is of the only one that there is
        return [list(seen)]
    first, *others = sorted(groups, key=lambda group: seen.index(group[0]))
    return [[*first, *unread], *others]  # whose they are does not matter, but that they are left out


def are_of_one(one: Seen, other: Seen) -> bool:
    """Whether captures are of one host: they share an address of the target, or their names say so."""
    shared = one.addresses & other.addresses
    if shared:
        return not (one.macs and other.macs) or bool(one.macs & other.macs)
    if one.addresses & other.peers or other.addresses & one.peers:
        return False
    return any(are_named_alike(file, another) for file in one.files for another in other.files)


def are_named_alike(file: CaptureFile, other: CaptureFile) -> bool:
    """Whether names give captures one mode and different interfaces: `lockdown.en0.pcap`, `lockdown.ppp0.pcap`."""
    if file.interface is None or other.interface is None or file.interface == other.interface:
        return False
    return file.name.partition(".")[0] == other.name.partition(".")[0]


def names_of(captures: Iterable[Sequence[CaptureFile]]) -> list[str]:
    """What hosts are called: after their first capture, without what only tells its form."""
    plain = [files[0].name.rsplit("/", 1)[-1].partition(".")[0] for files in captures]
    whole = [files[0].name for files in captures]
    return [short if plain.count(short) == 1 else long for short, long in zip(plain, whole, strict=True)]
