"""tshark's dissection of a few frames, through pyshark; nothing else imports it.

tshark reads a file of evidence, never a capture, in a process that ends with this one's patience. Whatever becomes
of it, the answer is an `Opinion`: what was dissected, and in one line what was not and why.

pyshark keeps a packet's fields by name, without their order or depth, so that its parser is given a last step of our
own, which keeps the tree. Its own set-up of an event loop asks for what Python 3.14 has no more: it is handed ours,
which also decides how programs are started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace

from capanalyze.escape import printable
from capanalyze.model import Dissection, Expert, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 20.0  # seconds that tshark has
GRACE = 2.0  # seconds in which what was killed is gone
PAUSE = 0.005  # seconds between two looks at whether it is
MEMORY = 4 << 20  # KiB of addresses that it may use
# Starts a program with so much memory, where the system can limit it.
LIMITED = ("/bin/sh", "-c", f'ulimit -v {MEMORY} 2>/dev/null; exec "$0" "$@"')
MAX_PACKET = 16 << 20  # octets of what it says of one frame
MAX_FIELDS = 2000  # of a frame
MAX_NESTED = 24  # fields in fields
MAX_SHOWN = 400  # characters of a field
USER = "nobody"  # who runs it, where we are root
INSTALL = (
    "install it with `apt install tshark` (Debian, Ubuntu), `dnf install wireshark-cli` (Fedora), "
    "`brew install wireshark` (macOS) or from wireshark.org (Windows)"
)
PLACES = {
    "darwin": "/Applications/Wireshark.app/Contents/MacOS",
    "win32": r"C:\Program Files\Wireshark",
}
# The rest of a datagram, or of what a segment begins, may not be in the file.
FRAME_BY_FRAME = {
    "ip.defragment": "FALSE",
    "ipv6.defragment": "FALSE",
    "tcp.desegment_tcp_streams": "FALSE",
}
WRAPPER = "fake-field-wrapper"  # what PDML puts around fields that are in no layer
# Of the layers that Wireshark shows, those that are about the file, not about the frame.
ABOUT_THE_FILE = ("geninfo", "frame", "pkt_comment")
# Fields whose octets are not the frame's own: put together from several, or decrypted.
ELSEWHERE = frozenset({"ip.fragments", "ipv6.fragments", "quic.frame", "tcp.segments"})


@dataclass
class Opinion:
    """What tshark said.

    Attributes:
        dissections: by number of the frame, from 1.
        tshark: its version, None where it did not say.
        trouble: why frames are missing, one line; None where none are.
    """

    dissections: dict[int, Dissection] = field(default_factory=dict)
    tshark: str | None = None
    trouble: str | None = None


def find_tshark() -> str | None:
    """Where tshark is, if it is."""
    return shutil.which("tshark") or shutil.which("tshark", path=PLACES.get(sys.platform, ""))


def dissect(octets: bytes, frames: int, *, patience: float | None = None) -> Opinion:
    """Tshark's dissection of a capture of a few frames.

    Args:
        octets: of the pcapng file.
        frames: how many it holds.
        patience: seconds after which tshark is killed; None for the usual.
    """
    program = find_tshark()
    if program is None:
        return Opinion(trouble=f"tshark is not installed, so that no frame was dissected: {INSTALL}")
    if not frames:
        return Opinion()
    opinion = Opinion()
    try:
        # A file that tshark still holds open cannot be removed on Windows.
        with tempfile.TemporaryDirectory(prefix="capanalyze-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "evidence.pcapng"
            path.write_bytes(octets)
            end = _run(program, path, opinion, PATIENCE if patience is None else patience)
    except Exception as error:  # noqa: BLE001 - pyshark's, lxml's and the system's: they cost the depth, nothing else
        end = f"was of no use ({' '.join(str(error).split()) or type(error).__name__})"
    opinion.dissections = {n: one for n, one in opinion.dissections.items() if n <= frames}
    if missing := frames - len(opinion.dissections):
        opinion.trouble = printable(f"tshark {end}: {missing} of {frames} frames were not dissected", MAX_SHOWN)
    return opinion


def _run(program: str, path: Path, opinion: Opinion, patience: float) -> str:
    """Take in what tshark says of a file; how that ended."""
    import pyshark

    with _Loop(path.parent, patience) as loop:

        class Capture(pyshark.FileCapture):  # type: ignore[misc] # pyshark has no types
            """A capture whose packets keep their trees, and that waits for its program."""

            def _setup_tshark_output_parser(self) -> Any:
                return _parser(opinion)

            @property
            def last_words(self) -> str:
                """The last line that it wrote to stderr."""
                return self._last_error_line or ""

            def _created_new_process(self, _parameters: Any, process: Any, **_: Any) -> None:
                # pyshark's own takes a program that has ended by now for one that failed.
                self._running_processes.add(process)

            async def _cleanup_subprocess(self, process: Any) -> None:
                # pyshark's own kills a program that has just ended by itself, which loses its exit status; and
                # process.wait() waits for pipes too, which nobody empties any more.
                if not self._eof_reached:
                    loop.kill()
                while process.returncode is None:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(PAUSE)

        capture = Capture(
            str(path),
            tshark_path=program,
            eventloop=loop,
            keep_packets=False,
            override_prefs=FRAME_BY_FRAME,
            custom_parameters=["-2"],  # two passes, so that replies are known when requests are shown
        )
        with capture, contextlib.closing(iter(capture)) as packets:
            for number, dissection in packets:
                opinion.dissections[number] = dissection
        if loop.timed_out:
            return f"did not end within {patience:g} s and was stopped"
        return f"ended early ({capture.last_words})" if capture.last_words else "ended early"


# -- How it runs -------------------------------------------------------------------------------------

if sys.platform == "win32":
    _Base = asyncio.ProactorEventLoop
else:
    _Base = asyncio.SelectorEventLoop


class _Loop(_Base):
    """An event loop whose programs run confined, and end with it or before.

    Args:
        folder: where they run; holds their settings, of which there are none.
        patience: seconds after which they are killed.
    """

    def __init__(self, folder: Path, patience: float) -> None:
        super().__init__()
        self._folder = folder
        self._patience = patience
        self._started: list[asyncio.SubprocessTransport] = []
        self.timed_out = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.run_until_complete(self._end())
        self.close()

    async def subprocess_exec(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """As asyncio does, with less room, fewer rights and less time."""
        options |= {"stdin": asyncio.subprocess.DEVNULL, "cwd": self._folder, "env": _environment(self._folder)}
        options |= _rights(self._folder)
        if sys.platform != "win32":
            args = (*LIMITED, *args)
        transport, protocol = await super().subprocess_exec(protocol_factory, *args, **options)
        self._started.append(transport)
        self.call_later(self._patience, self._time_out)
        return transport, protocol

    def _time_out(self) -> None:
        self.timed_out = True
        self.kill()
        self.call_later(GRACE, self._close_pipes)

    def kill(self) -> None:
        """Kill what was started, and what that started: a pipe that any of them holds would keep us waiting."""
        for process in (one.get_pid() for one in self._started):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if sys.platform == "win32":
                    os.kill(process, signal.SIGTERM)
                else:
                    os.killpg(process, signal.SIGKILL)

    async def _end(self) -> None:
        """Wait for what was killed, and let go of it."""
        end = self.time() + GRACE
        while any(one.get_returncode() is None for one in self._started) and self.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE)
        self._close_pipes()
        await asyncio.sleep(0)

    def _close_pipes(self) -> None:
        """Read no more, whoever may still hold the other end."""
        for transport in self._started:
            transport.close()


def _environment(folder: Path) -> dict[str, str]:
    """Variables of a process that has nobody's settings: no preferences, no profile, no plugins or Lua of a user."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    own = {"HOME": folder, "WIRESHARK_CONFIG_DIR": folder / "settings", "WIRESHARK_PLUGIN_DIR": folder / "plugins"}
    return kept | {name: str(value) for name, value in own.items()} | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _rights(folder: Path) -> dict[str, Any]:
    """How to start a process in a group of its own and, where we are root, as nobody, who then owns the folder."""
    if sys.platform == "win32":
        return {}
    import pwd

    own: dict[str, Any] = {"start_new_session": True}
    if os.geteuid() != 0:
        return own
    try:
        user = pwd.getpwnam(USER)
        for path in (folder, *folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
    except (KeyError, OSError):
        return own
    return own | {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


# -- What it says ------------------------------------------------------------------------------------


def _parser(opinion: Opinion) -> Any:
    """The parser that pyshark has for PDML, with packets as (number, dissection)."""
    from lxml import etree
    from pyshark.tshark.output_parser.tshark_xml import DEL_BAD_XML_CHARS, TsharkXmlParser

    class Parser(TsharkXmlParser):  # type: ignore[misc] # pyshark has no types
        """Notes the version too, which stands before the first packet."""

        def _extract_packet_from_data(self, data: bytes, got_first_packet: bool = True) -> Any:
            if len(data) > MAX_PACKET:
                raise ValueError(f"more than {MAX_PACKET >> 20} MiB about one frame")
            if opinion.tshark is None:
                opinion.tshark = _version(data)
            return super()._extract_packet_from_data(data, got_first_packet)

        def _parse_single_packet(self, packet: bytes) -> tuple[int, Dissection]:
            text = packet.decode("utf-8", "replace").translate(DEL_BAD_XML_CHARS)
            reader = etree.XMLParser(recover=True, huge_tree=True, resolve_entities=False, no_network=True)
            return read_packet(etree.fromstring(text.encode(), reader))

    return Parser()


def _version(data: bytes) -> str | None:
    """The version in PDML's first element: `creator="wireshark/4.0.17"`."""
    _, found, rest = data.partition(b'creator="wireshark/')
    version, end, _ = rest[:80].partition(b'"')
    return printable(version.decode("utf-8", "replace"), 40) if found and end else None


def read_packet(packet: Any) -> tuple[int, Dissection]:
    """Number and dissection of one packet of PDML (https://wiki.wireshark.org/PDML).

    Raises:
        ValueError: it is none.
    """
    if packet is None or packet.tag != "packet":
        raise ValueError("it did not write PDML")
    number, protocols, layers = 0, [], []
    whole = 0
    experts: list[Expert] = []
    left = iter(range(MAX_FIELDS))
    for proto in packet.iterchildren("proto"):
        name = proto.get("name", "")
        if name == "geninfo":
            number = _number(_child(proto, "num").get("show", ""))
        if name == "frame":
            whole = _number(proto.get("size", ""))
            protocols = [one for one in _child(proto, "frame.protocols").get("show", "").split(":") if one]
        if name not in ABOUT_THE_FILE:
            experts += _experts(proto)
            layers += _lines(proto, left, 0)
    if number < 1:
        raise ValueError("it did not number its packets")
    names = [printable(one, 40) for one in protocols]
    return number, Dissection(protocols=names, layers=_within(layers, whole), experts=experts)


def _child(proto: Any, name: str) -> Any:
    found = [one for one in proto.iterchildren("field") if one.get("name") == name]
    return found[0] if found else {}


def _lines(element: Any, left: Iterator[int], depth: int) -> list[Field]:
    """A field and those below it; what Wireshark hides makes room for what stands below."""
    if depth == MAX_NESTED or next(left, None) is None:
        return []
    below = [line for child in element.iterchildren("field", "proto") for line in _lines(child, left, depth + 1)]
    name = element.get("name", "")
    if element.get("hide") == "yes" or name == WRAPPER:
        return below
    shown = element.get("showname") or element.get("show") or name
    line = Field(
        name=printable(name, 80),
        shown=printable(shown, MAX_SHOWN),
        offset=_number(element.get("pos", "")),
        size=_number(element.get("size", "")),
        value=printable(element.get("show", ""), MAX_SHOWN),
        fields=below,
    )
    return [_without_place(line) if name in ELSEWHERE else line]


def _within(layers: list[Field], whole: int) -> list[Field]:
    """Layers with the places of those alone that stand in the frame itself, which has `whole` octets.

    One that begins no later than what carries it stands in octets put together from several frames; but what takes up
    the whole frame may wrap it.
    """
    begin = -1
    for number, layer in enumerate(layers):
        if layer.size and layer.offset <= begin:
            return layers[:number] + [_without_place(one) for one in layers[number:]]
        if 0 < layer.size < whole:
            begin = layer.offset
    return layers


def _without_place(line: Field) -> Field:
    """A field that stands in no octets of the frame."""
    return replace(line, offset=0, size=0, fields=[_without_place(one) for one in line.fields])


def _experts(proto: Any) -> Iterator[Expert]:
    """Wireshark's expert information: severity and group as it names them."""
    for item in proto.iter("field"):
        if item.get("name") == "_ws.expert":
            said = {one.get("name"): one for one in item.iter("field")}

            message = _attribute(said, "_ws.expert.message", "show") or item.get("showname", "")
            yield Expert(
                severity=_attribute(said, "_ws.expert.severity", "showname").rpartition(": ")[2],
                group=_attribute(said, "_ws.expert.group", "showname").rpartition(": ")[2],
                message=printable(message, MAX_SHOWN),
            )


def _attribute(fields: dict[str, Any], name: str, attribute: str) -> str:
    return printable(fields[name].get(attribute, ""), MAX_SHOWN) if name in fields else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
