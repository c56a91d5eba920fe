"""Captures as files: pcap and pcapng record headers around frames, gzip and zstd around all of it."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tests.build import START, interface, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.bench.dice import Numbers
    from tests.bench.frames import Group, Octets

ETHERNET, SNAPLEN = 1, 262_144
MICROSECONDS = 1_000_000
GZIP_LEVEL, ZSTD_LEVEL = 2, 3

PCAP_RECORD = np.dtype([("seconds", "<u4"), ("micros", "<u4"), ("captured", "<u4"), ("size", "<u4")])
ENHANCED_BLOCK = np.dtype(
    [(name, "<u4") for name in ("kind", "length", "interface", "high", "low", "captured", "size")]
)


class Writable(Protocol):
    """What octets are written to."""

    def write(self, octets: Any, /) -> Any:
        """Write all of them."""
        ...


@dataclass(frozen=True)
class Assembled:
    """A piece of a file, and the place in it (from 0) of every frame of every group."""

    octets: Octets
    places: list[Numbers]


class Pcap:
    """Records with a header of sixteen octets, in microseconds."""

    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, ETHERNET)
    record = PCAP_RECORD.itemsize
    tail = 0
    align = 1

    @staticmethod
    def headers(times: Numbers, lengths: Numbers) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """The header of each record."""
        heads = np.empty(len(times), PCAP_RECORD)
        seconds, heads["micros"] = np.divmod(times, MICROSECONDS)
        heads["seconds"] = seconds + START
        heads["captured"] = heads["size"] = lengths
        return heads


class Pcapng:
    """Enhanced packet blocks of one interface."""

    head = section() + interface(ETHERNET, snaplen=SNAPLEN)
    record = ENHANCED_BLOCK.itemsize
    tail = 4
    align = 4

    @classmethod
    def headers(cls, times: Numbers, lengths: Numbers) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """The header of each block."""
        heads = np.empty(len(times), ENHANCED_BLOCK)
        since = times + START * MICROSECONDS
        heads["kind"], heads["interface"] = 6, 0
        heads["high"], heads["low"] = since >> 32, since & 0xFFFFFFFF
        heads["captured"] = heads["size"] = lengths
        heads["length"] = cls.record + cls.tail + (lengths + cls.align - 1) // cls.align * cls.align
        return heads


def assemble(groups: Sequence[Group], container: type[Pcap | Pcapng]) -> Assembled:
    """Records of all frames in order of time; of those with the same time, in order of the groups."""
    times = np.concatenate([group.times for group in groups])
    lengths = np.concatenate([np.full(len(group.times), group.octets.shape[1], np.int64) for group in groups])
    order = in_order(times)
    times, lengths = times[order], lengths[order]
    heads = container.headers(times, lengths)
    sizes = container.record + container.tail + (lengths + container.align - 1) // container.align * container.align
    ends = np.cumsum(sizes)
    starts = ends - sizes
    octets = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    if len(ends):
        put(octets, starts, heads.view(f"V{container.record}"))
        if container.tail:
            put(octets, ends - container.tail, np.ascontiguousarray(heads["length"]).view(f"V{container.tail}"))
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    places = np.split(ranks, np.cumsum([len(group.times) for group in groups])[:-1])
    for group, place in zip(groups, places, strict=True):
        if len(place):
            frames = group.octets.view(f"V{group.octets.shape[1]}")[:, 0]
            put(octets, starts[place] + container.record, frames)
    return Assembled(octets, places)


def in_order(times: Numbers) -> Numbers:
    """The order of times; equal ones keep theirs."""
    if not len(times):
        return times
    bits = len(times).bit_length()
    keys = (times - np.min(times)) << bits | np.arange(len(times))
    keys.sort()
    return keys & ((1 << bits) - 1)


def put(octets: Octets, offsets: Numbers, pieces: np.ndarray[tuple[int], np.dtype[np.void]]) -> None:
    """Copy pieces of one size to these offsets."""
    size = pieces.dtype.itemsize
    every = np.ndarray((len(octets) - size + 1,), f"V{size}", buffer=octets, strides=(1,))
    every[offsets] = pieces


@contextmanager
def compressed(path: Path, suffix: str) -> Iterator[Writable]:
    """A file to write to, compressed if the suffix says so; the same octets always make the same file."""
    with path.open("wb") as plain:
        if suffix == ".gz":
            from isal import igzip

            with igzip.IGzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=plain, mtime=0) as packed:
                yield packed
        elif suffix == ".zst":
            import zstandard

            with zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(plain, closefd=False) as packed:
                yield packed
        else:
            yield plain
