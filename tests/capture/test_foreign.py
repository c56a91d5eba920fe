"""What a file is that is no capture: files that other programs made, and records built by hand."""

import bz2
import gzip
import io
import lzma
import shutil
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from capanalyze.capture import open_capture
from capanalyze.capture.foreign import SIGNATURES, TEXTS, foreign
from capanalyze.errors import CaptureError
from tests.build import PEER, START, TARGET, datagram, ethernet, pcap
from tests.conftest import SHARED

FRAME = ethernet(datagram(PEER, 50000, TARGET, 123, bytes(48)))
CAPTURE = pcap([(START, FRAME)], link=1)
EVIDENCE = SHARED / "evidence"


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.pcap", CAPTURE)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("a.pcap")
        entry.size = len(CAPTURE)
        archive.addfile(entry, io.BytesIO(CAPTURE))
    return file.getvalue()


def erf(*times: int) -> bytes:
    """Records of type Ethernet, 60 octets of frame each, at these seconds."""
    return b"".join(
        struct.pack("<QBB", time << 32, 2, 4) + struct.pack(">HHH", 78, 0, 60) + bytes(62) for time in times
    )


def logged(order: str, *types: int) -> bytes:
    """Records of Apple's PacketLogger, three octets each."""
    return b"".join(
        struct.pack(
            order + "III",
            12,
            1_193_652_786,
            5,
        )
        + bytes([kind, 1, 2, 3])
        for kind in types
    )


def windows_trace() -> bytes:
    return struct.pack("<III", 65536, 600, 600) + bytes(0x3C) + b"\2\0\2\xc0" + bytes(600)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (lzma.compress(CAPTURE), "data compressed with xz: unpack it first: xz -d FILE"),
        (lzma.compress(CAPTURE, lzma.FORMAT_ALONE), "data compressed with lzma: unpack it first: lzma -d FILE"),
        (bz2.compress(CAPTURE), "data compressed with bzip2: unpack it first: bzip2 -d FILE"),
        (zipped(), "a zip archive: take the captures out of it first"),
        (tarred(), "a tar archive: take the captures out of it first"),
        (gzip.compress(tarred()), "gzip around a tar archive: take the captures out of it first"),
        (gzip.compress(lzma.compress(CAPTURE)), "gzip around data compressed with xz: unpack it first: xz -d FILE"),
        (erf(100, 100, 101), "a capture in Endace's format (ERF): convert it first: editcap -F pcapng FILE NEW.pcapng"),
        (erf(0, 100), "a capture in Endace's format (ERF): convert it first: editcap -F pcapng FILE NEW.pcapng"),
        (
            logged("<", 0, 1, 0xFC),
            "a Bluetooth log (Apple PacketLogger): it has no IP traffic; packets are recorded with tcpdump -w FILE",
        ),
        (
            logged(">", 3),
            "a Bluetooth log (Apple PacketLogger): it has no IP traffic; packets are recorded with tcpdump -w FILE",
        ),
        (
            windows_trace(),
            "a Windows event trace (.etl): convert it first: pktmon etl2pcap FILE",
        ),
        (bytes(5000), "nothing but zeros: its content was never written, or is lost"),
        ("Ein Schüsselchen\n".encode(), "text: packets are recorded with tcpdump -w FILE"),
        (
            "\ufeff#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n".encode("utf-16-le"),
            "a firewall log (Windows pfirewall.log): give the capture that was taken meanwhile",
        ),
        (b"<!DOCTYPE html>\n<html>", "a web page: download the capture itself"),
    ],
)
def test_the_line_says_what_the_file_is_and_what_to_do(tmp_path: Path, octets: bytes, said: str) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(octets)
    with pytest.raises(CaptureError) as caught:
        open_capture(str(path))
    assert str(caught.value) == f"x.pcap: not a capture but {said}"


@pytest.mark.parametrize(
    "octets",
    [
        erf(100, 99),
        erf(100)[:-1],
        erf(100) + b"\xff" * 20,
        logged("<", 4),
        logged("<", 0) + b"\xff" * 20,
        windows_trace()[:0x4B],
        bytes(range(128, 256)) * 4,
        b"\xd4",
        CAPTURE,
    ],
)
def test_what_only_looks_alike_is_not_named(octets: bytes) -> None:
    assert foreign(octets) is None


EDITCAP = {
    "snoop": "Solaris snoop",
    "netmon1": "Microsoft Network Monitor",
    "netmon2": "Microsoft Network Monitor",
    "ngsniffer": "Sniffer",
    "ngwsniffer_2_0": "Sniffer",
    "visual": "Visual Networks",
    "5views": "5View",
    "niobserver": "Observer",
}


@pytest.mark.skipif(not shutil.which("editcap"), reason="editcap is not installed")
@pytest.mark.parametrize(("form", "name"), EDITCAP.items())
def test_what_editcap_writes_is_known(tmp_path: Path, form: str, name: str) -> None:
    source, made = tmp_path / "a.pcap", tmp_path / "made"
    source.write_bytes(pcap([(START + number, FRAME) for number in range(3)], link=1))
    subprocess.run(["editcap", "-F", form, source, made], check=True, capture_output=True)
    found = foreign(made.read_bytes())
    assert found
    assert name in found.what
    assert found.advice == "convert it first: editcap -F pcapng FILE NEW.pcapng"


KINDS = {
    "firewall log": ("alf-", "filterlog", "ipfw", "leopard-alf", "netfilter", "nft-trace", "pf-text", "pfirewall",
                     "unified"),
    "sockets": ("lsof.", "lsof-fields", "netstat", "sockstat", "ss."),
    "nmap scan": ("nmap-",),
    "packets that tcpdump printed": ("tcpdump-text",),
    "firewall's rules": ("iptables-save", "nft-ruleset"),
}  # fmt: skip
SAMPLES = [
    (path, kind)
    for kind, starts in KINDS.items()
    for path in sorted(EVIDENCE.glob("*"))
    if path.name.startswith(starts) and not path.name.endswith(".expect.json")
]


@pytest.mark.skipif(not SAMPLES, reason="the samples of logs and lists are not at hand")
@pytest.mark.parametrize(("path", "kind"), SAMPLES, ids=lambda one: getattr(one, "name", ""))
def test_logs_lists_and_scans_are_known(path: Path, kind: str) -> None:
    found = foreign(path.read_bytes()[:4096])
    assert found
    assert kind in found.what


def test_no_signature_hides_another() -> None:
    for number, (offset, signature, what) in enumerate(SIGNATURES):
        assert foreign(bytes(offset) + signature) == what, number


def test_every_kind_says_what_to_do() -> None:
    told = [*(what for _, _, what in SIGNATURES), *(what for _, what in TEXTS)]
    assert all(one.what and one.advice for one in told)
