"""Recurrent networks beside PyTorch's (the extra test-torch)."""

import numpy as np
import pytest
from support.torch_modules import compare

from megagrad import nn

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(5)
STEP, STEPS = RNG.normal(size=3), RNG.normal(size=(4, 3))
BATCH, OTHERS = RNG.normal(size=(4, 2, 3)), RNG.normal(size=(2, 4, 3))

KINDS = {"RNN": [{}, {"nonlinearity": "relu"}], "GRU": [{}], "LSTM": [{}]}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("x", [STEP, STEPS])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell(kind, x, bias):
    torch.manual_seed(1)
    for options in KINDS[kind]:
        ours = getattr(nn, f"{kind}Cell")(3, 2, bias=bias, **options)
        compare(ours, getattr(torch.nn, f"{kind}Cell")(3, 2, bias=bias, **options), x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_with_a_state(kind):
    torch.manual_seed(1)
    h, c = RNG.normal(size=(2, 2, 2))
    x = RNG.normal(size=(2, 3))
    ours, theirs = (getattr(library, f"{kind}Cell")(3, 2) for library in (nn, torch.nn))
    if kind == "LSTM":
        ours, theirs = With(ours), TorchWith(theirs)
        compare(ours, theirs, x, h, c)
    else:
        compare(ours, theirs, x, h)


class With(nn.Module):
    """Takes the two states apart."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x, h, c):
        return self.inner(x, (h, c))


class TorchWith(torch.nn.Module):
    """The same for PyTorch's."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x, h, c):
        return self.inner(x, (h, c))


@pytest.mark.parametrize(
    ("options", "x"),
    [
        ({}, STEPS),
        ({"num_layers": 2, "bias": False}, BATCH),
        ({"batch_first": True, "bidirectional": True}, OTHERS),
        ({"num_layers": 2, "bidirectional": True}, STEPS),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_network(kind, options, x):
    torch.manual_seed(1)
    for more in KINDS[kind]:
        made = {**options, **more}
        compare(getattr(nn, kind)(3, 2, **made), getattr(torch.nn, kind)(3, 2, **made), x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_with_states(kind):
    torch.manual_seed(1)
    h, c = RNG.normal(size=(2, 2, 2, 2))
    ours, theirs = (getattr(library, kind)(3, 2, num_layers=2) for library in (nn, torch.nn))
    if kind == "LSTM":
        compare(With(ours), TorchWith(theirs), BATCH, h, c)
    else:
        compare(ours, theirs, BATCH, h)


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.RNNCell(3, 2),
        lambda nn: nn.RNNCell(3, 2, False, "relu"),
        lambda nn: nn.GRUCell(3, 2, bias=False),
        lambda nn: nn.LSTM(3, 2),
        lambda nn: nn.RNN(3, 2, 2, "relu"),
        lambda nn: nn.GRU(3, 2, 2, False, True, bidirectional=True),
    ],
)
def test_a_repr_is_pytorchs(make):
    assert repr(make(nn)) == repr(make(torch.nn))
