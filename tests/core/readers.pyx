# cython: language_level=3, binding=False
"""The readers of `octets.pxd` and of names, for `test_octets` to call."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core cimport octets as core
from capanalyze.core.octets cimport Octets
from capanalyze.protocols cimport _names as names


cdef Octets message(bytes captured, size):
    """Octets of a message, which live as long as the object."""
    return Octets(<const uint8_t *>captured, len(captured), len(captured) if size is None else size)


def read(str name not None, bytes captured not None, uint32_t at):
    """The number that a reader finds."""
    cdef Octets octets = message(captured, None)
    if name == "u8":
        return core.u8(octets, at)
    if name == "be16":
        return core.be16(octets, at)
    if name == "be24":
        return core.be24(octets, at)
    if name == "be32":
        return core.be32(octets, at)
    if name == "be48":
        return core.be48(octets, at)
    if name == "be64":
        return core.be64(octets, at)
    if name == "le16":
        return core.le16(octets, at)
    if name == "le32":
        return core.le32(octets, at)
    raise LookupError(name)


def holds(bytes captured not None, uint32_t at, uint32_t count):
    return bool(core.holds(message(captured, None), at, count))


def is_cut(bytes captured not None, size):
    return bool(core.is_cut(message(captured, size)))


def behind(bytes captured not None, size, uint32_t at):
    """What is captured of the rest, and how long it was on the wire."""
    cdef Octets rest = core.behind(message(captured, size), at)
    return rest.first[:rest.captured], rest.size


def within(bytes captured not None, size, uint32_t said):
    """What is captured of a layer that says how long it is, and how long it was on the wire."""
    cdef Octets start = core.within(message(captured, size), said)
    return start.first[:start.captured], start.size


def mix(uint64_t key, uint64_t value):
    return core.mix(key, value)


def digest(bytes captured not None, uint32_t at, uint32_t count):
    return core.digest(message(captured, None), at, count)


def find(bytes captured not None, uint32_t at, uint8_t octet):
    return core.find(message(captured, None), at, octet)


def name_at(bytes captured not None, uint32_t at):
    """The hash of the name there, and where it ends."""
    cdef names.Name name = names.name_at(message(captured, None), at)
    return name.hash, name.end


def skip_name(bytes captured not None, uint32_t at):
    return names.skip_name(message(captured, None), at)
