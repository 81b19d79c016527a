"""Numbers as Python computes them: results to the last bit, errors, operands of other types."""

import math
import random
import sys

import pytest

from megagrad.engine import Value


def test_forward_results_are_bit_for_bit_pythons():
    rng = random.Random(0)
    for _ in range(2000):
        x, y, n = rng.uniform(-9, 9), rng.uniform(0.1, 9), rng.randrange(-5, 6)
        a, b = Value(x), Value(y)
        assert (a + b).data == x + y
        assert (a - b).data == x - y
        assert (a * b).data == x * y
        assert (a / b).data == x / y
        assert (b**a).data == y**x
        assert (b**n).data == y**n
        assert (2**a).data == 2**x
        assert a.exp().data == math.exp(x)
        assert b.log().data == math.log(y)
        assert a.tanh().data == math.tanh(x)
        assert (a * b + a * 2.5 - b / 3).data == x * y + x * 2.5 - y / 3


FLOAT_ERRORS = [
    (lambda v: v / 0, 1.0, ZeroDivisionError, r"1.0 / 0.0: division by zero"),
    (lambda v: 1 / v, 0.0, ZeroDivisionError, r"1.0 / 0.0: division by zero"),
    (lambda v: v**-1.0, 0.0, ZeroDivisionError, r"0.0 \*\* -1.0: zero cannot be raised"),
    (lambda v: 0.0**v, -1.0, ZeroDivisionError, "negative power"),
    (lambda v: v.log(), 0.0, ValueError, r"log\(0.0\) is undefined: needs x > 0"),
    (lambda v: v.log(), -1.0, ValueError, "needs x > 0"),
    (lambda v: v.log1p(), -1.0, ValueError, "needs x > -1"),
    (lambda v: v.sqrt(), -1.0, ValueError, "needs x >= 0"),
    (lambda v: v.arcsin(), 2.0, ValueError, "needs -1 <= x <= 1"),
    (lambda v: v.arccos(), -2.0, ValueError, "needs -1 <= x <= 1"),
    (lambda v: v.sin(), math.inf, ValueError, "needs a finite x"),
    (lambda v: v**0.5, -1.0, ValueError, r"-1.0 \*\* 0.5 is undefined: needs x >= 0"),
    (lambda v: (-2) ** v, 0.5, ValueError, "is undefined"),
    (lambda v: v.exp(), 1000.0, OverflowError, r"exp\(1000.0\) is too large"),
    (lambda v: v.expm1(), 1000.0, OverflowError, "too large"),
    (lambda v: v.sinh(), 1000.0, OverflowError, "too large"),
    (lambda v: v.cosh(), -1000.0, OverflowError, "too large"),
    (lambda v: v**2, 1e200, OverflowError, r"1e\+200 \*\* 2.0 is too large"),
]


@pytest.mark.parametrize(("function", "at", "error", "says"), FLOAT_ERRORS)
def test_float_errors_are_pythons(function, at, error, says):
    x = Value(at)
    references = sys.getrefcount(x)
    with pytest.raises(error, match=says):
        function(x)
    # Nothing half-built is left behind.
    assert (x.data, x.grad, sys.getrefcount(x)) == (at, 0.0, references)
    (x * 2).backward()
    assert x.grad == 2.0


def test_plain_arithmetic_overflows_as_pythons_does():
    big = Value(1e308)
    assert (big * 10).data == math.inf
    assert (big + big).data == math.inf
    assert math.isnan((Value(math.inf) - math.inf).data)
    assert (big / 1e-10).data == math.inf
    assert Value(math.inf).exp().data == math.inf
    assert Value(-math.inf).exp().data == 0.0


def test_backward_never_raises_for_a_value():
    x = Value(0.0)
    x.sqrt().backward()
    assert x.grad == math.inf
    y, z = Value(1.0), Value(2.0)
    out = y / z
    z.data = 0.0
    out.backward()
    assert y.grad == math.inf


@pytest.mark.parametrize("other", ["1", None, [1.0], 1j, object()])
@pytest.mark.parametrize(
    "operate",
    [lambda a, b: a + b, lambda a, b: b - a, lambda a, b: a * b, lambda a, b: b / a],
)
def test_other_operands_are_a_type_error(operate, other):
    with pytest.raises(TypeError, match=r"'Value'|can only concatenate"):
        operate(Value(1.0), other)


def test_pow_takes_no_modulus_and_methods_no_strangers():
    with pytest.raises(TypeError, match="modulus"):
        pow(Value(2.0), 2, 3)
    with pytest.raises(TypeError, match=r"maximum\(\) needs a Value or a real number, not 'str'"):
        Value(1.0).maximum("x")
    with pytest.raises(TypeError, match="negative_slope"):
        Value(1.0).leaky_relu("x")
    with pytest.raises(TypeError, match="no argument 'slope'"):
        Value(1.0).leaky_relu(slope=0.1)
    with pytest.raises(TypeError, match="at most one argument"):
        Value(1.0).elu(1.0, alpha=1.0)
    with pytest.raises(OverflowError):
        Value(1.0) + 10**400


def test_a_foreign_class_gets_its_turn():
    class Foreign:
        def __radd__(self, other):
            return "mine"

    assert Value(1.0) + Foreign() == "mine"


def test_powers_of_zero_are_pythons():
    assert (Value(0.0) ** -math.inf).data == 0.0**-math.inf == math.inf
    assert (Value(0.0) ** 0).data == 1.0
    with pytest.raises(ValueError, match=r"elu\(0\.0, inf\) is undefined$"):
        Value(0.0).elu(math.inf)
