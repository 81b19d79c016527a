"""NumPy scalars and arrays on either side of every operator, and NumPy's functions over Values."""

import math
import operator

import numpy as np
import pytest

from megagrad._core import ops
from megagrad.engine import Value

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
SCALARS = [
    *(np.float64(2.0), np.float32(2.0), np.float16(2.0), np.longdouble(2.0), np.int64(2)),
    *(np.int8(2), np.uint16(2), np.bool_(True)),
]
each_operator = pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)


@each_operator
@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: type(s).__name__)
def test_a_scalar_on_either_side_gives_a_value(op, scalar):
    v = Value(3.0)
    number = float(scalar)
    right, left = op(v, scalar), op(scalar, v)
    assert type(right) is Value
    assert type(left) is Value
    assert right.data == op(3.0, number)
    assert left.data == op(number, 3.0)
    assert v != scalar
    assert scalar != v
    left.backward()
    assert v.grad != 0.0 or number == 1.0  # 1**v is flat


@each_operator
def test_an_array_on_either_side_gives_an_object_array(op):
    v, array = Value(3.0), np.array([[1.0, 2.0], [3.0, 4.0]])
    for result, expected in [(op(v, array), op(3.0, array)), (op(array, v), op(array, 3.0))]:
        assert isinstance(result, np.ndarray)
        assert result.dtype == object
        assert result.shape == (2, 2)
        assert all(type(item) is Value for item in result.flat)
        assert [item.data for item in result.flat] == list(expected.flat)


@each_operator
def test_arrays_of_values(op):
    a = np.array([Value(1.0), Value(2.0)])
    b = np.array([Value(3.0), Value(0.5)])
    assert a.dtype == object
    assert [item.data for item in op(a, b)] == [op(1.0, 3.0), op(2.0, 0.5)]
    assert [item.data for item in op(a, 2.0)] == [op(1.0, 2.0), op(2.0, 2.0)]
    assert [item.data for item in op(np.array([2.0, 3.0]), a)] == [op(2.0, 1.0), op(3.0, 2.0)]


def test_an_array_of_no_dimensions():
    v = Value(3.0)
    assert (v * np.array(2.0)).data == 6.0
    assert (np.array(2.0) - v).data == -1.0
    assert Value(np.array(2.0)).data == 2.0
    v.data = np.array(5.0)
    assert v.data == 5.0


@pytest.mark.parametrize(
    "name", [row.name for row in ops() if row.kind == "unary" and hasattr(np, row.name)]
)
def test_numpys_functions_over_an_array_of_values(name):
    function = getattr(np, name)
    numbers = [0.25, 0.5]
    values = np.array([Value(x) for x in numbers])
    result = function(values)
    assert [type(item) for item in result] == [Value, Value]
    assert [item.data for item in result] == pytest.approx(list(function(numbers)), rel=1e-14)
    result[0].backward()
    assert values[0].grad > 0 or name in ("cos", "arccos")
    assert values[1].grad == 0.0


def test_numpys_other_functions():
    values = np.array([Value(-2.0), Value(0.5), Value(3.0)])
    assert [v.data for v in np.abs(values)] == [2.0, 0.5, 3.0]
    assert [v.data for v in -values] == [2.0, -0.5, -3.0]
    assert [v.data for v in np.square(values)] == [4.0, 0.25, 9.0]
    assert [v.data for v in np.maximum(values, Value(1.0))] == [1.0, 1.0, 3.0]
    assert np.sum(values).data == 1.5
    assert np.mean(values).data == 0.5
    assert np.max(values) is values[2]
    assert [v.data for v in np.sort(values)[::-1]] == [3.0, 0.5, -2.0]
    assert (values < 1.0).tolist() == [True, True, False]


def test_a_matrix_product_has_gradients():
    weights = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    x = np.array([5.0, 6.0])
    out = weights @ x
    assert [v.data for v in out] == [17.0, 39.0]
    np.sum(out * out).backward()
    assert [[w.grad for w in row] for row in weights] == [[170.0, 204.0], [390.0, 468.0]]


def test_a_sum_over_numpy_scalars():
    w = [Value(0.5), Value(-0.5)]
    row = np.array([3.0, 4.0])
    total = sum((wi * xi for wi, xi in zip(w, row, strict=True)), Value(0))
    assert type(total) is Value
    assert total.data == -0.5
    w[0].data -= np.float64(0.1)
    assert type(w[0].data) is float


def test_comparisons_with_numpy_scalars():
    v = Value(1.0)
    assert v < np.float64(2.0)
    assert np.float64(2.0) > v
    assert not np.int64(0) >= v


def test_numpys_numbers_in_the_constructor():
    a = Value(np.float32(0.5))
    assert a.data == 0.5
    assert type(a.data) is float
    out = Value(np.int64(3), (a,), np.array([2.0]))
    out.backward()
    assert a.grad == 2.0


def test_an_array_is_not_a_number():
    with pytest.raises(TypeError):
        Value(np.array([1.0, 2.0]))
    with pytest.raises(TypeError):
        Value(1.0).data = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match=r"use its \.data"):
        np.array([Value(1.0)], dtype=float)
    assert math.isclose(Value(1.0).data, 1.0)


@pytest.mark.parametrize("number", [np.complex64(1 + 2j), np.complex128(1j), np.array(1 + 2j)])
def test_a_complex_number_is_refused_whole(number):
    """NumPy would drop the imaginary part, with a warning."""
    with pytest.raises(TypeError, match=r"Value\(\) data must be a real number"):
        Value(number)
    with pytest.raises(TypeError, match="grad must be a real number"):
        Value(1.0).grad = number


def test_what_is_wrong_with_an_array_is_the_cause():
    with pytest.raises(TypeError, match="data must be a real number, not 'numpy") as caught:
        Value(1.0).data = np.array([1.0, 2.0])
    assert "this has 1, take its items" in str(caught.value.__cause__)
