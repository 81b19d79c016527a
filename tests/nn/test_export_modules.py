"""PyTorch's modules that come to megagrad, and go back (the extra test-torch)."""

import random

import numpy as np
import pytest

import megagrad
from megagrad import nn

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(2)
ROWS, IMAGES = RNG.normal(size=(4, 3)), RNG.normal(size=(2, 1, 5, 6))
STEPS = RNG.normal(size=(4, 2, 3))
QUERIES = RNG.normal(size=(3, 4))

# How PyTorch's module is made, and an input.
MADE = {
    "Linear": (lambda n: n.Linear(3, 2, bias=False), ROWS),
    "Embedding": (lambda n: n.Embedding(4, 2), np.array([[0, 3]])),
    "Flatten": (lambda n: n.Flatten(), IMAGES),
    "Identity": (lambda n: n.Identity(), ROWS),
    "ReLU": (lambda n: n.Sequential(n.ReLU(), n.LeakyReLU(0.3), n.ELU(0.5)), ROWS),
    "Softplus": (lambda n: n.Softplus(), ROWS * 20),
    "Softmax": (lambda n: n.Sequential(n.Softmax(0), n.LogSoftmax(dim=-1)), ROWS),
    "Conv1d": (lambda n: n.Conv1d(4, 2, 3, padding=1, bias=False), STEPS.swapaxes(0, 1)),
    "Conv2d": (lambda n: n.Conv2d(1, 2, (2, 3), stride=2, dilation=(2, 1)), IMAGES),
    "MaxPool2d": (lambda n: n.Sequential(n.MaxPool2d(2, padding=1), n.AvgPool2d(2, 1)), IMAGES),
    "LayerNorm": (lambda n: n.LayerNorm(3, bias=False), ROWS),
    "RMSNorm": (lambda n: n.RMSNorm((3,)), ROWS),
    "BatchNorm1d": (lambda n: n.BatchNorm1d(3, momentum=None), ROWS),
    "Dropout": (lambda n: n.Dropout(0.3).eval(), ROWS),
    "LSTM": (lambda n: n.LSTM(3, 2, num_layers=2, bidirectional=True), STEPS),
    "GRU": (lambda n: n.GRU(3, 2, bias=False, batch_first=True), STEPS),
    "RNN": (lambda n: n.RNN(3, 2, nonlinearity="relu"), STEPS),
    "LSTMCell": (lambda n: n.LSTMCell(3, 2), ROWS),
    "Sequential": (
        lambda n: n.Sequential(n.Linear(3, 4), n.Sequential(n.BatchNorm1d(4), n.Tanh())).eval(),
        ROWS,
    ),
}


def numbers(out):
    """All numbers of an output of either library, in one row."""
    if isinstance(out, tuple):
        return np.concatenate([numbers(part) for part in out])
    if isinstance(out, torch.Tensor):
        return out.detach().numpy().ravel()
    return np.array([getattr(value, "data", value) for value in out.ravel().tolist()])


@pytest.mark.parametrize("name", MADE)
def test_there_and_back(name):
    make, x = MADE[name]
    torch.manual_seed(3)
    theirs = make(torch.nn)
    ours = megagrad.from_torch(theirs)
    back = megagrad.to_torch(ours)
    assert repr(ours).partition("(")[0] == repr(theirs).partition("(")[0]
    # PyTorch keeps one size for both directions as it is; Softplus's threshold makes it exact.
    if name not in ("MaxPool2d", "Softplus"):
        assert repr(back) == repr(theirs)
    assert back.training == ours.training == theirs.training
    for key, weights in theirs.state_dict().items():
        assert torch.equal(back.state_dict()[key], weights.double())
    given = torch.as_tensor(x)
    expected = numbers(theirs.double()(given))
    assert numbers(back(given)) == pytest.approx(expected, rel=1e-9, abs=1e-8)
    assert numbers(ours(x)) == pytest.approx(expected, rel=1e-9, abs=1e-8)


def test_attention():
    torch.manual_seed(3)
    theirs = torch.nn.MultiheadAttention(4, 2, bias=False, dtype=torch.float64)
    ours = megagrad.from_torch(theirs)
    x = torch.as_tensor(QUERIES)
    assert numbers(ours(QUERIES, QUERIES, QUERIES)) == pytest.approx(numbers(theirs(x, x, x)))
    back = megagrad.to_torch(ours)
    assert torch.equal(back.in_proj_weight, theirs.in_proj_weight)


@pytest.mark.parametrize(
    "name",
    [
        "MSELoss",
        "L1Loss",
        "HuberLoss",
        "CrossEntropyLoss",
        "NLLLoss",
        "BCELoss",
        "BCEWithLogitsLoss",
    ],
)
def test_losses(name):
    theirs = getattr(torch.nn, name)(reduction="sum")
    ours = megagrad.from_torch(theirs)
    assert (type(ours), ours.reduction) == (getattr(nn, name), "sum")
    assert vars(megagrad.to_torch(ours)) == vars(theirs)


def test_every_module_is_covered():
    classes = {n for n in nn.__all__ if isinstance(getattr(nn, n), type)}
    own = {"MLP", "Layer", "Neuron", "Module", "Value", "IncompatibleKeys"}
    assert all(hasattr(torch.nn, name) for name in classes - own)


def tied(n):
    embedding, head = n.Embedding(4, 3), n.Linear(3, 4, bias=False)
    head.weight = embedding.weight
    return n.Sequential(embedding, n.Tanh(), head)


def test_what_is_tied_stays_tied():
    torch.manual_seed(3)
    ours = megagrad.from_torch(tied(torch.nn))
    assert ours[2].weight is ours[0].weight
    assert len(ours.parameters()) == 12
    theirs = megagrad.to_torch(tied(nn))
    assert theirs[2].weight is theirs[0].weight
    assert len(list(theirs.parameters())) == 1
    linear = torch.nn.Linear(2, 2)
    assert len(megagrad.from_torch(torch.nn.Sequential(linear, linear)).parameters()) == 6


def test_a_module_list_and_an_mlp_within():
    random.seed(1)
    model = nn.ModuleList([nn.MLP(3, [2, 1]), nn.Linear(1, 1)])
    theirs = megagrad.to_torch(model)
    assert type(theirs) is torch.nn.ModuleList
    x = ROWS[0]
    assert theirs[0](torch.as_tensor(x)).item() == pytest.approx(model[0](x).data)


def test_no_other_draw_changes():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
    random.seed(5)
    torch.manual_seed(5)
    ours, theirs = random.getstate(), torch.get_rng_state()
    megagrad.to_torch(megagrad.from_torch(network))
    assert random.getstate() == ours
    assert torch.equal(torch.get_rng_state(), theirs)


def test_a_class_of_ones_own_says_what_to_do():
    class Net(nn.Module):
        def __init__(self):
            self.one = nn.Linear(2, 1)

    with pytest.raises(TypeError, match=r"model\[0\] is 'Net'. .* use load_state_dict"):
        megagrad.to_torch(nn.Sequential(Net()))
