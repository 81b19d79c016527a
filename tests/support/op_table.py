"""The op table as tests use it: each op as a plain function, its points, and how to apply it."""

import math
import random

from megagrad._core import ops
from megagrad.engine import Value

TABLE = {row.name: row for row in ops()}

SYMBOLS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
}

# Where Python's math has the function under another name, or nobody but PyTorch has it: a formula
# that is right in the row's domain, however it fares outside.
COUNT_AS_NUMBERS = {("detach", 0), ("shifted", 1)}  # operands without a gradient
REFERENCES = SYMBOLS | {
    "maximum": max,
    "minimum": min,
    "less": lambda x, y: float(x < y),
    "less_equal": lambda x, y: float(x <= y),
    "greater": lambda x, y: float(x > y),
    "greater_equal": lambda x, y: float(x >= y),
    "when": lambda x, y: x if y else -0.0,
    "unless": lambda x, y: -0.0 if y else x,
    "shifted": lambda x, y: x - y,
    "detach": lambda x: x,
    "neg": lambda x: -x,
    "abs": abs,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * (math.exp(x) - 1),
}


def reference(row):
    return REFERENCES.get(row.name) or getattr(math, row.name)


def apply(row, *operands):
    if row.kind == "infix":
        return SYMBOLS[row.name](*operands)
    first, *others = operands
    return getattr(first if isinstance(first, Value) else Value(first), row.name)(*others)


def points(row, count=50):
    """Seeded points of the row's domain, one number an interval."""
    rng = random.Random(row.name)
    bounds = [tuple(map(float, part.split(":"))) for part in row.domain.split()]
    return [tuple(rng.uniform(*bound) for bound in bounds) for _ in range(count)]


def row_id(row):
    return row.name
