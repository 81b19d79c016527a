"""The op table once more, in mpmath's arbitrary precision: values and partial derivatives.

Written by the textbook, without regard to rounding: whoever asks works with enough digits. At a kink
and at a jump the derivative is the table's choice.
"""

from typing import NamedTuple

import mpmath
from mpmath import mpf


class Exact(NamedTuple):
    """A function of one or two numbers, and its partial derivatives; those of parameters are None."""

    value: object
    by_x: object
    by_y: object = None


def sign(x):
    return mpf(mpmath.sign(x))


def cbrt(x):
    return sign(x) * mpmath.cbrt(abs(x))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def softplus(x):
    return mpmath.log1p(mpmath.exp(x)) if x < 0 else x + mpmath.log1p(mpmath.exp(-x))


def normal_cdf(x):
    if abs(x) > 1e9:  # mpmath's own test of its series overflows from 1e154 on
        return mpmath.mpf(x > 0)
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def normal_pdf(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def power_by_base(x, y):
    return mpf(0) if y == 0 else y * mpmath.power(x, y - 1)


def power_by_exponent(x, y):
    return mpf(0) if x == 0 and y >= 0 else mpmath.power(x, y) * mpmath.log(x)


def share(x, y):
    """The part of the larger one's gradient that x gets."""
    return mpf(1) if x > y else mpf(0.5) if x == y else mpf(0)


def one(*_):
    return mpf(1)


def zero(*_):
    return mpf(0)


EXACT = {
    "add": Exact(lambda x, y: x + y, one, one),
    "sub": Exact(lambda x, y: x - y, one, lambda x, y: mpf(-1)),
    "mul": Exact(lambda x, y: x * y, lambda x, y: y, lambda x, y: x),
    "div": Exact(lambda x, y: x / y, lambda x, y: 1 / y, lambda x, y: -x / (y * y)),
    "pow": Exact(mpmath.power, power_by_base, power_by_exponent),
    "maximum": Exact(max, share, lambda x, y: share(y, x)),
    "minimum": Exact(min, lambda x, y: share(y, x), share),
    "less": Exact(lambda x, y: mpf(x < y), zero, zero),
    "less_equal": Exact(lambda x, y: mpf(x <= y), zero, zero),
    "greater": Exact(lambda x, y: mpf(x > y), zero, zero),
    "greater_equal": Exact(lambda x, y: mpf(x >= y), zero, zero),
    "when": Exact(lambda x, y: x if y else mpf(0), lambda x, y: mpf(y != 0), zero),
    "unless": Exact(lambda x, y: mpf(0) if y else x, lambda x, y: mpf(y == 0), zero),
    "shifted": Exact(lambda x, y: x - y, one, zero),
    "neg": Exact(lambda x: -x, lambda x: mpf(-1)),
    "abs": Exact(abs, sign),
    "exp": Exact(mpmath.exp, mpmath.exp),
    "expm1": Exact(mpmath.expm1, mpmath.exp),
    "log": Exact(mpmath.log, lambda x: 1 / x),
    "log1p": Exact(mpmath.log1p, lambda x: 1 / (1 + x)),
    "sqrt": Exact(mpmath.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x))),
    "cbrt": Exact(cbrt, lambda x: 1 / (3 * cbrt(x) ** 2)),
    "sin": Exact(mpmath.sin, mpmath.cos),
    "cos": Exact(mpmath.cos, lambda x: -mpmath.sin(x)),
    "tan": Exact(mpmath.tan, lambda x: mpmath.sec(x) ** 2),
    "arcsin": Exact(mpmath.asin, lambda x: 1 / mpmath.sqrt((1 - x) * (1 + x))),
    "arccos": Exact(mpmath.acos, lambda x: -1 / mpmath.sqrt((1 - x) * (1 + x))),
    "arctan": Exact(mpmath.atan, lambda x: 1 / (1 + x * x)),
    "sinh": Exact(mpmath.sinh, mpmath.cosh),
    "cosh": Exact(mpmath.cosh, mpmath.sinh),
    "tanh": Exact(mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "erf": Exact(mpmath.erf, lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    "sigmoid": Exact(sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "relu": Exact(lambda x: max(x, mpf(0)), lambda x: mpf(x > 0)),
    "softplus": Exact(softplus, sigmoid),
    "silu": Exact(lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "gelu": Exact(lambda x: x * normal_cdf(x), lambda x: normal_cdf(x) + x * normal_pdf(x)),
    "detach": Exact(lambda x: x, zero),
    "leaky_relu": Exact(
        lambda x, slope: x if x > 0 else slope * x, lambda x, slope: mpf(1) if x > 0 else slope
    ),
    "elu": Exact(
        lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
        lambda x, alpha: mpf(1) if x > 0 else alpha * mpmath.exp(x),
    ),
}
