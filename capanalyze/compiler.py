"""Stages of the flow compiled: the same functions, over pointers instead of `bytes` and arrays.

numba makes LLVM code of them. What it adds for Python (wrappers, exceptions that a stage never raises) is taken
away, which lets LLVM see that each call succeeds, and what is left is optimised once more and emitted as machine
code that needs neither numba nor Python (`compiled` runs it).

Nothing else imports numba. What to know before changing a function that is compiled:
signed arithmetic must stay within 63 bits (`mix` has an unsigned twin here); `uint8 << int` would be
unsigned; pointers have no bounds, so that every read is guarded; nothing is raised, not even for a division by 0.
"""

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numba
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

from capanalyze import buffers
from capanalyze.exchanges import dating, reach
from capanalyze.judging import decide
from capanalyze.packets import naming, octets
from capanalyze.report import row_columns, row_text
from capanalyze.summary import cells, details, fold, kept, rest, turns

MODULES: tuple[ModuleType, ...] = (
    *(naming, octets),
    *(dating, reach, decide),
    *(cells, kept, details, turns, fold, rest),
    *(row_text, row_columns),
)
MULTIPLIER = np.uint64(octets.MULTIPLIER)
MASK = np.uint64(octets.MASK)
SHIFT = np.uint64(29)
STAGE = ("b", "start", "stop")  # what makes a function a stage


def _pointer(kind: Any) -> Any:
    def cast(_context: Any, _address: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.intp), emit

    return intrinsic(cast)


@intrinsic
def _prefetch(_context: Any, pointer: Any, index: Any) -> Any:
    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        octet, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), octet)
        kind = ir.FunctionType(ir.VoidType(), [octet, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, number(0), number(3), number(1)])  # to read, keep it near, data
        return context.get_constant(types.int64, 0)

    return types.int64(pointer, index), emit


def _prefetch_at(buffer: Any, index: int) -> Any:
    return _prefetch(buffer, index)  # type: ignore[call-arg] # numba gives the context


octet_pointer = _pointer(types.uint8)
long_pointer = _pointer(types.int64)
int_pointer = _pointer(types.int32)


def _octets_of(table: Any, index: int) -> Any:
    return octet_pointer(table[index])


def _longs_of(table: Any, index: int) -> Any:
    return long_pointer(table[index])


def _ints_of(table: Any, index: int) -> Any:
    return int_pointer(table[index])


def _mix64(key: int, value: int) -> Any:
    folded = (np.uint64(key) ^ np.uint64(value)) * MULTIPLIER & MASK
    return np.int64(folded ^ folded >> SHIFT)


def _functions() -> list[Callable[..., Any]]:
    found = [
        thing
        for module in MODULES
        for thing in vars(module).values()
        if callable(thing) and getattr(thing, "__module__", "") == module.__name__ and not isinstance(thing, type)
    ]
    return list(dict.fromkeys(found))


def stages() -> list[Callable[..., int]]:
    """All stages of the flow."""
    return [one for one in _functions() if one.__code__.co_varnames[: one.__code__.co_argcount] == STAGE]


@cache
def _register() -> None:
    """Make every function of the stages known to numba, once a process."""
    settings: Any = numba.config
    settings.OPT = type(settings.OPT)(0)  # all is optimised in the end, which saves a third of the time
    overload(octets.mix, strict=False)(lambda key, value: _mix64)  # noqa: ARG005 - numba compares the names
    overload(buffers.octets_of, strict=False)(lambda buffers, index: _octets_of)  # noqa: ARG005
    overload(buffers.longs_of, strict=False)(lambda buffers, index: _longs_of)  # noqa: ARG005
    overload(buffers.ints_of, strict=False)(lambda buffers, index: _ints_of)  # noqa: ARG005
    overload(buffers.prefetch, strict=False)(lambda buffer, index: _prefetch_at)  # noqa: ARG005
    special = {octets.mix}
    for function in _functions():
        if function not in special:
            register_jitable(function)


def machine_code(function: Callable[..., int], name: str) -> bytes:
    """A stage as an object file for this machine, in which it is called `name`.

    It takes where its answer goes, a place that it does not use, and what the stage takes; it returns 0.
    """
    _register()
    inner = register_jitable(function)

    def entry(table: int, start: int, stop: int) -> int:
        return inner(long_pointer(table), start, stop)

    made: Any = numba.njit(error_model="numpy")(entry)
    made.compile((types.int64, types.int64, types.int64))
    (signature,) = made.signatures
    module = llvm.parse_assembly(made.inspect_llvm(signature))
    symbol = made.overloads[signature].fndesc.llvm_func_name
    for one in [*module.functions, *module.global_variables]:
        if not one.is_declaration and one.name != symbol:
            one.linkage = "internal"
    module.get_function(symbol).name = name
    return _emitted(module)


def _emitted(module: Any) -> bytes:
    """Optimise what is left of a module once what nobody calls is gone."""
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="small",
    )
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    first = llvm.create_new_module_pass_manager()
    first.add_ipsccp_pass()
    first.add_dead_arg_elimination_pass()
    first.add_simplify_cfg_pass()
    first.add_global_dead_code_eliminate_pass()
    last = llvm.create_new_module_pass_manager()
    last.add_global_dead_code_eliminate_pass()
    last.add_strip_dead_prototype_pass()
    for passes in (first, builder.getModulePassManager(), last):
        passes.run(module, builder)
    return bytes(machine.emit_object(module))
