"""The pcap format: a file header of 24 octets, then records, which the core reads.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html, and the variants that libpcap reads.
"""

import struct
from dataclasses import dataclass

from capanalyze.errors import CaptureError

FILE_HEADER = 24
MICROSECONDS, NANOSECONDS = 1000, 1
# magic → (nanoseconds per unit, octets of a record's header)
MAGICS = {
    0xA1B2C3D4: (MICROSECONDS, 16),
    0xA1B23C4D: (NANOSECONDS, 16),
    0xA1B2CD34: (MICROSECONDS, 24),  # Kuznetzov's tcpdump: interface index, protocol and packet type behind
}


@dataclass(frozen=True)
class FileHeader:
    """The file header of a pcap capture."""

    big: bool
    nanoseconds_per_unit: int
    record_header: int
    swapped: int
    link_type: int
    snaplen: int


def is_pcap(octets: bytes) -> bool:
    """Whether a file that begins with these octets is a pcap capture."""
    return len(octets) >= 4 and any(struct.unpack(order + "I", octets[:4])[0] in MAGICS for order in "<>")


def read_file_header(octets: bytes, name: str) -> FileHeader:
    """The file header.

    Raises:
        CaptureError: it is cut short, or of a version that nobody wrote.
    """
    if len(octets) < FILE_HEADER:
        raise CaptureError(f"{name}: not a capture: the pcap header is cut after {len(octets)} of 24 octets")
    big = struct.unpack(">I", octets[:4])[0] in MAGICS
    order = ">" if big else "<"
    magic, major, minor, _, _, snaplen, network = struct.unpack(order + "IHHiIII", octets[:FILE_HEADER])
    # 543.0 was written by DG/UX's tcpdump
    if (major, minor) != (543, 0) and major != 2:
        raise CaptureError(f"{name}: not a capture that can be read: pcap version {major}.{minor}")
    units, header = MAGICS[magic]
    # libpcap: before version 2.3 the two lengths stand in the other order, in 2.3 (and DG/UX) they may
    swapped = 1 if (major, minor) < (2, 3) else 2 if (major, minor) in ((2, 3), (543, 0)) else 0
    return FileHeader(big, units, header, swapped, network & 0x03FFFFFF, snaplen)
