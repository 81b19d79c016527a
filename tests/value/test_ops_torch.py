"""PyTorch as the reference, where it is installed (the extra test-torch): values and gradients.

micrograd's own tests have this form; theirs run here with the import changed (see CONTRIBUTING).
"""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.op_table import apply, points, row_id
from support.random_programs import ALL, BETWEEN, EXTREMES, Bulk, examples, run, steps, tamed

from megagrad._core import ops
from megagrad.engine import Value

torch = pytest.importorskip("torch")

NOTHING = torch.tensor(-0.0, dtype=torch.float64)


def nothing_of(*xs):
    """-0.0 with a gradient of 0, so that there is one."""
    return sum(-0.0 * torch.abs(torch.nan_to_num(x, 0.0, 0.0, 0.0)) for x in xs)


def comparison(name):
    """PyTorch's has a bool as its result, which has no derivative."""
    return lambda x, y: getattr(torch, name)(x, y) + nothing_of(x, y)


# Where PyTorch has the function under another name, or elsewhere.
REFERENCES = {
    **{name: comparison(name) for name in ("less", "less_equal", "greater", "greater_equal")},
    "when": lambda x, y: torch.where(y != 0, x, NOTHING) + nothing_of(y),
    "unless": lambda x, y: torch.where(y == 0, x, NOTHING) + nothing_of(y),
    "shifted": lambda x, y: x - y.detach() + nothing_of(y),
    "detach": lambda x: x.detach() + nothing_of(x),
    "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "elu": torch.nn.functional.elu,
}

# Where the derivative jumps, or the function's domain ends.
EDGES = {
    "abs": [(0.0,)],
    "relu": [(0.0,)],
    "sqrt": [(0.0,)],
    "arcsin": [(1.0,), (-1.0,)],
    "arccos": [(1.0,), (-1.0,)],
    "leaky_relu": [(0.0, 0.1)],
    "elu": [(0.0, 0.7)],
    "maximum": [(1.0, 1.0), (math.nan, 1.0), (1.0, math.nan)],
    "when": [(3.0, 0.0), (2.0, -0.0)],
    "unless": [(3.0, 1.0), (2.0, -0.0), (2.0, 1.0)],
    "less": [(1.0, 1.0), (-1.0, 2.0)],
    "greater_equal": [(1.0, 1.0), (-1.0, 2.0)],
    "minimum": [(-2.0, -2.0), (math.nan, 1.0), (1.0, math.nan)],
    "pow": [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (0.0, 0.5), (-2.0, 3.0)],
    "sigmoid": [(-500.0,), (500.0,)],
    "softplus": [(-30.0,), (19.0,)],
    "silu": [(-500.0,), (500.0,)],
    "gelu": [(-30.0,), (30.0,)],
    "tanh": [(-30.0,), (30.0,)],
}


def same(actual, expected):
    return actual == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("row", ops(), ids=row_id)
def test_value_and_gradients(row):
    function = REFERENCES.get(row.name) or getattr(torch, row.name)
    for point in points(row) + EDGES.get(row.name, []):
        ours = [Value(x) for x in point]
        theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
        if row.kind == "parametric":
            out = apply(row, ours[0], point[1])
            reference = function(theirs[0], point[1])
        else:
            out = apply(row, *ours)
            reference = function(*theirs)
        out.backward()
        reference.backward()
        assert same(out.data, reference.item()), point
        for mine, other in zip(ours[: row.arity], theirs, strict=False):
            assert same(mine.grad, other.grad.item()), point


def functional(row):
    return REFERENCES.get(row.name) or getattr(torch, row.name)


def tensor(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def as_tensor(x):
    return x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=torch.float64)


class Tensors:
    """PyTorch's functions under the names that random programs use."""

    leaf = staticmethod(tensor)

    @staticmethod
    def apply(row, *operands):
        if row.kind != "parametric":
            operands = map(as_tensor, operands)
        return functional(row)(*operands)

    @staticmethod
    def row(xs):
        return torch.stack([as_tensor(x) for x in xs])

    def dot(self, w, x, bias):
        return torch.dot(self.row(w), self.row(x)) + bias

    def sum(self, xs, start):
        return self.row(xs).sum() + start

    def mean(self, xs):
        return self.row(xs).mean()

    def logsumexp(self, xs):
        return torch.logsumexp(self.row(xs), 0)

    def softmax(self, xs):
        return list(torch.softmax(self.row(xs), 0))

    def log_softmax(self, xs):
        return list(torch.log_softmax(self.row(xs), 0))

    def rms_norm(self, xs, weight=None):
        weight = None if weight is None else self.row(weight)
        return list(torch.nn.functional.rms_norm(self.row(xs), (len(xs),), weight, eps=1e-5))

    def mse_loss(self, xs, ys):
        return torch.nn.functional.mse_loss(self.row(xs), self.row(ys))

    def hinge(self, xs, ys):
        return torch.relu(1 - self.row(map(float, ys)) * self.row(xs)).mean()

    def cross_entropy(self, xs, target):
        return torch.nn.functional.cross_entropy(self.row(xs), torch.tensor(target))

    def binary_cross_entropy_with_logits(self, xs, ys):
        return torch.nn.functional.binary_cross_entropy_with_logits(self.row(xs), self.row(ys))

    def where(self, condition, x, y):
        return torch.where(condition != 0, x, y)

    def layer(self, neurons, x):
        return [torch.tanh(self.dot(w, x, b)) for w, b in neurons]


@examples(150)
@given(steps(ALL, BETWEEN), st.lists(BETWEEN, min_size=4, max_size=4))
def test_random_programs(program, numbers):
    ours = run(program, numbers, Bulk(), after=tamed)
    theirs = run(program, numbers, Tensors(), after=tamed)
    ours[-1].backward()
    theirs[-1].backward()
    assert [node.data for node in ours] == pytest.approx([t.item() for t in theirs], rel=1e-11)
    slopes = [0.0 if t.grad is None else t.grad.item() for t in theirs[:4]]
    assert [node.grad for node in ours[:4]] == pytest.approx(slopes, rel=1e-9, abs=1e-10)


# PyTorch's slope of relu, of elu, at NaN is 1; its cube root here is one of a magnitude.
OTHERWISE = {("relu", (math.nan,)), ("elu", (math.nan,)), ("cbrt", (0.0,)), ("cbrt", (-0.0,))}
# These have a limit at infinities where PyTorch's 0 * inf, or inf - inf, is NaN.
HAVE_LIMITS = {"pow", "silu", "gelu", "shifted"}


@pytest.mark.parametrize("row", ops(), ids=row_id)
def test_extreme_numbers(row):
    compared = 0
    for point in itertools.product(EXTREMES, repeat=row.arity):
        if (row.name, point) in OTHERWISE:
            continue
        ours, theirs = [Value(x) for x in point], [tensor(x) for x in point]
        parameter = [0.3] if row.kind == "parametric" else []
        try:
            out = apply(row, *ours, *parameter)
        except (ZeroDivisionError, ValueError, OverflowError):
            continue
        reference = functional(row)(*theirs, *parameter)
        out.backward()
        reference.backward()
        pairs = [(out.data, reference.item())]
        pairs += [(mine.grad, other.grad.item()) for mine, other in zip(ours, theirs, strict=True)]
        for mine, other in pairs:
            has_limit = row.name in HAVE_LIMITS and math.inf in map(abs, point)
            assert same(mine, other) or (has_limit and math.isnan(other)), point
        compared += 1
    assert compared >= 10


def test_a_small_network_step():
    torch.manual_seed(0)
    weights = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    x = torch.randn(3, dtype=torch.float64)
    loss = (torch.tanh(weights @ x) ** 2).sum().log()
    loss.backward()

    ours = [[Value(w) for w in row] for row in weights.tolist()]
    hidden = [sum(w * xi for w, xi in zip(row, x.tolist(), strict=True)).tanh() for row in ours]
    out = sum(h**2 for h in hidden).log()
    out.backward()
    assert math.isclose(out.data, loss.item(), rel_tol=1e-14)
    for row, expected in zip(ours, weights.grad.tolist(), strict=True):
        assert [w.grad for w in row] == pytest.approx(expected, rel=1e-12)
