"""0 times anything is 0 in the chain rule, sums keep their order, and all modes agree."""

import math

import numpy as np
import pytest
from support.op_table import TABLE, apply, ops

from megagrad import Function, Value, nn, record, where
from megagrad._core import instruction_sets, use_instruction_set

SPECIAL = [-math.inf, -2.0, -1.0, -0.5, -0.0, 0.0, 1e-9, 0.5, 1.0, 2.0, 1000.0, math.inf]


@pytest.fixture(params=instruction_sets())
def _every_instruction_set(request):
    use_instruction_set(request.param)
    yield
    use_instruction_set(instruction_sets()[0])


NOTHING = {
    "a branch": (lambda x: where(x.greater(0), x.sqrt(), 0.0), 0.0),
    "relu": (lambda x: x.relu().sqrt(), -1.0),
    "leaky_relu": (lambda x: x.leaky_relu(0.0).sqrt(), -1.0),
    "maximum": (lambda x: x.maximum(0.0).sqrt(), -1.0),
    "minimum": (lambda x: (x.minimum(0.0) * -1).sqrt(), 1.0),
    "abs": (lambda x: abs(x).sqrt(), 0.0),
    "comparison": (lambda x: x.less(-5).sqrt(), 1.0),
    "power": (lambda x: x.relu() ** 0.5, -1.0),
    "quotient": (lambda x: where(x.greater(0), x.sqrt() / (x + 1), 0.0), 0.0),
    "product": (lambda x: where(x.greater(0), (x.sqrt() * (x + 3)), 1.0), 0.0),
}


@pytest.mark.parametrize(("fn", "at"), NOTHING.values(), ids=NOTHING)
@pytest.mark.usefixtures("_every_instruction_set")
def test_what_is_not_chosen_contributes_nothing(fn, at):
    x = Value(at)
    fn(x).backward()
    assert x.grad == 0
    f = record(fn, 1)
    for count in (1, 3, 9):
        points = np.full((count, 1), at)
        assert not f.vjp(points)[1].any()
        assert not f.jvp(points, np.ones_like(points))[1].any()
        assert not f.jacobian(points).any()


@pytest.mark.usefixtures("_every_instruction_set")
@pytest.mark.parametrize("infinite", [0, 1])
def test_a_network_beyond_a_choice(infinite):
    """Where a layer's input is infinite, and its output is not chosen, no weight gets NaN."""
    neuron = nn.Neuron(2, nonlin=False)
    x = [Value(1.0), Value(1.0)]
    f = Function(x, where(x[1].greater(0), neuron([x[0].log(), x[0]]), 0.0), neuron.parameters())
    points = np.tile([[0.0, -1.0], [1.0, 1.0]], (6, 1))
    f.backward(points[:1])
    assert [p.grad for p in neuron.parameters()] == [0.0, 0.0, 0.0]
    f.backward(points)
    assert [p.grad for p in neuron.parameters()] == [0.0, 6.0, 6.0]
    assert f.vjp(points)[1][infinite] @ [1, 0] == (infinite and sum(p.data for p in neuron.w))


@pytest.mark.usefixtures("_every_instruction_set")
def test_sums_keep_their_order():
    assert record(lambda t, t0, dt: (t - t0) + dt, 3)([1e16, 1e16, 1.5]) == 1.5
    assert record(lambda a, b, c: a + (b - c), 3)([1.0, 1e16, 1e16]) == 1.0

    def two_sum(a, b):
        s = a + b
        other = s - a
        return (a - (s - other)) + (b - other)

    assert record(two_sum, 2)([1.0, 1e-20]) == 1e-20
    f = record(lambda a, b, c, d: a * b + c + d * 2 - c + 3.0, 4)
    assert f([[0.0, 1.0, 1e16, 1.0]] * 9).tolist() == [((0.0 + 1e16) + 2.0) - 1e16 + 3.0] * 9


@pytest.mark.usefixtures("_every_instruction_set")
def test_without_contraction_a_product_is_rounded():
    x = 1 + 2.0**-30
    lost = record(lambda a, b, c: a * b - c, 3, contract=False)
    assert lost([x, x, x * x]) == 0
    assert lost([[x, x, x * x]] * 9).tolist() == [0.0] * 9
    assert record(lambda a: a.tanh().exp(), 1, contract=False)([0.3]) == math.exp(math.tanh(0.3))


@pytest.mark.parametrize("row", ops(), ids=lambda row: row.name)
def test_modes_agree_at_special_values(row):
    arity = 2 if row.kind in ("infix", "binary") else 1
    more = [row.default] if row.kind == "parametric" else []
    xs = [Value(math.nan) for _ in range(arity)]
    f = Function(xs, apply(TABLE[row.name], *xs, *more))
    grid = np.array(np.meshgrid(*[SPECIAL] * arity)).reshape(arity, -1).T
    by_reverse = f.vjp(grid)[1]
    for i, direction in enumerate(np.eye(arity)):
        by_forward = f.jvp(grid, np.tile(direction, (len(grid), 1)))[1]
        np.testing.assert_array_equal(by_forward, by_reverse[:, i])


def test_second_derivatives_keep_their_digits_near_zero():
    def second(name, x):
        return record(lambda v: getattr(v, name)(), 1).hessian([x]).item()

    for x in (1e-3, 1e-9, 1e-20):
        slope = 1 / math.sqrt((1 - x) * (1 + x))
        assert second("arcsin", x) == pytest.approx(x * slope**3, rel=1e-13)
        assert second("arccos", x) == pytest.approx(-x * slope**3, rel=1e-13)
        sigmoid = -math.tanh(x / 2) / (2 + math.exp(x) + math.exp(-x))
        assert second("sigmoid", x) == pytest.approx(sigmoid, rel=1e-13)
    assert record(lambda x, y: x**y, 2).hessian([2.0, 0.0])[0, 1] == 0.5


@pytest.mark.parametrize("contract", [True, False])
def test_slopes_where_a_factor_is_infinite_and_the_other_vanishes(contract):
    for op in ("silu", "gelu"):
        f = record(lambda x, op=op: getattr(x, op)(), 1, contract=contract)
        assert f.value_and_grad([math.inf]) == (math.inf, 1.0)
        x = Value(math.inf)
        getattr(x, op)().backward()
        assert x.grad == 1.0
    power = record(lambda x, y: x**y, 2, contract=contract)
    for x, y in ((0.5, math.inf), (2.0, -math.inf), (0.0, math.inf)):
        assert power.value_and_grad([x, y])[1].tolist() == [0.0, 0.0]
