"""What is asked: captures, the modes they were taken under, promises, zones, the target.

An audit comes from a TOML file (the README lists its keys) or from captures named on the command line, whose names
may tell mode and interface (`MODE.INTERFACE.….pcap`). Either way the result is one `Audit`.
"""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any

import msgspec

from capanalyze.errors import AuditError
from capanalyze.model import Promise
from capanalyze.protocols import PROTOCOLS
from capanalyze.rotation import SUFFIXES, piece_of, rotations

DEFAULT_ZONES = {"en0": "lan", "ppp0": "internet"}
INTERFACE_NAME = re.compile(r"[A-Za-z][\w@-]{0,14}")
# What an interface is called by Linux, the BSDs and macOS, in names that may hold anything else: eth0, wlp2s0, en0.
LIKE_AN_INTERFACE = re.compile(
    r"(?:any|lo|(?:eth|wlan|wwan|en|wl|ww|ppp|tun|tap|utun|lo|br|bond|veth|vmnet|docker|wg|fw|gif|stf|awdl|bridge|"
    r"em|igb|ix|re|bge|vtnet)\d[\w@-]{0,12}|(?:en|wl|ww)[opsxP]\w{1,12})"
)
SERVICE_PORT = re.compile(r"(tcp|udp)/([0-9]{1,5})")
MODULE_NAMES = frozenset(protocol.name for protocol in PROTOCOLS) - {"tcp", "udp"}


@dataclass(frozen=True)
class Mode:
    """A firewall setting: what it is called, and what it promises."""

    name: str
    title: str
    promise: Promise
    allow: tuple[str, ...] = ()
    stealth: bool = False


# The article's three settings, by the titles of Leopard's own dialogue.
PRESETS = (
    Mode("allow-all", "Allow all incoming connections", "allow"),
    Mode("specific", "Set access for specific services and programs", "block", ("tcp/22",)),
    Mode("block-all", "Block all incoming connections", "block"),
)
ALIASES = {"specific-services": "specific"}
BUILT_IN = (*(preset.name for preset in PRESETS), *ALIASES)


@dataclass(frozen=True)
class Segment:
    """A stretch of time under one mode, nanoseconds since 1970; None is open."""

    mode: str
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class CaptureFile:
    """One capture to read: `segments` say under which modes it was taken, if that is known.

    Of a capture that describes several, only `interfaces` are read, by number from 0; all where it is empty.
    """

    path: str
    name: str
    segments: tuple[Segment, ...] = ()
    interface: str | None = None
    interfaces: tuple[int, ...] = ()

    @property
    def modes(self) -> set[str | None]:
        """The modes that its frames may count for; None where there are some that may count for none."""
        always = any(segment.since is None and segment.until is None for segment in self.segments)
        return {segment.mode for segment in self.segments} | (set() if always else {None})

    def mode_at(self, time: int | None) -> str | None:
        """The mode at a time; that of the whole file where it has but one."""
        for segment in self.segments:
            if segment.since is None and segment.until is None:
                return segment.mode
            if time is None:
                continue
            if (segment.since is None or segment.since <= time) and (segment.until is None or time < segment.until):
                return segment.mode
        return None


@dataclass(frozen=True)
class Audit:
    """All that is asked of one analysis.

    Where captures are not `hashed`, reports do not name them by their SHA-256. So many `threads` may read them; what is
    found is the same. `modes_by` says where the names of modes come from. An audit file
    `says_one_host`: that its captures are of one. `unknown_modes` are what names of captures seem to call modes. Where
    it is to `keep_going`, captures that cannot be read are left out.
    """

    captures: tuple[CaptureFile, ...]
    title: str = ""
    modes: tuple[Mode, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)
    target: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    hashed: bool = True
    threads: int = 1
    modes_by: str = ""
    says_one_host: bool = False
    unknown_modes: tuple[str, ...] = ()
    keep_going: bool = False

    def mode(self, name: str) -> Mode:
        """The mode with this name."""
        return next(mode for mode in self.modes if mode.name == name)

    def series(self) -> tuple[tuple[CaptureFile, ...], ...]:
        """The captures, pieces of one rotated capture together and in order; looks into files to tell them."""
        return tuple(rotations(self.captures))

    def used_modes(self) -> list[Mode]:
        """The modes that captures were taken under, in the order in which they are defined."""
        used = {segment.mode for capture in self.captures for segment in capture.segments}
        return [mode for mode in self.modes if mode.name in used]


class _Target(msgspec.Struct, forbid_unknown_fields=True):
    addresses: list[str]


class _Range(msgspec.Struct, forbid_unknown_fields=True):
    file: str
    interfaces: list[Annotated[int, msgspec.Meta(ge=0)]] = []
    since: datetime | None = None
    until: datetime | None = None


class _Mode(msgspec.Struct, forbid_unknown_fields=True):
    promise: Promise
    captures: list[str | _Range]
    title: str | None = None
    allow: list[str] = []
    stealth: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    modes: dict[str, Any]
    title: str = ""
    target: dict[str, Any] | None = None
    zones: dict[str, str] = {}


def load_audit(path: Path) -> Audit:
    """Read an audit file.

    Raises:
        AuditError: naming file, key, value and what was expected.
    """
    import tomllib

    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuditError(f"{path}: not TOML: {error}") from error
    top = _convert(tree, _File, path, "")
    target = _convert(top.target, _Target, path, "target").addresses if top.target is not None else []
    modes: list[Mode] = []
    found: dict[tuple[str, tuple[int, ...]], list[Segment]] = {}
    if not top.modes:
        raise AuditError(f"{path}: modes: is empty, expected at least one [modes.NAME]")
    for name, table in top.modes.items():
        place = f"modes.{name}"
        entry = _convert(table, _Mode, path, place)
        allow = tuple(check_service(service, f"{path}: {place}.allow") for service in entry.allow)
        modes.append(Mode(name, entry.title or name, entry.promise, allow, entry.stealth))
        if not entry.captures:
            raise AuditError(f"{path}: {place}.captures: is empty, expected at least one capture")
        for number, item in enumerate(entry.captures):
            entry_place = f"{place}.captures[{number}]"
            asked = _Range(item) if isinstance(item, str) else item
            segment = _segment(name, asked, f"{path}: {entry_place}")
            for capture in _matching(path, asked.file, entry_place):
                found.setdefault((capture, tuple(sorted(asked.interfaces))), []).append(segment)
    _check_interfaces(path, list(found))
    captures = tuple(_audit_capture(path, *key, segments, modes) for key, segments in found.items())
    return Audit(
        captures=_with_names(captures),
        title=top.title,
        modes=tuple(modes),
        zones=check_zones(top.zones, f"{path}: zones"),
        target=tuple(check_address(address, f"{path}: target.addresses") for address in target),
        modes_by="the audit file",
        says_one_host=True,
    )


def _convert(value: Any, kind: Any, path: Path, place: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        key = place
        for name, index in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", where.rstrip("`")):
            step, value = _step(value, name, index)
            key += step
        kind = _Range if key.endswith("]") and isinstance(value, dict) else kind
        raise AuditError(f"{path}: {key.lstrip('.') or 'the file'}: {_complaint(reason, value, kind)}") from error


def _complaint(reason: str, value: Any, kind: Any) -> str:
    """What is wrong with a value, and what was expected."""
    if "unknown field" in reason:
        return f"has an unknown key {reason.rsplit(maxsplit=1)[-1]}, expected {', '.join(kind.__struct_fields__)}"
    if "missing required field" in reason:
        return f"lacks the key {reason.rsplit(maxsplit=1)[-1]}"
    if "Invalid enum value" in reason:
        return f"is {value!r}, expected 'block' or 'allow'"
    return f"is {value!r}, {reason[0].lower() + reason[1:]}"


def _step(value: Any, name: str, index: str) -> tuple[str, Any]:
    """A step of the path as it is written, and the value that it leads to; `...` stands for some key of a table."""
    if name:
        return f".{name}", value.get(name) if isinstance(value, dict) else value
    if index.isdigit():
        return f"[{index}]", value[int(index)]
    wrong = ((key, item) for key, item in value.items() if not isinstance(item, str))
    key, item = next(wrong, ("", None))
    return f".{key}", item


def _segment(mode: str, item: _Range, place: str) -> Segment:
    since, until = nanoseconds(item.since), nanoseconds(item.until)
    if since is not None and until is not None and since >= until:
        raise AuditError(f"{place}: ends ({item.until}) before it begins ({item.since})")
    return Segment(mode, since, until)


def _check_interfaces(path: Path, captures: Sequence[tuple[str, tuple[int, ...]]]) -> None:
    """A capture may be named several times if each time by other interfaces."""
    for number, (capture, interfaces) in enumerate(captures):
        for other, others in captures[:number]:
            if capture == other and (not interfaces or not others or set(interfaces) & set(others)):
                raise AuditError(f"{path}: {Path(capture).name} is named more than once for the same interfaces")


def nanoseconds(time: datetime | None) -> int | None:
    """Nanoseconds since 1970; a time without a zone is UTC."""
    if time is None:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    delta = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def _matching(path: Path, pattern: str, place: str) -> list[str]:
    found = sorted(glob.glob(str(path.parent / pattern)))  # noqa: PTH207 - keeps the name as it was written
    if not found:
        raise AuditError(f"{path}: {place}: is {pattern!r}, expected the name of a file, or a pattern that matches one")
    return found


def _audit_capture(
    path: Path, capture: str, interfaces: tuple[int, ...], segments: list[Segment], modes: list[Mode]
) -> CaptureFile:
    for number, one in enumerate(segments):
        for other in segments[:number]:
            if _overlap(one, other):
                raise AuditError(
                    f"{path}: {Path(capture).name} belongs to {other.mode} and to {one.mode} at the same time"
                )
    _, interface = parts_of_name(Path(capture).name, [*(mode.name for mode in modes), *BUILT_IN])
    ordered = sorted(segments, key=lambda segment: (segment.since is not None, segment.since or 0))
    name = Path(capture).name
    if interfaces:
        name += f" ({'interface' if len(interfaces) == 1 else 'interfaces'} {', '.join(map(str, interfaces))})"
    return CaptureFile(capture, name, tuple(ordered), interface, interfaces)


def _overlap(one: Segment, other: Segment) -> bool:
    return (one.since is None or other.until is None or one.since < other.until) and (
        other.since is None or one.until is None or other.since < one.until
    )


def audit_of(
    paths: list[str],
    *,
    mode: str | None = None,
    target: tuple[str, ...] = (),
    zones: tuple[str, ...] = (),
) -> Audit:
    """The audit that captures named on the command line ask for.

    Raises:
        AuditError: an option makes no sense.
    """
    if mode is not None and mode not in BUILT_IN:
        raise AuditError(f"--mode: is {mode!r}, expected one of {', '.join(BUILT_IN)}")
    captures = []
    unknown: dict[str, None] = {}
    for path in dict.fromkeys(paths):
        name = "stdin" if path == "-" else Path(path).name
        told, interface = parts_of_name(name, BUILT_IN)
        chosen = mode or told
        if chosen is None and interface is not None:
            unknown[name.partition(".")[0]] = None
        segments = (Segment(ALIASES.get(chosen, chosen)),) if chosen else ()
        captures.append(CaptureFile(path, name, segments, interface))
    return Audit(
        captures=_with_names(tuple(captures)),
        modes=PRESETS,
        zones=parse_zones(zones),
        target=tuple(check_address(address, "--target") for address in target),
        modes_by="--mode" if mode else "the file names of the captures",
        unknown_modes=tuple(unknown),
    )


def _with_names(captures: tuple[CaptureFile, ...]) -> tuple[CaptureFile, ...]:
    """Captures of the same file name are told apart by their folders."""
    names = [capture.name for capture in captures]
    return tuple(
        capture if names.count(capture.name) == 1 else replace(capture, name=capture.path) for capture in captures
    )


def parts_of_name(name: str, modes: Sequence[str]) -> tuple[str | None, str | None]:
    """Mode and interface that a file name of the form MODE.INTERFACE.….pcap tells, rotated or not.

    Where the mode is none of `modes`, what follows it is an interface if it looks like one: `ufw.wlp2s0.pcap`.
    """
    start, dot, rest = name.partition(".")
    # A mode may be called after a day: then only what follows it is a time.
    plain = start + piece_of(dot + rest).plain if start in modes else piece_of(name).plain
    mode, *parts = plain.split(".")
    while parts and parts[-1] in SUFFIXES:
        parts.pop()
    if mode == name:
        return None, None
    known = mode in modes
    told = mode if known else None
    if not parts or not (INTERFACE_NAME if known else LIKE_AN_INTERFACE).fullmatch(parts[0]):
        return told, None
    vlan = [part for part in parts[1:2] if part.isdigit()]  # eth0.100
    return told, ".".join(parts[:1] + vlan)


def parse_zones(options: tuple[str, ...]) -> dict[str, str]:
    """Zones from `--zone IFACE=ZONE` options."""
    zones = {}
    for option in options:
        key, equals, zone = option.partition("=")
        if not equals or not key or not zone:
            raise AuditError(f"--zone: is {option!r}, expected INTERFACE=ZONE or NETWORK=ZONE")
        zones[key] = zone
    return check_zones(zones, "--zone")


def check_zones(zones: dict[str, str], place: str) -> dict[str, str]:
    """Keys with a slash must be networks."""
    for key in zones:
        if "/" in key:
            try:
                ip_network(key)
            except ValueError as error:
                raise AuditError(f"{place}: is {key!r}, expected an interface or a network ({error})") from error
    return zones


def check_address(address: str, place: str) -> str:
    """An IP address in its usual form."""
    try:
        return str(ip_address(address))
    except ValueError as error:
        raise AuditError(f"{place}: is {address!r}, expected an IPv4 or IPv6 address") from error


def check_service(service: str, place: str) -> str:
    """A service as promises name it: tcp/22, udp/123 or the name of a module."""
    if service in MODULE_NAMES:
        return service
    match = SERVICE_PORT.fullmatch(service)
    if match and int(match[2]) <= 65535:
        return service
    names = ", ".join(sorted(MODULE_NAMES))
    raise AuditError(f"{place}: is {service!r}, expected tcp/PORT, udp/PORT or one of {names}")
