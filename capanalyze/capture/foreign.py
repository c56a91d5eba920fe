"""What a file is that is no capture, told by its first octets, and what to do about it.

Binary formats have signatures: those of packers and archives are in their specifications and in file(1), those of
other analysers' captures in Wireshark's wiretap/*.c. ERF (Endace's EDM01-23) and Apple's PacketLogger have none; they
are told by records that fit together. Text is told by lines that only one kind of it has.
"""

import re
import struct
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from typing import NamedTuple


class Foreign(NamedTuple):
    """What a file is, and the way out."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}"


CONVERT = "convert it first: editcap -F pcapng FILE NEW.pcapng"
RECORD = "packets are recorded with tcpdump -w FILE"
TAKE_OUT = "take the captures out of it first"
BESIDE = "give the capture that was taken meanwhile"
ON_SCANNED = "give a capture that was taken on the host that was scanned"
NO_IP = f"it has no IP traffic; {RECORD}"


def packed(tool: str) -> Foreign:
    """What is compressed with a tool that also unpacks it."""
    return Foreign(f"data compressed with {tool}", f"unpack it first: {tool} -d FILE")


def archive(name: str) -> Foreign:
    """A file of files."""
    return Foreign(f"{name} archive", TAKE_OUT)


def of_analyser(name: str) -> Foreign:
    """A capture in a format that Wireshark reads."""
    return Foreign(f"a capture in {name}'s format", CONVERT)


def printed(name: str) -> Foreign:
    """Packets in words."""
    return Foreign(name, RECORD)


def log_of(name: str) -> Foreign:
    """What a firewall wrote."""
    return Foreign(f"a firewall log ({name})", BESIDE)


# Octets that stand at an offset.
SIGNATURES: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"\xfd7zXZ\x00", packed("xz")),
    (0, b"BZh", packed("bzip2")),
    (0, b"\x04\x22\x4d\x18", packed("lz4")),
    (0, b"\x02\x21\x4c\x18", packed("lz4")),
    (0, b"LZIP", packed("lzip")),
    (0, b"\x89LZO\x00\x0d\x0a\x1a\x0a", packed("lzop")),
    (0, b"\x5d\x00\x00", packed("lzma")),
    (0, b"\x1f\x9d", packed("compress")),
    (0, b"\xff\x06\x00\x00sNaPpY", packed("snzip")),
    (0, b"PK\x03\x04", archive("a zip")),
    (0, b"PK\x05\x06", archive("a zip")),
    (0, b"7z\xbc\xaf\x27\x1c", archive("a 7z")),
    (0, b"Rar!\x1a\x07", archive("a rar")),
    (0, b"MSCF\x00\x00\x00\x00", archive("a cab")),
    (0, b"070701", archive("a cpio")),
    (0, b"!<arch>\n", archive("an ar")),
    (257, b"ustar", archive("a tar")),
    (0, b"snoop\x00\x00\x00", of_analyser("Solaris snoop")),  # RFC 1761
    (0, b"iptrace 1.0", of_analyser("AIX iptrace")),
    (0, b"iptrace 2.0", of_analyser("AIX iptrace")),
    (0, b"RTSS", of_analyser("Microsoft Network Monitor")),
    (0, b"GMBU", of_analyser("Microsoft Network Monitor")),
    (0, b"TRSNIFF data    \x1a", of_analyser("Sniffer")),
    (0, b"XCP\x00", of_analyser("Sniffer")),
    (0, b"VL\x00\x00", of_analyser("NetXRay")),
    (0, b"TR\x00d\x00", of_analyser("HP-UX nettl")),
    (0, b"\x05VNF", of_analyser("Visual Networks")),
    (0, b"\xaa\xaa\xaa\xaa", of_analyser("5View")),
    (0, b"ObserverPktBuffe", of_analyser("Observer")),
    (0, b"\x7fver", of_analyser("OmniPeek")),
    (0, b"\x00\x00\x02\x00\x12\x05\x00\x10", of_analyser("Tektronix K12")),
    (0, b"\x1c\x00\x01\xac", of_analyser("Ixia lcap")),
    (0, b"\xac\x01\x00\x1c", of_analyser("Ixia lcap")),
    (0, b"EyeSDN", Foreign("an ISDN trace (EyeSDN)", NO_IP)),
    (0, b"btsnoop\x00", Foreign("a Bluetooth log (btsnoop)", NO_IP)),
    (0, b"ElfFile\x00", Foreign("a Windows event log", BESIDE)),
    (0, b"LPKSHHRH", Foreign("a systemd journal", BESIDE)),
    (0, b"\x7fELF", Foreign("a program", RECORD)),
    (0, b"MZ\x90\x00", Foreign("a program", RECORD)),
    (0, b"%PDF-", Foreign("a PDF document", RECORD)),
    (0, b"PAR1", Foreign("a table of rows (Parquet)", "give the captures that it was made of")),
    (0, b"Salted__", Foreign("encrypted (openssl enc)", "decrypt it first")),
    (0, b"age-encryption.org/", Foreign("encrypted (age)", "decrypt it first")),
    (0, b"-----BEGIN PGP", Foreign("encrypted or signed (PGP)", "decrypt it first")),
)

# Lines of text, the first that is found.
TEXTS: tuple[tuple[str, Foreign], ...] = (
    (r"\Aversion https://git-lfs\.", Foreign("a pointer of Git LFS", "fetch the file itself: git lfs pull")),
    (r"<nmaprun\b|<!DOCTYPE nmaprun", Foreign("an nmap scan (XML)", ON_SCANNED)),
    (r"^# Nmap [\d.]+ scan|^Starting Nmap |^Nmap scan report for |^Host: \S+ \(.*\)\s+(Status|Ports): ",
     Foreign("an nmap scan", ON_SCANNED)),
    (r"^\d{1,5}/(tcp|udp) +(open|closed|filtered)\b", Foreign("an nmap scan", ON_SCANNED)),
    (r"<pdml\b|<psml\b", printed("packets printed as XML (PDML, PSML)")),
    (r"\A\s*<(!doctype html|html)\b", Foreign("a web page", "download the capture itself")),
    (r'"_index": *"packets-', printed("packets printed as JSON (tshark)")),
    (r'"format": *"capanalyze-report"', Foreign("a report of capanalyze", "give the captures that it was made of")),
    (r"^#Fields: date time action protocol|^#Software: Microsoft Windows Firewall|^#Version?: 1\.\d\s",
     log_of("Windows pfirewall.log")),
    (r"\bSRC=\S+ DST=\S+ .*PROTO=", log_of("netfilter, ufw")),
    (r"^trace id [0-9a-f]{8} ", log_of("nft trace")),
    (r"\bFirewall\[\d+\]: (Allow|Deny|Stealth)|\bsocketfilterfw\[\d+\]|com\.apple\.alf",
     log_of("macOS application firewall")),
    (r"Stealth Mode connection attempt to", log_of("macOS application firewall")),
    (r"\bipfw: *\d+ (Deny|Accept|Reject|Unreach|Reset) ", log_of("ipfw")),
    (r"\bfilterlog(\[\d+\])?: ", log_of("pf, filterlog")),
    (r"\brule \S+\((match|short)\):? (block|pass) (in|out) on ", log_of("pf")),
    (r"^\*(filter|nat|mangle|raw)$|^table (inet|ip|ip6|arp|bridge|netdev) \S+ \{",
     Foreign("a firewall's rules (nft, iptables-save)", BESIDE)),
    (r"^COMMAND +PID +(TID +)?(TASKCMD +)?USER +FD +TYPE", Foreign("a list of open sockets (lsof)", BESIDE)),
    (r"\Ap\d+[\n\0](.*[\n\0])*f\w+[\n\0]", Foreign("a list of open sockets (lsof -F)", BESIDE)),
    (r"^Active (Internet connections|Connections)", Foreign("a list of sockets (netstat)", BESIDE)),
    (r"^(Netid +)?State +Recv-Q +", Foreign("a list of sockets (ss)", BESIDE)),
    (r"^USER +COMMAND +PID +FD ", Foreign("a list of sockets (sockstat)", BESIDE)),
    (r"^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{6} (\(.*?\) )?(\S+ +)?(In +|Out +|B +|M +|P +)?(IP6?|ARP)\b",
     printed("the packets that tcpdump printed")),
    (r"^\s*\d+\s+\d+\.\d{6,9}\s+\S+ (→|->) \S+ ", printed("the packets that tshark printed")),
    (r"^No\.\s+Time\s+Source\s+Destination", printed("the packets that Wireshark printed")),
    (r'^"No\.","Time","Source","Destination"', printed("the packets that Wireshark printed")),
    (r"^\s*(0x)?0000:?  ?([0-9a-f]{2} ?){8}", Foreign("a hex dump", "make a capture of it: text2pcap FILE NEW.pcap")),
    (r"^\[(modes|target|zones)\b", Foreign("an audit file by its content", "let its name end in .toml")),
)  # fmt: skip
PATTERNS = [(re.compile(pattern, re.MULTILINE | re.IGNORECASE), foreign) for pattern, foreign in TEXTS]
TEXT = Foreign("text", RECORD)
ZEROS = Foreign("nothing but zeros", "its content was never written, or is lost")

TEXT_OCTETS = frozenset(range(0x20, 0x7F)) | frozenset(b"\0\t\n\f\r\x1b")  # lsof -F0 parts fields by NUL
PACKET_LOGGER_TYPES = frozenset((*range(4), *range(8, 12), *range(0xF7, 0xFF)))
ERF_HEADER, ERF_TYPES = 16, range(1, 49)
LOGGER_HEADER, LOGGER_LEAST = 12, 9  # octets of length and time; what the least length counts


def foreign(first: bytes) -> Foreign | None:
    """What a file is that begins with these octets and is no capture; None where nobody can tell.

    The more octets the surer: 4,096 are enough.
    """
    for offset, signature, what in SIGNATURES:
        if first[offset : offset + len(signature)] == signature:
            return what
    if not first.strip(b"\0"):
        return ZEROS
    return _text(first) or next((what for fits, what in BY_STRUCTURE if fits(first)), None)


def _text(first: bytes) -> Foreign | None:
    """The kind of text that it is, if it is text."""
    for mark, encoding in ((BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be"), (BOM_UTF8, "utf-8")):
        if first.startswith(mark):
            text = first[len(mark) :].decode(encoding, "replace")
            break
    else:
        if not all(octet in TEXT_OCTETS or octet >= 0x80 for octet in first) or not _is_mostly_ascii(first):
            return None
        text = first.decode("utf-8", "replace")
    text = text.replace("\r\n", "\n")
    return next((what for pattern, what in PATTERNS if pattern.search(text)), TEXT)


def _is_mostly_ascii(first: bytes) -> bool:
    return 4 * sum(octet in TEXT_OCTETS for octet in first) >= 3 * len(first)


def _is_windows_trace(first: bytes) -> bool:
    """Whether a header of Windows' event tracing (.etl) stands behind that of its first buffer."""
    if len(first) < 0x4C or first[0x4B] != 0xC0 or first[0x4A] not in (1, 2):
        return False
    size, saved, _ = struct.unpack_from("<III", first)
    return size % 1024 == 0 and 0x48 <= saved <= size


def _is_erf(first: bytes) -> bool:
    """Whether records of Endace's format stand behind each other, with times that do not run back."""
    at = number = before = 0
    while at + ERF_HEADER <= len(first):
        time, kind, _, length = struct.unpack_from("<QBB", first, at) + struct.unpack_from(">H", first, at + 10)
        if kind & 0x7F not in ERF_TYPES or length < ERF_HEADER or time >> 32 < before >> 32:
            return False
        at, before, number = at + length, time, number + 1
    return number > 1 or (number == 1 and at == len(first))


def _is_packet_logger(first: bytes) -> bool:
    """Whether records of Apple's PacketLogger stand behind each other, in either byte order."""
    return any(_are_logged(first, order) for order in "<>")


def _are_logged(first: bytes, order: str) -> bool:
    at = number = 0
    while at + LOGGER_HEADER < len(first):
        length, seconds, micros = struct.unpack_from(order + "III", first, at)
        if not LOGGER_LEAST <= length < 1 << 16 or micros >= 1_000_000 or not seconds:
            return False
        if first[at + LOGGER_HEADER] not in PACKET_LOGGER_TYPES:
            return False
        at, number = at + 4 + length, number + 1
    return number > 1 or (number == 1 and at == len(first))


BY_STRUCTURE: tuple[tuple[Callable[[bytes], bool], Foreign], ...] = (
    (
        _is_windows_trace,
        Foreign("a Windows event trace (.etl)", "convert it first: pktmon etl2pcap FILE"),
    ),
    (_is_packet_logger, Foreign("a Bluetooth log (Apple PacketLogger)", NO_IP)),
    (_is_erf, Foreign("a capture in Endace's format (ERF)", CONVERT)),
)
