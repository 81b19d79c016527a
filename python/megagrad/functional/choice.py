"""Choices between Values, which recorded programs keep open."""

from collections.abc import Callable
from typing import Any

from megagrad._core import Value, as_value, refuse_more_than_numbers
from megagrad.functional._nesting import is_row

__all__ = ["clip", "maximum", "minimum", "where"]


def where(condition: Value | float, x: Value | float, y: Value | float) -> Value:
    """``x`` where ``condition`` is not 0, else ``y``: a choice that recorded programs keep open.

    condition: a Value, as comparisons like ``a.less(b)`` give it; or a plain number or bool, which
    chooses at once. x, y: Values or real numbers; only the chosen one gets a gradient, and an
    infinity or NaN in the other does no harm. NaN is not 0, as in NumPy.

    Raises TypeError for anything else.
    """
    condition, x, y = (as_value(each) for each in (condition, x, y))
    return x.when(condition) + y.unless(condition)


def maximum(input: Any, other: Any) -> Any:
    """Return the larger of the two, a Value; for arrays or lists the larger of each pair, an array.

    input, other: Values and real numbers, or arrays and lists of these, of shapes that broadcast.
    Equal ones share the gradient. ``numpy.maximum`` of an array of Values and a number calls no code of
    theirs but ``>=``: it returns elements of either as they are, and cannot be recorded::

        import numpy as np

        from megagrad import Value
        from megagrad.functional import maximum

        x = np.array([Value(-1.0), Value(2.0)])
        print(maximum(x, 0).tolist())  # [Value(data=0.0, grad=0.0), Value(data=2.0, grad=0.0)]
        print(np.maximum(x, 0).tolist())  # [0, Value(data=2.0, grad=0.0)]

    Raises TypeError for anything but Values and real numbers, ValueError for shapes that do not
    broadcast.
    """
    return on_each(lambda x, y: as_value(x).maximum(y), input, other)


def minimum(input: Any, other: Any) -> Any:
    """Return the smaller of the two, a Value; for arrays or lists the smaller of each pair, an array.

    The arguments and errors are ``maximum``'s, and so is what to know of NumPy's function of that name.
    """
    return on_each(lambda x, y: as_value(x).minimum(y), input, other)


def clip(input: Any, min: Any = None, max: Any = None) -> Any:
    """Return the nearest number from min to max, as ``Value.clip`` does; for arrays of each element.

    input, min, max: Values and real numbers, or arrays and lists of these, of shapes that broadcast.
    min and max may be None for no bound. Raises what ``maximum`` raises.
    """
    at_least = input if min is None else maximum(input, min)
    return at_least if max is None else minimum(at_least, max)


def on_each(op: Callable[..., Value], *operands: Any) -> Any:
    """Apply an op to Values and numbers, or to the elements of arrays and lists, broadcast."""
    for operand in operands:
        refuse_more_than_numbers(operand)
    if not any(map(is_row, operands)):
        return op(*operands)
    import numpy as np

    try:
        arrays = np.broadcast_arrays(*map(in_array, operands))
    except ValueError as error:
        kinds = ", ".join(f"'{type(operand).__name__}'" for operand in operands)
        raise ValueError(
            f"arrays and lists must have shapes that broadcast, got {kinds}: {error}"
        ) from None
    elementwise = np.frompyfunc(op, len(operands), 1)
    with np.errstate(invalid="ignore"):  # of a NaN, which an input is while recording
        return elementwise(*arrays)


def in_array(operand: Any) -> Any:
    """Return what NumPy computes with as it is, element by element.

    A Value becomes an array of it, of which NumPy asks nothing. Long doubles, which would stay what they
    are among objects, become doubles, and PyTorch's tensors, which would wrap what comes out, arrays.
    """
    import numpy as np

    if isinstance(operand, Value):
        array = np.empty((), object)
        array[()] = operand
        return array
    if hasattr(operand, "__array__") and not hasattr(operand, "__array_ufunc__"):
        operand = np.asarray(operand)
    is_long = getattr(getattr(operand, "dtype", None), "char", None) == "g"
    return operand.astype(float) if is_long else operand
