"""Has a library's match functions hear messages, each in an allocation of exactly its size; run by `test_builds`.

Its argument is the library; a line in is service, size and payload, a line out what the core said of it.
"""

import ctypes
import json
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader

C = ctypes.CDLL(None)
C.malloc.restype, C.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
C.free.restype, C.free.argtypes = None, [ctypes.c_void_p]


def main(library: str) -> None:
    """Hear all of stdin."""
    loader = ExtensionFileLoader("capanalyze.core.core", library)
    spec = spec_from_loader("capanalyze.core.core", loader)
    assert spec
    core = module_from_spec(spec)
    loader.exec_module(core)
    for line in sys.stdin:
        service, size, text = json.loads(line)
        payload = bytes.fromhex(text)
        place = C.malloc(len(payload))
        ctypes.memmove(place, payload, len(payload))
        octets = (ctypes.c_uint8 * len(payload)).from_address(place)
        role, kind, flags, keys = core.match(service, octets, size)
        del octets
        C.free(place)
        print(json.dumps([role, kind, sorted(flags), keys]))  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main(sys.argv[1])
