"""PyTorch as the reference, where it is installed (the extra test-torch): values and gradients.

micrograd's own tests have this form; theirs run here with the import changed (see CONTRIBUTING).
"""

import math

import pytest
from test_ops import apply, points, row_id

from megagrad._core import ops
from megagrad.engine import Value

torch = pytest.importorskip("torch")

NOTHING = torch.tensor(-0.0, dtype=torch.float64)


def comparison(name):
    """PyTorch's has a bool as its result, which has no derivative."""
    return lambda x, y: getattr(torch, name)(x, y) + 0.0 * (x + y)


# Where PyTorch has the function under another name, or elsewhere.
REFERENCES = {
    **{name: comparison(name) for name in ("less", "less_equal", "greater", "greater_equal")},
    "when": lambda x, y: torch.where(y != 0, x, NOTHING) + 0.0 * y,
    "unless": lambda x, y: torch.where(y == 0, x, NOTHING) + 0.0 * y,
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
