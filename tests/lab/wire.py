"""Two tun devices joined back to back: a point-to-point link without link-layer addresses. `wire NAME NAME`.

The devices are made in the network namespace of the caller; they may be moved to others while this runs.
"""

import contextlib
import fcntl
import os
import select
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def tun(name: str) -> int:
    """Make a tun device."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main() -> None:
    """Carry what comes out of one device into the other. What comes while that is down is lost, as on a real line."""
    ends = [tun(name) for name in sys.argv[1:3]]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for end in select.select(ends, [], [])[0]:
            with contextlib.suppress(OSError):
                os.write(ends[end == ends[0]], os.read(end, 65536))


if __name__ == "__main__":
    main()
