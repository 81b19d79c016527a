"""NumPy's functions of numbers, where they would choose between Values by their data alone."""

from typing import Any

from megagrad._core import Value

__all__ = ["array_ufunc"]

# A method's name, and that of the one with its operands swapped.
_OPS = {
    "maximum": "maximum",
    "minimum": "minimum",
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
}


def array_ufunc(_self: Value, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Apply the op of that name if there is one; else do what NumPy does with arrays of objects."""
    import numpy as np

    for each in inputs:
        _refuse_more_than_numbers(each, np)
    if method == "__call__" and not kwargs and _is_op(ufunc, inputs, np):
        x, y = (each.item() if isinstance(each, np.ndarray) else each for each in inputs)
        name = ufunc.__name__
        return getattr(x, name)(y) if isinstance(x, Value) else getattr(y, _OPS[name])(x)
    arrays = [_in_array(each, np) if isinstance(each, Value) else each for each in inputs]
    return getattr(ufunc, method)(*arrays, **kwargs)


def _is_op(ufunc: Any, inputs: tuple[Any, ...], np: Any) -> bool:
    if ufunc.__name__ in ("maximum", "minimum"):
        return not any(isinstance(x, np.ndarray) and x.ndim for x in inputs)
    # `np.float64(3) > v` comes here, too, and has to be a bool.
    return ufunc.__name__ in _OPS and not any(
        isinstance(x, (np.ndarray, np.generic)) for x in inputs
    )


def _refuse_more_than_numbers(operand: Any, np: Any) -> None:
    if isinstance(operand, np.ma.MaskedArray):
        raise TypeError("an operand must not be a masked array, whose mask would be lost")
    if isinstance(operand, (np.ndarray, np.generic)) and operand.dtype.kind in "mM":
        raise TypeError(f"an operand must be real numbers, not {operand.dtype}, which has a unit")


def _in_array(value: Value, np: Any) -> Any:
    array = np.empty((), object)
    array[()] = value
    return array
