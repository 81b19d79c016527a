"""Clipping of gradients, by norm and by value."""

import math

import pytest
from support.optimiser_runs import same

from megagrad import Value
from megagrad.optim import clip_grad_norm_, clip_grad_value_


def with_gradients(*grads):
    values = [Value(0.0) for _ in grads]
    for value, grad in zip(values, grads, strict=True):
        value.grad = grad
    return values


def test_clipping_by_norm():
    values = with_gradients(3.0, -4.0)
    assert clip_grad_norm_(values, 10) == 5
    assert [value.grad for value in values] == [3, -4]
    assert clip_grad_norm_((value for value in values), 1.0) == 5
    assert same([value.grad for value in values], [3 / (5 + 1e-6), -4 / (5 + 1e-6)])
    assert clip_grad_norm_(with_gradients(3.0, -4.0), 1, norm_type=math.inf) == 4
    assert clip_grad_norm_(with_gradients(3.0, -4.0), 1, norm_type=1) == 7
    assert clip_grad_norm_([], 1) == 0


def test_a_single_value_is_clipped():
    (value,) = with_gradients(-8.0)
    assert clip_grad_norm_(value, 2) == 8
    assert same(value.grad, -8 * 2 / (8 + 1e-6))
    clip_grad_value_(value, 0.5)
    assert value.grad == -0.5


@pytest.mark.parametrize("odd", [math.inf, math.nan])
def test_a_norm_that_is_not_finite(odd):
    values = with_gradients(1.0, odd)
    with pytest.raises(RuntimeError, match=r"norm of order 2\.0 .* error_if_nonfinite=False"):
        clip_grad_norm_(values, 1.0, error_if_nonfinite=True)
    assert values[0].grad == 1
    assert not math.isfinite(clip_grad_norm_(values, 1.0))
    assert values[0].grad == 0 if odd == math.inf else math.isnan(values[0].grad)


def test_clipping_by_value():
    values = with_gradients(3.0, -4.0, 0.5, math.nan)
    clip_grad_value_(values, 2)
    assert [value.grad for value in values[:3]] == [2, -2, 0.5]
    assert math.isnan(values[3].grad)


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_wrong_arguments_of_clipping(clip):
    for wrong in (3.0, [Value(1.0), 3.0], [[Value(1.0)]]):
        with pytest.raises(TypeError, match="must be a Value"):
            clip(wrong, 1.0)
    with pytest.raises(TypeError, match="must be a real number, not 'str'"):
        clip([Value(1.0)], "1")
    with pytest.raises(ValueError, match="at least 0"):
        clip([Value(1.0)], -1)


def test_wrong_norms():
    with pytest.raises(ValueError, match="norm_type must be a real number or 'inf', got 'two'"):
        clip_grad_norm_([Value(1.0)], 1, norm_type="two")
