"""What a reply tells, one protocol a file.

A decoder takes the octets of one reply, perhaps cut by the snap length, and yields facts as (kind, value),
the reply's own words unescaped. It yields what it can read and raises where it cannot go on; the one guard
is in `capanalyze.disclosures`.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from capanalyze.protocols import PROTOCOLS

Decoder = Callable[[bytes], Iterator[tuple[str, str]]]

# By service; "tcp" stands for every TCP port.
DECODERS: dict[str, Decoder] = {
    protocol.name: import_module(f"{__name__}.{protocol.discloses}").decode
    for protocol in PROTOCOLS
    if protocol.discloses
}
