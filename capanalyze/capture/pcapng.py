"""The pcapng format: blocks, in sections, with interfaces.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html. Blocks that hold frames are read in
the core, all others here (`Blocks`).
"""

import struct
from collections.abc import Iterator

from capanalyze.capture.interface import Interface
from capanalyze.capture.records import MAX_RECORD
from capanalyze.errors import CaptureError

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION, PACKET, SIMPLE_PACKET, NAME_RESOLUTION, INTERFACE_STATISTICS, ENHANCED_PACKET = range(1, 7)
BYTE_ORDER_MAGIC = 0x1A2B3C4D
VERSION = 1
EPB_FLAGS = 2
PROMISCUOUS = 4  # reception type: for another host
# Blocks without a packet that Wireshark numbers as frames: systemd journal entries, Sysdig events, custom blocks.
RECORDS = (9, 0x204, 0x216, 0x221, 0x00000BAD, 0x40000BAD)
FRAMES = (PACKET, SIMPLE_PACKET, ENHANCED_PACKET, *RECORDS)
MAX_INTERFACES = 16384  # of all sections
MAX_BLOCK = MAX_RECORD + 1024 * 1024
MAX_SECONDS = 1 << 59  # more than any calendar holds; twice as much still is less than NO_TIME


def is_pcapng(octets: bytes) -> bool:
    """Whether a file that begins with these octets is a pcapng capture."""
    return octets[:4] == b"\x0a\x0d\x0d\x0a" and octets[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")


def check_version(first: bytes, name: str) -> None:
    """See that a capture that begins with these octets is of the one version that there is.

    Raises:
        CaptureError: it is of another one.
    """
    order = ">" if first[8] == 0x1A else "<"
    versions = struct.unpack_from(order + "HH", first, 12) if len(first) >= 16 else (VERSION, 0)
    if versions[0] != VERSION:
        raise CaptureError(f"{name}: not a capture that can be read: pcapng version {versions[0]}.{versions[1]}")


class Blocks:
    """The blocks that are not frames: sections, interfaces, statistics; all others are passed over."""

    def __init__(self) -> None:
        self.interfaces: list[Interface] = []
        self.big = False
        self.first_interface = 0
        self.sections = 0
        self.left_out = 0  # interfaces
        self.notes: list[str] = []

    def length(self, octets: bytes, at: int) -> int:
        """Octets of the block at `at`, 0 where it cannot be a block; needs 12 octets."""
        if octets[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            magic = octets[at + 8 : at + 12]
            if magic not in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
                return 0
            order = ">" if magic[0] == 0x1A else "<"
        else:
            order = self._order
        length = int(struct.unpack_from(order + "I", octets, at + 4)[0])
        return length if 12 <= length <= MAX_BLOCK and length % 4 == 0 else 0

    def is_frame(self, octets: bytes, at: int) -> bool:
        """Whether the core reads the block at `at`."""
        return struct.unpack_from(self._order + "I", octets, at)[0] in FRAMES

    def read(self, block: bytes) -> bool:
        """Take in one whole block; False where it contradicts itself and reading must end."""
        if block[4:8] != block[-4:]:
            return False
        if block[:4] == b"\x0a\x0d\x0d\x0a":
            return self._section(block)
        kind = struct.unpack_from(self._order + "I", block)[0]
        if kind in FRAMES:  # the core found it too short to be one
            return False
        body = block[8:-4]
        if kind == INTERFACE_DESCRIPTION:
            return self._interface(body)
        if kind == INTERFACE_STATISTICS:
            self._statistics(body)
        return True

    @property
    def _order(self) -> str:
        return ">" if self.big else "<"

    def _section(self, block: bytes) -> bool:
        if len(block) < 28:
            return False
        self.big = block[8] == 0x1A
        major = struct.unpack_from(self._order + "H", block, 12)[0]
        if major != VERSION:
            self.notes.append(f"section {self.sections + 1} has pcapng version {major}, which is not read")
            return False
        self.sections += 1
        self.first_interface = len(self.interfaces)
        return True

    def _interface(self, body: bytes) -> bool:
        if len(body) < 8:
            return False
        if len(self.interfaces) == MAX_INTERFACES:
            if not self.left_out:
                self.notes.append(f"more than {MAX_INTERFACES:,} interfaces: frames of the rest are counted, not read")
            self.left_out += 1
            return True
        link_type, _, snaplen = struct.unpack_from(self._order + "HHI", body)
        found = Interface(link_type=link_type, snaplen=snaplen, section=self.sections)
        for code, value in self._options(body, 8):
            if code == 2:
                found.name = text(value)
            elif code == 4 and len(value) >= 4:
                found.addresses.append(".".join(str(octet) for octet in value[:4]))
            elif code == 5 and len(value) >= 16:
                found.addresses.append(ipv6_text(value[:16]))
            elif code == 9 and len(value) >= 1:
                found.set_resolution(value[0])
            elif code == 14 and len(value) == 8:
                found.offset = max(-MAX_SECONDS, min(MAX_SECONDS, struct.unpack(self._order + "q", value)[0]))
        self.interfaces.append(found)
        return True

    def _statistics(self, body: bytes) -> None:
        if len(body) < 12:
            return
        number = self.first_interface + struct.unpack_from(self._order + "I", body)[0]
        if number >= len(self.interfaces):
            return
        for code, value in self._options(body, 12):
            if code in (5, 7) and len(value) == 8:  # isb_ifdrop, isb_osdrop: running totals
                dropped = struct.unpack(self._order + "Q", value)[0]
                known = self.interfaces[number].dropped or 0
                self.interfaces[number].dropped = max(known, dropped)

    def _options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= len(body):
            code, length = struct.unpack_from(self._order + "HH", body, at)
            if code == 0 or at + 4 + length > len(body):
                return
            yield code, body[at + 4 : at + 4 + length]
            at += 4 + (length + 3) // 4 * 4


def text(value: bytes) -> str:
    """A UTF-8 string of an option, up to its first NUL."""
    return value.split(b"\0")[0].decode("utf-8", "replace")


def ipv6_text(value: bytes) -> str:
    """An IPv6 address as text."""
    from ipaddress import IPv6Address

    return str(IPv6Address(value))
