"""NumPy's functions of Values. Those that choose are ops, so that they choose again at every point."""

from megagrad._core import Value

__all__: list[str] = []

TYPE_CHECKING = False  # typing's, whose import would take longer than all else here
if TYPE_CHECKING:
    from typing import Any


def array_ufunc(
    self: Value,  # noqa: ARG001 - NumPy passes an operand
    ufunc: "Any",
    method: str,
    *inputs: "Any",
    **kwargs: "Any",
) -> "Any":
    """Do what the ufunc does with arrays of objects; maximum, minimum, clip and comparisons are ops.

    With an array or one of NumPy's numbers beside the Value, a comparison is of data, as the
    operators are: ``np.float64(3) > v`` is the same call as ``np.greater(np.float64(3), v)``.
    """
    import numpy as np

    for operand in inputs:
        _refuse_more_than_numbers(operand, np)
    compute = getattr(ufunc, method)
    if method == "__call__" and not kwargs:
        if ufunc.__name__ in _CHOICES:
            compute = np.frompyfunc(_CHOICES[ufunc.__name__], len(inputs), 1)  # type: ignore[call-overload]
        elif ufunc.__name__ in _COMPARISONS and not _have_types_of_numpy(inputs, np):
            return getattr(_as_value(inputs[0]), ufunc.__name__)(inputs[1])
    arrays = [_in_array(x, np) if isinstance(x, Value) else x for x in inputs]
    with np.errstate(invalid="ignore"):  # of a NaN, which an input is while recording
        return compute(*arrays, **kwargs)


def clip(
    self: Value,
    min: "Any" = None,  # noqa: A002 - NumPy's name
    max: "Any" = None,  # noqa: A002
    out: None = None,
) -> Value:
    """``self.maximum(min).minimum(max)``; None is no bound. So ``numpy.clip`` is made of ops.

    Raises TypeError if min or max is no number, or out is given.
    """
    if out is not None:
        raise TypeError(f"out must be None, not '{type(out).__name__}'")
    at_least = self if min is None else self.maximum(min)
    return at_least if max is None else at_least.minimum(max)


_CHOICES = {
    "maximum": lambda x, y: _as_value(x).maximum(y),
    "minimum": lambda x, y: _as_value(x).minimum(y),
    "clip": lambda x, low, high: clip(_as_value(x), low, high),
}
_COMPARISONS = {"less", "less_equal", "greater", "greater_equal"}


def _as_value(x: "Any") -> Value:
    return x if isinstance(x, Value) else Value(x)


def _have_types_of_numpy(operands: "tuple[Any, ...]", np: "Any") -> bool:
    return any(isinstance(operand, (np.ndarray, np.generic)) for operand in operands)


def _refuse_more_than_numbers(operand: "Any", np: "Any") -> None:
    name = type(operand).__name__
    if isinstance(operand, np.ma.MaskedArray):
        raise TypeError(f"an operand must not be a '{name}', whose mask would be lost")
    if isinstance(operand, (np.ndarray, np.generic)) and operand.dtype.kind in "mM":
        raise TypeError(
            f"an operand must be real numbers, not {operand.dtype} (of a '{name}'), which has a unit"
        )


def _in_array(value: Value, np: "Any") -> "Any":
    array = np.empty((), object)
    array[()] = value
    return array
