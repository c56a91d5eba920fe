"""Octets with faults in them, made by chance from octets without."""

import random
from collections.abc import Sequence

TELLING = (0, 1, 2, 3, 4, 8, 12, 16, 31, 32, 63, 64, 127, 128, 192, 255)


def with_faults(chance: random.Random, pool: Sequence[bytes]) -> bytes:
    """One of some octet strings, with one to eight faults."""
    octets = bytearray(chance.choice(pool))
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(octets))
        match chance.randrange(8):
            case 0:
                octets[at : at + 1] = bytes([chance.choice(TELLING)])
            case 1:
                octets[at : at + 1] = chance.randbytes(1)
            case 2:
                del octets[at:]
            case 3:
                del octets[at : at + chance.randint(1, 40)]
            case 4:
                octets[at:] = chance.choice(pool)[chance.randint(0, 40) :]
            case 5:
                other = chance.choice(pool)
                start = chance.randint(0, len(other))
                octets[at:at] = other[start : start + chance.randint(1, 80)]
            case 6:
                octets[at:at] = octets[at : at + chance.randint(1, 40)]
            case 7:
                octets += chance.randbytes(chance.choice((1, 8, 40)))
    return bytes(octets)
