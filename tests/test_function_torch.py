"""Second derivatives of recorded programs against PyTorch's (the extra test-torch)."""

import numpy as np
import pytest

from megagrad import record

torch = pytest.importorskip("torch")

# Written so that a Value and a tensor will do.
FUNCTIONS = {
    "polynomial": lambda x, y, z: x**3.0 * y - 2 * x * z**2.0 + y,
    "power": lambda x, y, z: (x * x + 1) ** y * z,
    "quotient": lambda x, y, z: (x - y) / (z * z + x * x + 1),
    "tanh": lambda x, y, z: (x * y + z).tanh() * x.sin(),
    "softplus": lambda x, y, z: (1 + (x * y - z).exp()).log() + y.sigmoid(),
    "logsumexp": lambda x, y, z: (x.exp() + y.exp() + z.exp()).log(),
    "roots": lambda x, y, z: (x * x + y * y + 0.5).sqrt() * z.cos(),
    "erf": lambda x, y, z: (x + y * z).erf() * y.cosh(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_hessians_and_products(name):
    function = FUNCTIONS[name]
    f = record(function, 3)
    rng = np.random.default_rng(5)
    data, v = rng.normal(size=(2, 17, 3))
    hessians, products = f.hessian(data), f.hvp(data, v)
    values, grads = f.value_and_grad(data)
    for i, point in enumerate(data):
        tensor = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        value = function(*tensor)
        (grad,) = torch.autograd.grad(value, tensor)
        hessian = torch.autograd.functional.hessian(lambda t: function(*t), tensor)
        close = {"rtol": 1e-11, "atol": 1e-12}
        np.testing.assert_allclose(values[i], value.item(), **close)
        np.testing.assert_allclose(grads[i], grad, **close)
        np.testing.assert_allclose(hessians[i], hessian, **close)
        np.testing.assert_allclose(products[i], hessian.numpy() @ v[i], **close)
