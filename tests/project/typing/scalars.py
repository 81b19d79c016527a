"""Arithmetic: every operator and op, with every kind of number on either side."""

from fractions import Fraction
from typing import Any, Literal, assert_type

import numpy as np

from megagrad import Value, where

a, b = Value(-4.0), Value(2, label="b")
Value(True)
Value(np.float64(1))
Value(np.float32(1))
Value(np.int64(1))
Value(np.bool_(True))
Value(Fraction(1, 2))

# Values on both sides.
assert_type(a + b, Value)
assert_type(a - b, Value)
assert_type(a * b, Value)
assert_type(a / b, Value)
assert_type(a.abs() ** b, Value)
assert_type(pow(b, 2), Value)
assert_type(-a, Value)
assert_type(abs(a), Value)

# A number on the right.
assert_type(a + 1, Value)
assert_type(a + 1.5, Value)
assert_type(a + True, Value)
assert_type(a + Fraction(1, 2), Value)
assert_type(a + np.float64(1), Value)
assert_type(a + np.float32(1), Value)
assert_type(a + np.int64(1), Value)
assert_type(a + np.bool_(True), Value)
assert_type(a - 1, Value)
assert_type(a - np.float32(1), Value)
assert_type(a * 2, Value)
assert_type(a * np.int64(1), Value)
assert_type(a / 2, Value)
assert_type(a / np.float64(2), Value)
assert_type(a**3, Value)
assert_type(b**0.5, Value)
assert_type(b ** np.float32(2), Value)

# A number on the left.
assert_type(1 + a, Value)
assert_type(1.5 + a, Value)
assert_type(True + a, Value)
assert_type(Fraction(1, 2) + a, Value)
assert_type(np.float64(1) + a, Value)
assert_type(np.float32(1) + a, Value)
assert_type(np.int64(1) + a, Value)
assert_type(np.bool_(True) + a, Value)
assert_type(1 - a, Value)
assert_type(np.float32(1) - a, Value)
assert_type(2 * a, Value)
assert_type(np.int64(2) * a, Value)
assert_type(10.0 / a, Value)
assert_type(np.float64(1) / a, Value)
assert_type(2**a, Value)
assert_type(np.float32(2) ** a, Value)

# Comparisons of data.
assert_type(a < b, bool)
assert_type(a <= 1, bool)
assert_type(a > 1.5, bool)
assert_type(a >= np.float32(1), bool)
assert_type(1 < a, bool)  # noqa: SIM300
assert_type(1.5 >= a, bool)  # noqa: SIM300
assert_type(a == b, bool)
assert_type(a != b, bool)
assert_type(max(a, b), Value)
assert_type(sorted([a, b]), list[Value])
assert_type({a: 1.0, b: 2.0}, dict[Value, float])

# Ops of two operands.
assert_type(a.maximum(b), Value)
assert_type(a.minimum(0), Value)
assert_type(a.less(b), Value)
assert_type(a.less_equal(1.5), Value)
assert_type(a.greater(np.float32(1)), Value)
assert_type(a.greater_equal(np.int64(1)), Value)
assert_type(a.when(b), Value)
assert_type(a.unless(0), Value)
assert_type(where(a.less(b), a, 0.0), Value)
assert_type(where(True, 1, b), Value)

# Ops of one operand.
assert_type(a.neg(), Value)
assert_type(a.abs(), Value)
assert_type(a.exp(), Value)
assert_type(a.expm1(), Value)
assert_type(b.log(), Value)
assert_type(b.log1p(), Value)
assert_type(b.sqrt(), Value)
assert_type(a.cbrt(), Value)
assert_type(a.sin(), Value)
assert_type(a.cos(), Value)
assert_type(a.tan(), Value)
assert_type((a / 8).arcsin(), Value)
assert_type((a / 8).arccos(), Value)
assert_type(a.arctan(), Value)
assert_type(a.sinh(), Value)
assert_type(a.cosh(), Value)
assert_type(a.tanh(), Value)
assert_type(a.erf(), Value)
assert_type(a.sigmoid(), Value)
assert_type(a.relu(), Value)
assert_type(a.softplus(), Value)
assert_type(a.silu(), Value)
assert_type(a.gelu(), Value)
assert_type(a.leaky_relu(), Value)
assert_type(a.leaky_relu(negative_slope=0.2), Value)
assert_type(a.elu(), Value)
assert_type(a.elu(alpha=np.float32(2)), Value)

# sum() of none is 0.
values = [a, b]
total = sum(values)
assert_type(total, Value | Literal[0])
if isinstance(total, Value):
    total.backward()
assert_type(sum(values, Value(0)), Value)
assert_type(sum((x * y for x, y in zip(values, values, strict=True)), Value(0)), Value)

# micrograd's own example.
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
g = e**2 / 2.0
g += 10.0 / e**2
g.backward()
assert_type(g, Value)
assert_type(g.data, float)
assert_type(a.grad, float)
a.data = 3
a.data -= np.float32(0.1) * a.grad
a.grad = 0

# Arrays of Values are arrays of objects, of which NumPy knows no more.
array = np.array([[a, b], [b, a]])
assert_type(a + array, Any)
assert_type(array + a, Any)
for row in array:
    for value in row:
        assert isinstance(value, Value)
        assert_type(value.exp(), Value)
