"""Softmax and losses at large and infinite logits: eagerly, recorded, and made of Values."""

import math

import numpy as np
import pytest

from megagrad import Function, Value, record
from megagrad import functional as F

INF = math.inf


def ways(fn, point):
    """The outputs of fn, and the gradient of their sum, in each way to compute them."""
    xs = [Value(x) for x in point]
    out = fn(xs)
    outs = out if isinstance(out, list) else [out]
    for each in outs:
        each.backward()
    yield [each.data for each in outs], [x.grad for x in xs]
    leaves = [Value(0.25) for _ in point]
    for f in (record(lambda *xs: fn(list(xs)), len(point)), Function(leaves, fn(leaves))):
        out, grad, _ = f.vjp(point, np.ones(np.shape(f(point))))
        yield np.atleast_1d(out), grad


CASES = [
    (F.softmax, [1000.0, 1000.0], [0.5, 0.5], [0, 0]),
    (F.softmax, [INF, 0.0], [1, 0], [0, 0]),
    (F.softmax, [-INF, 0.0], [0, 1], [0, 0]),
    (F.softmax, [-INF, -INF], [0.5, 0.5], [0, 0]),
    (F.softmax, [-1e308, 1e308], [0, 1], [0, 0]),
    (F.logsumexp, [1000.0, 1000.0], [1000 + math.log(2)], [0.5, 0.5]),
    (F.logsumexp, [-1000.0, -1000.0], [-1000 + math.log(2)], [0.5, 0.5]),
    (F.logsumexp, [-INF, -INF], [-INF], [0.5, 0.5]),
    (F.logsumexp, [INF, 0.0], [INF], [1, 0]),
    (F.log_softmax, [INF, 0.0], [0, -INF], [-1, 1]),
    (lambda xs: F.cross_entropy(xs, 0), [INF, 0.0], [0], [0, 0]),
    (lambda xs: F.cross_entropy(xs, 1), [INF, 0.0], [INF], [1, -1]),
    (lambda xs: F.cross_entropy(xs, 0), [-1000.0, -1001.0], [0.3132616875182228], None),
    (lambda xs: F.hinge(xs, [1, 1]), [INF, INF], [0], [0, 0]),
    (lambda xs: F.hinge(xs, [-1]), [INF], [INF], [1]),
    (F.mean, [INF, 0.0], [INF], [0.5, 0.5]),
]


@pytest.mark.parametrize(("fn", "point", "outputs", "grad"), CASES)
def test_values_and_gradients(fn, point, outputs, grad):
    for out, slopes in ways(fn, point):
        assert out == pytest.approx(outputs, rel=1e-14)
        if grad is not None:
            assert slopes == pytest.approx(grad, rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("x", [INF, -INF])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_binary_cross_entropy_at_infinity(x, y):
    loss = INF if (x > 0) != (y == 1) else 0.0
    slope = 0.0 if loss == 0 else float(np.sign(x))
    for out, grad in ways(lambda xs: F.binary_cross_entropy_with_logits(xs, [y]), [x]):
        assert (out[0], grad[0]) == (loss, slope)
    for out, grad in ways(lambda xs: F.binary_cross_entropy_with_logits(xs[:1], xs[1:]), [x, y]):
        assert (out[0], grad[0]) == (loss, slope)


@pytest.mark.parametrize("x", [-800.0, -2.0, 0.0, 3.0])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_by_logit_and_target(x, y):
    expected = max(x, 0) - x * y + math.log1p(math.exp(-abs(x)))
    slopes = [1 / (1 + math.exp(-x)) - y if x > -700 else -y, -x]
    for out, grad in ways(lambda xs: F.binary_cross_entropy_with_logits(xs[:1], xs[1:]), [x, y]):
        assert out[0] == pytest.approx(expected, rel=1e-14, abs=1e-15)
        assert grad == pytest.approx(slopes, rel=1e-14, abs=1e-15)
    assert F.binary_cross_entropy_with_logits([x], [y]).data == pytest.approx(expected, abs=1e-15)


def test_second_derivatives_know_that_the_shift_is_a_number():
    p = np.array([0.5, 0.3, 0.2])
    f = record(lambda *xs: F.logsumexp(list(xs)), 3)
    np.testing.assert_allclose(f.hessian(np.log(p)), np.diag(p) - np.outer(p, p), atol=1e-15)


def test_backward_does_not_go_below_what_is_detached():
    x = Value(0.0)
    root = x.sqrt()
    (root.detach() * 2 + x).backward()
    assert (x.grad, root.grad) == (1.0, 0.0)
    detached = root.detach()
    detached.backward()
    assert (x.grad, detached.grad) == (1.0, 1.0)
