"""Recorded programs of hundreds of thousands of instructions, and of as many inputs, outputs, uses and products.

Nothing is timed here; bench/scale.py is for that.
"""

import itertools

import numpy as np
import pytest

from megagrad import Function, Value
from megagrad.functional import dot
from megagrad.functional import sum as total


def test_a_long_program(tmp_path):
    """Nothing in it can be folded, merged, dropped or fused."""
    count = 200_000
    x, w = Value(0.5), Value(0.75)
    y = x
    for _ in range(count):
        y = (y * x).sin()
    y = y * w
    f = Function([x], y)
    assert repr(f).endswith(f"{2 * count + 1} instructions>")
    y.backward()
    output, grads, parameter_grads = f.vjp([0.5])
    assert output == y.data == f([0.5])
    assert grads == pytest.approx([x.grad], rel=1e-9)
    assert parameter_grads == pytest.approx([w.grad], rel=1e-9)
    assert f.jvp([0.5], [1.0])[1] == pytest.approx(grads[0], rel=1e-9)
    data = np.array([[0.5], [0.25], [0.5]])
    np.testing.assert_array_equal(f(data)[[0, 2]], [output] * 2)
    f.save(tmp_path / "f")
    Function.load(tmp_path / "f").save(tmp_path / "g")
    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes()


def test_many_inputs_parameters_outputs_and_uses():
    count = 100_000
    xs, ws = ([Value(1.0) for _ in range(count)] for _ in range(2))
    outputs = [(x * w).tanh() for x, w in zip(xs, ws, strict=True)]
    f = Function(xs, [*outputs, total([output * xs[0] for output in outputs])], ws)
    results, grads, parameter_grads = f.vjp([1.0] * count)
    assert results.tolist() == [outputs[0].data] * count + [results[-1]]
    slope = 1 - outputs[0].data ** 2
    assert results[-1] == pytest.approx(count * outputs[0].data)
    assert parameter_grads == pytest.approx(np.full(count, 2 * slope))
    assert grads[1:] == pytest.approx(np.full(count - 1, 2 * slope))
    assert grads[0] == pytest.approx(2 * slope + count * outputs[0].data)


def test_a_dot_of_a_million_products():
    count = 1_000_000
    x, w = Value(0.5), Value(2.0)
    f = Function([x], dot([w] * count, [x] * count))
    output, grads, parameter_grads = f.vjp([0.5])
    assert (output, grads[0], parameter_grads[0]) == (count, 2.0 * count, 0.5 * count)


def test_long_sums_that_wait_for_another_kernel():
    """They stay at the head of the window in which steps are put in order, while others go by."""
    count, width = 39_000, 2_000
    a, b = ([Value(0.5) for _ in range(size)] for size in (width, 400))
    pairs = itertools.combinations(b, 2)

    def short():
        (p, q), (r, s) = next(pairs), next(pairs)
        return p * q + r * s

    first, late = short(), b[0].exp()
    long = [dot([*a, late], [*a[k:], *a[:k], b[k]]) for k in range(1, 51)]
    outputs = [first, late, *long, *(short() for _ in range(count))]
    f = Function([*a, *b], outputs)
    assert f([0.5] * (width + 400)) == pytest.approx([output.data for output in outputs])
