"""First and second derivatives of random programs and of each op, against arbitrary precision."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.op_table import TABLE, apply, points, row_id
from support.random_programs import ALL, BETWEEN, Loops, examples, run, steps, tamed

from megagrad import Function, Value
from megagrad._core import ops

mpmath = pytest.importorskip("mpmath")
EXACT = pytest.importorskip("support.exact").EXACT

# A point this near to a kink is on one side of it in floats, and maybe on the other exactly.
NEAR = 1e-9
# These have a jump or a kink where their operands are equal, or where one is 0.
BY_ORDER = {"maximum", "minimum", "less", "less_equal", "greater", "greater_equal"}
# What counts as a number has no derivative, which a step does not know.
NUMBERS = {"detach", "shifted"}
AT_ZERO = {"abs", "relu", "leaky_relu", "elu"}


class Precise:
    """A number with the exact op table's operators and methods."""

    def __init__(self, data):
        self.data = mpmath.mpf(data)

    def __getattr__(self, name):
        if name not in EXACT:
            raise AttributeError(name)
        return lambda *others: exactly(TABLE[name], self, *others)

    def __neg__(self):
        return Precise(-self.data)

    def __pow__(self, other):
        return exactly(TABLE["pow"], self, other)


for _name in ("add", "sub", "mul"):

    def _operator(self, other, name=_name):
        return exactly(TABLE[name], self, other)

    def _reflected(self, other, name=_name):
        return exactly(TABLE[name], other, self)

    setattr(Precise, f"__{_name}__", _operator)
    setattr(Precise, f"__r{_name}__", _reflected)
Precise.__truediv__ = lambda self, other: exactly(TABLE["div"], self, other)
Precise.__rtruediv__ = lambda self, other: exactly(TABLE["div"], other, self)


def exactly(row, *operands):
    numbers = [x.data if isinstance(x, Precise) else mpmath.mpf(x) for x in operands]
    if row.kind == "parametric" and len(numbers) == 1:
        numbers.append(mpmath.mpf(row.default))
    if row.name in BY_ORDER:
        assume(operands[0] is operands[1] or abs(numbers[0] - numbers[1]) > NEAR)
    if row.name in AT_ZERO:
        assume(abs(numbers[0]) > NEAR)
    return Precise(EXACT[row.name].value(*numbers))


EXACTLY = Loops(Precise, exactly)
# Of these, a choice between operands is made by data alone.
SMOOTH = steps(ALL - {"when", "unless", "where", "hinge"} - NUMBERS, BETWEEN, most=8)


@examples(40)
@given(SMOOTH, st.lists(BETWEEN, min_size=3, max_size=3))
def test_first_and_second_derivatives_of_programs(program, numbers):
    leaves = [Value(x) for x in numbers]
    nodes = run(program, numbers, Loops(), after=tamed)
    leaves, root = nodes[:3], nodes[-1]
    f = Function(leaves, root)
    grad, hessian = f.value_and_grad(numbers)[1], f.hessian(numbers)
    root.backward()
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -15  # and its square is far above what 60 digits lose

        def at(*moves):
            moved = [mpmath.mpf(x) for x in numbers]
            for place, move in moves:
                moved[place] += move * h
            return run(program, moved, EXACTLY, after=tamed)[-1].data

        middle = at()
        slopes = [float((at((i, 1)) - at((i, -1))) / (2 * h)) for i in range(3)]
        bends = [
            [
                float(
                    (
                        at((i, 1), (j, 1))
                        - at((i, 1), (j, -1))
                        - at((i, -1), (j, 1))
                        + at((i, -1), (j, -1))
                    )
                    / (4 * h * h)
                )
                for j in range(3)
            ]
            for i in range(3)
        ]
        assert f(numbers) == pytest.approx(float(middle), rel=1e-13)
    scale = 1 + np.abs(slopes).max()
    np.testing.assert_allclose(grad, slopes, rtol=1e-11, atol=1e-12 * scale)
    np.testing.assert_allclose([x.grad for x in leaves], slopes, rtol=1e-11, atol=1e-12 * scale)
    scale = 1 + np.abs(bends).max()
    np.testing.assert_allclose(hessian, bends, rtol=1e-10, atol=1e-11 * scale)


def complex_step(function, point, place):
    """The derivative of an analytic function as the imaginary part of a tiny step's: no difference cancels."""
    h = mpmath.mpf(10) ** -40
    moved = [mpmath.mpf(x) for x in point]
    moved[place] = mpmath.mpc(moved[place], h)
    return float(mpmath.im(function(*moved)) / h)


CHOOSING = {
    *BY_ORDER,
    *AT_ZERO,
    *NUMBERS,
    "when",
    "unless",
    "softplus",
    "cbrt",
}  # written with comparisons


@pytest.mark.parametrize("row", [row for row in ops() if row.name not in CHOOSING], ids=row_id)
def test_derivatives_of_ops_are_complex_steps(row):
    """The first one is the value's step, the second one the first's."""
    value, *slopes = EXACT[row.name]
    leaves = [Value(0.5) for _ in range(row.arity)]
    f = Function(leaves, apply(row, *leaves))
    with mpmath.workdps(60):
        for point in points(row, 20):
            grad, hessian = f.value_and_grad(point)[1], f.hessian(point)
            for i, slope in enumerate(slopes[: row.arity]):
                assert grad[i] == pytest.approx(complex_step(value, point, i), rel=2e-13, abs=1e-15)
                for j in range(row.arity):
                    right = complex_step(slope, point, j)
                    assert hessian[i][j] == pytest.approx(right, rel=2e-12, abs=1e-14), point
