"""NumPy's functions of Values. Those that choose are ops, so that they choose again at every point."""

from megagrad._core import Value, as_value, refuse_more_than_numbers

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
    from megagrad.functional import choice

    for operand in inputs:
        refuse_more_than_numbers(operand)
    name = ufunc.__name__
    if method == "__call__" and not kwargs:
        if name in _CHOICES:
            return getattr(choice, name)(*inputs)
        if name in _COMPARISONS and all(map(_is_plain, inputs)):
            return getattr(as_value(inputs[0]), name)(inputs[1])
    return getattr(ufunc, method)(*map(choice.in_array, inputs), **kwargs)


def array_function(
    self: Value,  # noqa: ARG001 - NumPy passes an operand
    function: "Any",
    types: "Any",  # noqa: ARG001 - those of all operands
    args: "tuple[Any, ...]",
    kwargs: "dict[str, Any]",
) -> "Any":
    """Do what the function does with arrays of objects; but clip and where, which choose, are ops."""
    import numpy as np

    if function is np.clip:
        return _clip(*args, **kwargs)
    if function is np.where and len(args) == 3 and _has_values(args[0]):
        from megagrad.functional import choice

        return choice.on_each(choice.where, *args)
    return function._implementation(*args, **kwargs)


def _clip(
    a: "Any",
    a_min: "Any" = None,
    a_max: "Any" = None,
    out: None = None,
    *,
    min: "Any" = None,
    max: "Any" = None,
) -> "Any":
    from megagrad.functional import choice

    if out is not None:
        raise TypeError(f"out must be None for Values, not '{type(out).__name__}'")
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    return choice.clip(a, low, high)


_CHOICES = {"maximum", "minimum", "clip"}
_COMPARISONS = {"less", "less_equal", "greater", "greater_equal"}


def _is_plain(x: "Any") -> bool:
    """Whether it is a Value or one of Python's numbers, and not NumPy's."""
    return isinstance(x, Value) or type(x) in (int, float, bool)


def _has_values(x: "Any") -> bool:
    """Whether it is a Value or an array of objects: a bool or an array of bools chooses as ever."""
    return isinstance(x, Value) or getattr(getattr(x, "dtype", None), "char", None) == "O"
