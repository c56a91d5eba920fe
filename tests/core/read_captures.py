"""Reads captures with a library in the place of the installed core; run by `test_scan`.

Its arguments are the library and captures; it prints a line for each: what was read of it.
"""

import hashlib
import json
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader

MODULE = "capanalyze.core.core"


def put_in_place(library: str) -> None:
    """Make a library the core of this process."""
    import capanalyze.core

    loader = ExtensionFileLoader(MODULE, library)
    spec = spec_from_loader(MODULE, loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[MODULE] = module
    capanalyze.core.core = module


def seen(path: str) -> str:
    """All that reading a capture gives, in one line."""
    from capanalyze.capture import open_capture
    from capanalyze.errors import CaptureError
    from capanalyze.packets.messages import read_messages

    try:
        capture = open_capture(path, "capture")
        part = read_messages(capture)
        capture.finish()
    except CaptureError as error:
        return json.dumps(str(error))
    digest = hashlib.sha256(part.rows.tobytes() + part.keys.tobytes()).hexdigest()
    return json.dumps([part.frames, len(part), digest, part.account(), part.first, part.last, capture.notes])


if __name__ == "__main__":
    put_in_place(sys.argv[1])
    for name in sys.argv[2:]:
        print(seen(name), flush=True)  # noqa: T201 - the parent reads it
