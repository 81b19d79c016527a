"""Linear maps: weighted sums for rows of weights, and matrix products."""

from typing import TYPE_CHECKING, Any, overload

from megagrad import _core
from megagrad._core import Value
from megagrad.functional._nesting import is_nested

if TYPE_CHECKING:
    from megagrad._core import _Numbers
    from megagrad.functional._nesting import Rows

__all__ = ["linear", "matmul"]


@overload
def linear(input: "_Numbers", weight: "Rows", bias: "_Numbers | None" = None) -> list[Value]: ...
@overload
def linear(input: "Rows", weight: "Rows", bias: "_Numbers | None" = None) -> list[Any]: ...


def linear(input: Any, weight: Any, bias: Any = None) -> list[Any]:
    """Return the weighted sum of the inputs for each row of weight: PyTorch's ``linear``.

    input: Values and numbers, as many as a row of weight has; or rows of these, each of which gives a
    row of the result. weight: a list of rows, or an array of two dimensions. bias: one for each row of
    weight, from which its sum starts; None is a plain 0. Returns a list of Values, one for each row of
    weight. Each is one node, as of ``dot``::

        from megagrad import Value
        from megagrad.functional import linear

        weight = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
        print([y.data for y in linear([1.0, 10.0], weight, [0.5, 0.0])])  # [21.5, 43.0]

    Raises ValueError if the lengths do not fit or are 0, TypeError for anything but Values and real
    numbers.
    """
    if not is_nested(input):
        return _core.linear(input, weight, bias)
    rows = [list(row) for row in list(weight)]
    biases = None if bias is None else list(bias)
    return [linear(part, rows, biases) for part in list(input)]


def matmul(input: Any, other: Any) -> Any:
    """Return the matrix product: PyTorch's ``matmul``, of lists or arrays of one or two dimensions.

    input: a row of n Values and numbers, or m such rows. other: n rows of k, or a row of n, which
    counts as a column. Returns m rows of k as nested lists; a dimension that an operand lacks is
    left out, so two rows give one Value, their ``dot``::

        from megagrad import Value
        from megagrad.functional import matmul

        product = matmul([[Value(1.0), Value(2.0)]], [[3.0, 4.0], [5.0, 6.0]])
        print([[x.data for x in row] for row in product])  # [[13.0, 16.0]]

    Raises ValueError if the sizes do not fit, TypeError for anything but Values and real numbers.
    """
    if not is_nested(other):
        products = linear(input, [other])
        return [row[0] for row in products] if is_nested(input) else products[0]
    rows = list(other)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise ValueError(f"other must have rows of one length, not {sorted(lengths)}")
    return linear(input, list(zip(*rows, strict=True)))
