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
    for operand in inputs:
        refuse_more_than_numbers(operand)
    name = ufunc.__name__
    if method == "__call__" and not kwargs:
        if name in _CHOICES:
            return _CHOICES[name](*inputs)
        if name in _COMPARISONS and all(map(_is_plain, inputs)):
            return getattr(as_value(inputs[0]), name)(inputs[1])
    arrays = [_in_array(x) if isinstance(x, Value) else _as_doubles(x) for x in inputs]
    return getattr(ufunc, method)(*arrays, **kwargs)


def array_function(
    self: Value,  # noqa: ARG001 - NumPy passes an operand
    function: "Any",
    types: "Any",  # noqa: ARG001 - those of all operands
    args: "tuple[Any, ...]",
    kwargs: "dict[str, Any]",
) -> "Any":
    """Do what the function does with arrays of objects; but clip, which would choose by data, is ops."""
    import numpy as np

    if function is np.clip:
        return _clip(*args, **kwargs)
    return function._implementation(*args, **kwargs)


def _clip(
    a: "Any",
    a_min: "Any" = None,
    a_max: "Any" = None,
    out: None = None,
    *,
    min: "Any" = None,  # noqa: A002 - NumPy's names
    max: "Any" = None,  # noqa: A002
) -> "Any":
    if out is not None:
        raise TypeError(f"out must be None for Values, not '{type(out).__name__}'")
    for operand in (a, a_min, a_max, min, max):
        refuse_more_than_numbers(operand)
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    at_least = a if low is None else _maximum(a, low)
    return at_least if high is None else _minimum(at_least, high)


def _maximum(x: "Any", y: "Any") -> "Any":
    return _on_each(lambda x, y: as_value(x).maximum(y), x, y)


def _minimum(x: "Any", y: "Any") -> "Any":
    return _on_each(lambda x, y: as_value(x).minimum(y), x, y)


_CHOICES: "dict[str, Any]" = {"maximum": _maximum, "minimum": _minimum, "clip": _clip}
_COMPARISONS = {"less", "less_equal", "greater", "greater_equal"}


def _is_plain(x: "Any") -> bool:
    """Whether it is a Value or one of Python's numbers, and not NumPy's."""
    return isinstance(x, Value) or type(x) in (int, float, bool)


def _on_each(op: "Any", x: "Any", y: "Any") -> "Any":
    """Apply an op to numbers, or to the elements of arrays, broadcast."""
    import numpy as np

    elementwise = np.frompyfunc(op, 2, 1)
    with np.errstate(invalid="ignore"):  # of a NaN, which an input is while recording
        return elementwise(
            *[_in_array(each) if isinstance(each, Value) else _as_doubles(each) for each in (x, y)]
        )


def _as_doubles(x: "Any") -> "Any":
    """Turn NumPy's long doubles into doubles: among objects they stay what they are, and ask us again."""
    return x.astype(float) if getattr(getattr(x, "dtype", None), "char", None) == "g" else x


def _in_array(value: Value) -> "Any":
    import numpy as np

    array = np.empty((), object)
    array[()] = value
    return array
