"""Runs stages that are compiled: loaded from the cache, or compiled first."""

from __future__ import annotations

import ctypes
from array import array
from typing import TYPE_CHECKING, Any

from llvmlite import binding as llvm

from capanalyze import cache
from capanalyze.progress import waiting_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Function = Callable[..., int]

# Where the answer goes, a place that is not used; the buffers' addresses, from, to. Python's lock is let go meanwhile.
PROTOTYPE = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)
SYMBOL = "capanalyze_{}"  # what a stage is called in its object file
_stages: dict[Function, Stage] = {}


class Stage:
    """One stage, as machine code.

    Args:
        name: in the object file.
        code: the object file.
    """

    def __init__(self, name: str, code: bytes) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self._run = PROTOTYPE(self._engine.get_function_address(name))

    def __call__(self, given: Sequence[Any], start: int, stop: int) -> int:
        """Run over these buffers."""
        addresses = array("q", map(address, given))
        answer = ctypes.c_int64()
        unused = ctypes.c_int64()
        failure = self._run(ctypes.addressof(answer), ctypes.addressof(unused), addresses.buffer_info()[0], start, stop)
        if failure:
            raise RuntimeError(f"compiled code: answered {failure}, expected 0")
        return answer.value


def stage(function: Function) -> Stage:
    """The compiled form of a stage."""
    if function not in _stages:
        name = function.__name__
        code = cache.load(name)
        if code is None:
            with waiting_for(f"compiling capanalyze for this machine, only this once: {name}"):
                from capanalyze.compiler import machine_code

                code = machine_code(function, SYMBOL.format(name))
                cache.keep(name, code)
        _stages[function] = Stage(SYMBOL.format(name), code)
    return _stages[function]


def compile_all() -> None:
    """Compile every stage that is not in the cache yet."""
    from capanalyze.compiler import stages

    for function in stages():
        stage(function)


def address(buffer: Any) -> int:
    """Where a buffer begins in memory; its owner keeps it alive."""
    if isinstance(buffer, array):
        return buffer.buffer_info()[0]
    if not len(buffer):
        return 0
    if isinstance(buffer, bytes):
        return ctypes.cast(ctypes.c_char_p(buffer), ctypes.c_void_p).value or 0
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


if __name__ == "__main__":
    compile_all()
