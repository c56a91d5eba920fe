"""The loop compiled by numba: the same functions, over pointers instead of `bytes` and lists.

Nothing else imports numba. What to know before changing a function of the loop:
signed arithmetic must stay within 63 bits (`mix` has an unsigned twin here); `uint8 << int` would be
unsigned; pointers have no bounds, so that every read is guarded by `end`; numba's cache does not notice a
changed callee, so the cache lies in a folder named after a digest of all sources of the loop.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic, overload, register_jitable

from capanalyze.capture import pcap, pcapng
from capanalyze.packets import dispatch, link, network, octets, scan, transport
from capanalyze.protocols import PROTOCOLS, _names, _questions, dhcp, mdns, nbns, ntp, sip, snmp

PLAIN = (dispatch, link, network, octets, scan, transport, pcap, pcapng, _names, _questions)
HELPERS = (dhcp, mdns, nbns, ntp, sip, snmp)
KEPT = 30 * 24 * 3600  # seconds: another version of the program may still use its own cache
FOLDER = Path(__file__).resolve().parent.parent


def _pointer(kind: Any) -> Any:
    def cast(_context: Any, _address: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.uintp), emit

    return intrinsic(cast)


octet_pointer = _pointer(types.uint8)
number_pointer = _pointer(types.int64)

MASK = np.uint64(octets.MASK)
MULTIPLIER = np.uint64(octets.MULTIPLIER)
SHIFT = np.uint64(29)


def _mix64(key: int, value: int) -> Any:
    folded = (np.uint64(key) ^ np.uint64(value)) * MULTIPLIER & MASK
    return np.int64(folded ^ folded >> SHIFT)


def _entry(
    data: Any,
    stop: int,
    state: Any,
    layout: Any,
    interfaces: Any,
    ports: Any,
    record: Any,
    row: Any,
    keys: Any,
    rows: Any,
    room: int,
    pool: Any,
    pool_room: int,
    tally: Any,
) -> int:
    return scan.scan(
        octet_pointer(data),
        stop,
        number_pointer(state),
        number_pointer(layout),
        number_pointer(interfaces),
        octet_pointer(ports),
        number_pointer(record),
        number_pointer(row),
        number_pointer(keys),
        number_pointer(rows),
        room,
        number_pointer(pool),
        pool_room,
        number_pointer(tally),
    )


def _none(_number: int, _octets: Any, _at: int, _end: int, _last: Any) -> int:
    return 0


def _no_match(_number: int, _octets: Any, _start: int, _end: int, _size: int, _keys: Any) -> int:
    return 0


def _header_link(number: int, function: Any, following: Any) -> Any:
    def step(index: int, octets: Any, at: int, end: int, row: Any) -> int:
        if index == number:
            return function(octets, at, end, row)
        return following(index, octets, at, end, row)

    return register_jitable(step)


def _match_link(number: int, function: Any, following: Any) -> Any:
    def step(index: int, octets: Any, start: int, end: int, size: int, keys: Any) -> int:
        if index == number:
            return function(octets, start, end, size, keys)
        return following(index, octets, start, end, size, keys)

    return register_jitable(step)


def _chain(functions: tuple[Callable[..., int], ...], last: Any, join: Callable[..., Any]) -> Any:
    following = register_jitable(last)
    for number in reversed(range(len(functions))):
        following = join(number, functions[number], following)
    return following


def _sources_digest() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for folder in ("packets", "protocols", "capture"):
        for source in sorted((FOLDER / folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path | None:
    """Where compiled code is kept, None if nothing can be."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    folder = Path(base) / "capanalyze"
    wanted = folder / _sources_digest()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        os.utime(wanted)
        for other in folder.iterdir():
            if other.is_dir() and time.time() - other.stat().st_mtime > KEPT:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        return None
    return wanted


def _functions() -> list[Callable[..., Any]]:
    return [
        thing
        for module in PLAIN + HELPERS
        for thing in vars(module).values()
        if callable(thing) and getattr(thing, "__module__", "") == module.__name__ and not isinstance(thing, type)
    ]


def compile_scan() -> Any:
    """The entry point, compiled on its first call or loaded from the cache."""
    special = {octets.mix, dispatch.header, dispatch.match}
    overload(octets.mix, strict=False)(lambda key, value: _mix64)  # noqa: ARG005 - numba compares the names
    functions = list(dict.fromkeys(_functions() + [protocol.match for protocol in PROTOCOLS]))
    for function in functions:
        if function not in special:
            register_jitable(function)
    headers = _chain(dispatch.HEADERS, _none, _header_link)
    matches = _chain(dispatch.MATCHES, _no_match, _match_link)
    overload(dispatch.header, strict=False)(lambda step, octets, at, end, row: headers)  # noqa: ARG005
    overload(dispatch.match, strict=False)(lambda module, octets, start, end, size, keys: matches)  # noqa: ARG005
    folder = _cache_folder()
    settings: Any = numba.config
    settings.CACHE_DIR = str(folder or "")
    return numba.njit(cache=folder is not None, nogil=True)(_entry)


_compiled: Any = None


class Machine:
    """The compiled loop behind the plain loop's signature.

    Rows and keys live in arrays of its own; small lists are copied in before and out after each call.
    """

    def __init__(self) -> None:
        global _compiled  # noqa: PLW0603 - compiled once a process
        if _compiled is None:
            _compiled = compile_scan()

    def scan(
        self,
        data: bytes,
        stop: int,
        state: list[int],
        layout: list[int],
        interfaces: Any,
        ports: bytes,
        record: list[int],
        row: list[int],
        keys: list[int],
        rows: list[int],
        room: int,
        pool: list[int],
        pool_room: int,
        tally: list[int],
    ) -> int:
        """See `packets.scan.scan`."""
        small = [np.array(numbers, np.int64) for numbers in (state, layout, record, row, keys, tally)]
        written = np.empty(len(rows), np.int64)
        pooled = np.empty(len(pool), np.int64)
        octets_in = np.frombuffer(data, np.uint8)
        ports_in = np.frombuffer(ports, np.uint8)
        answer = _compiled(
            octets_in.ctypes.data,
            stop,
            small[0].ctypes.data,
            small[1].ctypes.data,
            interfaces.buffer_info()[0],
            ports_in.ctypes.data,
            small[2].ctypes.data,
            small[3].ctypes.data,
            small[4].ctypes.data,
            written.ctypes.data,
            room,
            pooled.ctypes.data,
            pool_room,
            small[5].ctypes.data,
        )
        state[:] = small[0].tolist()
        tally[:] = small[5].tolist()
        count, used = state[scan.COUNT], state[scan.POOL]
        rows[: count * len(rows) // room] = written[: count * len(rows) // room].tolist()
        pool[:used] = pooled[:used].tolist()
        return int(answer)
