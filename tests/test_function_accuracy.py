"""The vectorised functions of recorded programs, to 2 ulp of the exact value."""

import math

import numpy as np
import pytest

from megagrad import record
from megagrad._core import instruction_sets, use_instruction_set

mpmath = pytest.importorskip("mpmath")

ULPS = 2.0
# The exact function, and the intervals that points are drawn from.
FUNCTIONS = {
    "exp": (mpmath.exp, [(-3, 3), (-740, 709)]),
    "expm1": (mpmath.expm1, [(-1, 1), (-40, 709), (-1e-9, 1e-9)]),
    "log": (mpmath.log, [(0.5, 2), (1e-300, 1e-290), (1, 1e300)]),
    "log1p": (mpmath.log1p, [(-0.9, 2), (-1e-9, 1e-9), (1, 1e12)]),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), [(-9, 9), (1e-300, 1e-290)]),
    "sin": (mpmath.sin, [(-4, 4), (-1e5, 1e5), (-1e9, 1e9)]),
    "cos": (mpmath.cos, [(-4, 4), (-1e5, 1e5), (-1e9, 1e9)]),
    "tan": (mpmath.tan, [(-4, 4), (-1e5, 1e5)]),
    "arcsin": (mpmath.asin, [(-1, 1), (-1e-5, 1e-5)]),
    "arccos": (mpmath.acos, [(-1, 1), (0.99, 1)]),
    "arctan": (mpmath.atan, [(-3, 3), (-1e9, 1e9)]),
    "sinh": (mpmath.sinh, [(-2, 2), (-700, 700)]),
    "cosh": (mpmath.cosh, [(-2, 2), (-700, 700)]),
    "tanh": (mpmath.tanh, [(-2, 2), (-25, 25), (-1e-5, 1e-5)]),
    "erf": (mpmath.erf, [(-3, 3), (-7, 7), (-1e-5, 1e-5)]),
}


def worst(outputs, exact):
    """The largest error, in units in the last place of the exact values."""
    errors = [
        abs(mpmath.mpf(float(output)) - value) / math.ulp(float(value))
        for output, value in zip(outputs, exact, strict=True)
        if math.isfinite(float(value)) and abs(value) > 1e-307
    ]
    return float(max(errors))


@pytest.fixture(autouse=True)
def exactly():
    with mpmath.workdps(50):
        yield
    use_instruction_set(instruction_sets()[0])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, intervals = FUNCTIONS[name]
    f = record(lambda x: getattr(x, name)(), 1)
    rng = np.random.default_rng(11)
    points = np.concatenate([rng.uniform(*interval, 300) for interval in intervals])
    exact = [function(mpmath.mpf(float(x))) for x in points]
    for instruction_set in instruction_sets():
        use_instruction_set(instruction_set)
        assert worst(f(points[:, None]), exact) <= ULPS, instruction_set


def test_powers():
    f = record(lambda x, y: x**y, 2)
    rng = np.random.default_rng(12)
    points = np.stack([rng.uniform(1e-3, 50, 900), rng.uniform(-60, 60, 900)], axis=1)
    points[:300, 0] = rng.uniform(0.99, 1.01, 300)
    points[600:, 1] = rng.integers(-5, 6, 300)
    exact = [mpmath.power(mpmath.mpf(float(x)), mpmath.mpf(float(y))) for x, y in points]
    for instruction_set in instruction_sets():
        use_instruction_set(instruction_set)
        assert worst(f(points), exact) <= ULPS, instruction_set
