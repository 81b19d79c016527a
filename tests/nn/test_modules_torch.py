"""Modules beside PyTorch's of the same names (the extra test-torch)."""

import numpy as np
import pytest
from support.torch_modules import compare

from megagrad import nn

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(7)
POINT = RNG.normal(size=3)
BATCH = RNG.normal(size=(4, 3))
SEQUENCES = RNG.normal(size=(2, 4, 3))

# Arguments, and inputs.
CASES = {
    "Linear": [((3, 2), POINT), ((3, 2), BATCH), ((3, 1, False), SEQUENCES)],
    "ReLU": [((), BATCH)],
    "Tanh": [((), BATCH)],
    "Sigmoid": [((), BATCH)],
    "Softplus": [((), BATCH)],
    "SiLU": [((), BATCH)],
    "GELU": [((), BATCH)],
    "LeakyReLU": [((), BATCH), ((0.3,), POINT)],
    "ELU": [((), BATCH), ((0.7,), POINT)],
    "Softmax": [((0,), BATCH), ((-1,), SEQUENCES), ((1,), SEQUENCES)],
    "LogSoftmax": [((0,), POINT), ((1,), BATCH)],
    "Identity": [((), BATCH)],
    "Flatten": [((), SEQUENCES), ((0, 1), SEQUENCES), ((-2,), SEQUENCES)],
}


@pytest.mark.parametrize(
    ("name", "arguments", "x"),
    [(name, arguments, x) for name, cases in CASES.items() for arguments, x in cases],
)
def test_a_module(name, arguments, x):
    torch.manual_seed(1)
    compare(getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments), x)


def test_an_embedding():
    torch.manual_seed(1)
    places = np.array([[0, 2], [2, 1]])
    compare(nn.Embedding(3, 4), torch.nn.Embedding(3, 4), places, of_values=False)


def sequential(nn):
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2), nn.Softmax(-1)))


@pytest.mark.parametrize("x", [POINT, BATCH])
def test_a_sequential(x):
    torch.manual_seed(1)
    compare(sequential(nn), sequential(torch.nn), x)


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Linear(3, 2),
        lambda nn: nn.Linear(3, 2, bias=False),
        lambda nn: nn.LeakyReLU(0.5),
        lambda nn: nn.Softmax(dim=1),
        lambda nn: nn.Flatten(),
        lambda nn: nn.ELU(),
        lambda nn: nn.Identity(),
        sequential,
    ],
)
def test_a_repr_is_pytorchs(make):
    assert repr(make(nn)) == repr(make(torch.nn))
