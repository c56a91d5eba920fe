"""tshark's dissection of a capture: the fields of each frame in their order, read from PDML."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse

import pytest

LAYERS = (
    *("ntp", "nbns", "dns", "mdns", "llmnr", "kerberos", "snmp", "cldap", "nbdgm", "smb", "browser", "mailslot"),
    *("dhcp", "dhcpv6", "isakmp", "stun", "classicstun", "quic", "gquic", "nat-pmp", "portcontrol", "rpc", "portmap"),
    *("srvloc", "tftp", "coap", "cups", "ssdp", "http", "sip", "ssh", "smb2", "tls", "ftp", "time", "daytime"),
    *("chargen", "icmp", "icmpv6", "data"),
)
# Each frame by itself, as capanalyze decodes it; two passes, as some links point from the request on.
PREFERENCES = ("ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE")
# XML 1.0 has no way to write these; tshark writes them as they are.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NUMBERED = re.compile(r"(.*) \(\d+\)")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name (empty for a line of text), its value as shown, the whole line, and its octets in hex."""

    name: str
    show: str
    line: str
    value: str

    @property
    def octets(self) -> bytes:
        """The octets that the field covers."""
        return bytes.fromhex(self.value)

    @property
    def said(self) -> str:
        """What the line says behind its label: `net-snmp (8072)`."""
        return self.line.partition(": ")[2]

    @property
    def named(self) -> str:
        """The same without the number behind a name: `net-snmp`."""
        found = NUMBERED.fullmatch(self.said)
        return found[1] if found else self.said


@dataclass(frozen=True, slots=True)
class Frame:
    """The dissection of one frame: its layers, each with its line, and all fields in the order of their tree."""

    layers: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()

    def all(self, *names: str) -> list[Field]:
        """The fields of these names."""
        return [one for one in self.fields if one.name in names]

    def shown(self, *names: str) -> list[str]:
        """Their values, those that are empty left out."""
        return [one.show for one in self.all(*names) if one.show]

    def number(self, name: str) -> int:
        """The first field of a name as a number; -1 where there is none."""
        found = self.shown(name)
        return int(found[0], 0) if found else -1

    def parts(self, *names: str) -> Iterator["Frame"]:
        """The fields from each field of these names on, up to the next one: record by record."""
        starts = [at for at, one in enumerate(self.fields) if one.name in names]
        for start, end in pairwise([*starts, len(self.fields)]):
            yield Frame(self.layers, self.fields[start:end])


class Frames(dict[int, Frame]):
    """Frames by number; those in which tshark finds nothing that is asked for are empty."""

    def __missing__(self, number: int) -> Frame:
        return Frame()


@cache
def dissect(path: Path) -> Frames:
    """The frames of a capture in which tshark finds one of `LAYERS`."""
    if not shutil.which("tshark"):
        pytest.skip("tshark is not here")
    preferences = [word for preference in PREFERENCES for word in ("-o", preference)]
    shown = ["-T", "pdml", "-J", " ".join(LAYERS), "-Y", " or ".join(LAYERS)]
    command = ["tshark", "-2", "-n", "-r", str(path), *preferences, *shown]
    result = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
    text = UNWRITABLE.sub("\ufffd", result.stdout.decode("utf-8", "replace"))
    return Frames(_frames(text))


def _frames(text: str) -> Iterator[tuple[int, Frame]]:
    """Each packet element, let go once it is read."""
    for _, element in iterparse(StringIO(text)):
        if element.tag == "packet":
            number = int(element[0][0].get("show", ""))
            layers = [layer for layer in element if layer.get("name") not in ("geninfo", "frame")]
            fields = tuple(_field(one) for layer in layers for one in layer.iter("field"))
            yield number, Frame({layer.get("name", ""): layer.get("showname", "") for layer in layers}, fields)
            element.clear()


def _field(element: Element) -> Field:
    return Field(*(element.get(key, "") for key in ("name", "show", "showname", "value")))
