"""Second derivatives of recorded programs against PyTorch's and JAX's (extras test-torch, test-jax)."""

from types import SimpleNamespace

import numpy as np
import pytest

from megagrad import Value, record

NAMES = ("exp", "log", "sin", "cos", "cosh", "tanh", "sqrt", "sigmoid", "erf")
VALUES = SimpleNamespace(**{name: getattr(Value, name) for name in NAMES})

# Of the library's functions and three numbers.
FUNCTIONS = {
    "polynomial": lambda of, x, y, z: x**3.0 * y - 2 * x * z**2.0 + y,
    "power": lambda of, x, y, z: (x * x + 1) ** y * z,
    "quotient": lambda of, x, y, z: (x - y) / (z * z + x * x + 1),
    "tanh": lambda of, x, y, z: of.tanh(x * y + z) * of.sin(x),
    "softplus": lambda of, x, y, z: of.log(1 + of.exp(x * y - z)) + of.sigmoid(y),
    "logsumexp": lambda of, x, y, z: of.log(of.exp(x) + of.exp(y) + of.exp(z)),
    "roots": lambda of, x, y, z: of.sqrt(x * x + y * y + 0.5) * of.cos(z),
    "erf": lambda of, x, y, z: of.erf(x + y * z) * of.cosh(y),
}


def from_torch(function, points):
    torch = pytest.importorskip("torch")

    def call(tensor):
        return function(torch, *tensor)

    hessians = [torch.autograd.functional.hessian(call, torch.tensor(point)) for point in points]
    tensors = [torch.tensor(point, requires_grad=True) for point in points]
    values = [call(tensor) for tensor in tensors]
    grads = [torch.autograd.grad(v, t)[0] for v, t in zip(values, tensors, strict=True)]
    return [v.item() for v in values], torch.stack(grads).numpy(), torch.stack(hessians).numpy()


def from_jax(function, points):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    from jax.scipy.special import erf

    here = {"erf": erf, "sigmoid": jax.nn.sigmoid}
    of = SimpleNamespace(**{name: here.get(name) or getattr(jax.numpy, name) for name in NAMES})

    def call(point):
        return function(of, *point)

    derivatives = (call, jax.grad(call), jax.hessian(call))
    return [np.array(jax.vmap(derivative)(points)) for derivative in derivatives]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("theirs", [from_torch, from_jax])
def test_hessians_and_products(name, theirs):
    function = FUNCTIONS[name]
    f = record(lambda *inputs: function(VALUES, *inputs), 3)
    data, v = np.random.default_rng(5).normal(size=(2, 17, 3))
    values, grads, hessians = theirs(function, data)
    ours = [*f.value_and_grad(data), f.hessian(data), f.hvp(data, v)]
    expected = [values, grads, hessians, np.einsum("nij,nj->ni", hessians, v)]
    for computed, right in zip(ours, expected, strict=True):
        np.testing.assert_allclose(computed, right, rtol=1e-11, atol=1e-12)
