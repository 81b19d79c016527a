"""Recorded programs: a graph that is built once and computed for whole arrays of points."""

import inspect
import math
from collections.abc import Callable, Iterable

from megagrad._checks import LARGEST_COUNT, whole_number
from megagrad._core import Function, Value, while_recording
from megagrad.module import Module

__all__ = ["Function", "record"]


def record(
    fn: Callable[..., Value | Iterable[Value]],
    n_inputs: int,
    parameters: Iterable[Value] | None = None,
    *,
    contract: bool = True,
) -> Function:
    """Call ``fn`` once with fresh Values, and record what it computes from them.

    fn: gets ``n_inputs`` Values, one for each of its arguments; a Module, and a function of one
    argument where there are several inputs, gets them as one list. It returns a Value, or a list, tuple
    or array of Values, which is taken row by row. parameters, contract: as Function's.

    What fn does is frozen: a loop runs as often as it did while recording. So fn may not read a number
    that depends on its inputs: not ``.data`` or ``.grad``, not by ``if x > 0`` or ``max(x, y)``, nor
    by ``backward()``, a copy or a pickle. (Printing shows nan.) ``where``, ``maximum``, ``relu`` and
    the comparisons ``x.less(y)``, ``x.greater_equal(y)``, ... choose anew at every point. Numbers that
    do not depend on the inputs, such as parameters' data, can be read, and are frozen.

    Raises TypeError if fn reads such a number, cannot be called so or returns something else,
    ValueError if n_inputs is negative or above 2**31 - 1, or fn uses an op of its own.
    """
    count = whole_number("n_inputs", n_inputs, 0, at_most=LARGEST_COUNT)
    inputs = [Value(math.nan) for _ in range(count)]
    arguments = [inputs] if _takes_a_list(fn, count) else inputs
    outputs = while_recording(tuple(inputs), lambda: fn(*arguments))
    if isinstance(outputs, tuple):
        outputs = list(outputs)
    return Function(inputs, outputs, parameters, contract=contract)


def _takes_a_list(fn: Callable[..., object], count: int) -> bool:
    if isinstance(fn, Module):
        return True
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):  # of some functions written in C
        return False
    try:
        signature.bind(*range(count))
    except TypeError:
        try:
            signature.bind([])
        except TypeError:
            raise TypeError(
                f"fn must take {count} Values, or a list of them; its signature is {signature}"
            ) from None
        return True
    return False
