"""clip, of a Value, of arrays of them, and under NumPy's name; and other choices over arrays."""

import numpy as np
import pytest
from support.tensors import TENSORS

from megagrad import Value, functional, record

BOUNDS = [(-1.0, 1.0), (None, 1.0), (-1.0, None), (None, None), (1.0, -1.0)]


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("x", [-3.0, 0.5, 3.0])
def test_it_is_numpys(x, bounds):
    low, high = bounds
    expected = x if bounds == (None, None) else float(np.clip(x, low, high))
    assert Value(x).clip(low, high).data == expected
    assert Value(x).clip(min=low, max=high).data == expected
    assert functional.clip(Value(x), low, high).data == expected
    assert functional.clip([Value(x)], max=high, min=low)[0].data == expected


@pytest.mark.parametrize(
    ("x", "grad"), [(-3.0, 0.0), (-1.0, 0.5), (0.5, 1.0), (1.0, 0.5), (3.0, 0.0)]
)
def test_its_gradient(x, grad):
    value = Value(x)
    value.clip(-1, 1).backward()
    assert value.grad == grad


def test_bounds_may_be_values_and_get_gradients():
    x, high = Value(3.0), Value(2.0)
    x.clip(max=high).backward()
    assert (x.grad, high.grad) == (0.0, 1.0)


def test_a_recorded_program_clips_at_every_point():
    f = record(lambda x: x.clip(-1, 1), 1)
    assert f([[-3.0], [0.5], [3.0]]).tolist() == [-1.0, 0.5, 1.0]


@pytest.mark.parametrize("bound", ["1", 1j, [1.0]])
def test_other_bounds_are_refused(bound):
    for use in (lambda: Value(1.0).clip(bound), lambda: Value(1.0).clip(max=bound)):
        with pytest.raises(TypeError, match="needs a Value or a real number"):
            use()


def test_choices_over_arrays_are_ops():
    def values():
        return np.array([[Value(-2.0), Value(0.0)], [Value(0.5), Value(3.0)]])

    for choose, data, grads in [
        (lambda x: functional.maximum(x, 0), [0, 0, 0.5, 3], [0, 0.5, 1, 1]),
        (lambda x: functional.maximum(0, x), [0, 0, 0.5, 3], [0, 0.5, 1, 1]),
        (lambda x: functional.minimum(x, [0, 1]), [-2, 0, 0, 1], [1, 1, 0, 0]),
        (lambda x: functional.clip(x, 0, 1), [0, 0, 0.5, 1], [0, 0.5, 1, 0]),
        (lambda x: np.maximum(x, Value(0)), [0, 0, 0.5, 3], [0, 0.5, 1, 1]),
        (lambda x: np.clip(x, Value(0), 1), [0, 0, 0.5, 1], [0, 0.5, 1, 0]),
    ]:
        x = values()
        result = choose(x)
        assert result.shape == (2, 2)
        assert all(type(item) is Value for item in result.flat)
        assert [item.data for item in result.flat] == data
        functional.sum(result.ravel()).backward()
        assert [item.grad for item in x.flat] == grads


def test_they_can_be_recorded_where_numpys_cannot():
    def loss(choose):
        return lambda x, y: functional.sum(choose(np.array([x, y]), 0))

    assert record(loss(functional.maximum), 2)([[-1.0, 2.0], [3.0, 4.0]]).tolist() == [2.0, 7.0]
    with pytest.raises(TypeError, match=r"choose with where\(\), maximum\(\)"):
        record(loss(np.maximum), 2)


def test_numpys_choice_over_an_array_is_by_data():
    x = np.array([Value(-2.0), Value(0.5)])
    chosen = np.maximum(x, 0)
    assert chosen[0] == 0
    assert chosen[1] is x[1]
    np.sum(chosen * chosen).backward()
    assert [value.grad for value in x] == [0.0, 1.0]


@pytest.mark.parametrize(
    "other", [[1.0, 4.0], np.array([1.0, 4.0]), *(t([1.0, 4.0]) for t in TENSORS.values())]
)
def test_a_value_beside_an_array_of_any_kind(other):
    for choose in (functional.maximum, np.maximum):
        assert [item.data for item in choose(Value(2.0), other)] == [2.0, 4.0]


def test_numpys_where_asks_a_condition_that_is_a_value_at_every_point():
    f = record(lambda x, y: np.where(x.less(y), x, y * 2), 2)
    assert f([[1.0, 3.0], [3.0, 1.0]]).tolist() == [1.0, 2.0]
    x = Value(1.0)
    result = np.where(np.array([x.less(2), x.greater(2)]), x, [5.0, 6.0])
    assert [item.data for item in result] == [1.0, 6.0]
    y = Value(2.0)
    assert np.where(True, x, y).item() is x
    assert np.where(np.array([True, False]), x, y).tolist() == [x, y]


@pytest.mark.parametrize("wrong", ["1", 1j, None])
def test_what_is_no_number_is_refused(wrong):
    for choose in (functional.maximum, functional.minimum):
        with pytest.raises(TypeError, match="real number"):
            choose(Value(1.0), wrong)
        with pytest.raises(TypeError, match="real number"):
            choose([Value(1.0), 2.0], wrong)
    with pytest.raises(ValueError, match="broadcast"):
        functional.maximum([Value(1.0)] * 2, [1.0] * 3)
