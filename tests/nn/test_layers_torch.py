"""Convolutions, pooling and normalisation beside PyTorch's (the extra test-torch)."""

import numpy as np
import pytest
from support.torch_modules import compare

from megagrad import nn

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
SIGNAL = RNG.normal(size=(2, 9))
IMAGE = RNG.normal(size=(2, 5, 6))
SIGNALS, IMAGES = RNG.normal(size=(3, 2, 9)), RNG.normal(size=(2, 2, 5, 6))
ROWS, CUBE = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 4, 2))

CASES = {
    "Conv1d": [
        ((2, 3, 4), {}, SIGNAL),
        ((2, 3, 4), {"stride": 2, "padding": 1, "bias": False}, SIGNALS),
        ((2, 1, 3), {"dilation": 2}, SIGNALS),
    ],
    "Conv2d": [
        ((2, 3, 3), {}, IMAGE),
        ((2, 3, (2, 3)), {"stride": (2, 1), "padding": (1, 0)}, IMAGES),
        ((2, 1, 2), {"dilation": (2, 1), "bias": False}, IMAGES),
    ],
    "MaxPool1d": [((3,), {}, SIGNAL), ((3, 2, 1), {}, SIGNALS)],
    "MaxPool2d": [((2,), {}, IMAGE), (((3, 2),), {"stride": 1, "padding": 1}, IMAGES)],
    "AvgPool2d": [((2,), {}, IMAGE), ((3,), {"stride": 2, "padding": 1}, IMAGES)],
    "LayerNorm": [
        ((3,), {}, ROWS),
        (((4, 2),), {"eps": 1e-3}, CUBE),
        ((2,), {"bias": False}, CUBE),
        ((2,), {"elementwise_affine": False}, CUBE),
    ],
    "RMSNorm": [((3,), {}, ROWS), (((4, 2),), {"eps": 1e-3, "elementwise_affine": False}, CUBE)],
    "BatchNorm1d": [
        ((3,), {}, ROWS),
        ((4,), {"momentum": None}, CUBE),
        ((4,), {"affine": False, "track_running_stats": False}, CUBE),
        ((3,), {"eps": 1e-3, "momentum": 0.3, "affine": False}, ROWS),
    ],
}


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(
    ("name", "arguments", "options", "x"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
)
def test_a_layer(name, arguments, options, x, mode):
    if mode == "eval" and name not in ("BatchNorm1d", "LayerNorm"):
        pytest.skip("no other mode")
    torch.manual_seed(1)
    ours = getattr(nn, name)(*arguments, **options)
    theirs = getattr(torch.nn, name)(*arguments, **options)
    for _, weight in theirs.named_parameters():
        torch.nn.init.normal_(weight)
    theirs.double().train()(torch.as_tensor(x))  # so that running numbers are no longer the first
    compare(getattr(ours, mode)(), getattr(theirs, mode)(), x)


def network(nn):
    return nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(12, 4),
        nn.BatchNorm1d(4),
        nn.Tanh(),
        nn.Linear(4, 3),
        nn.LogSoftmax(-1),
    )


def test_a_network_of_them():
    torch.manual_seed(1)
    compare(network(nn), network(torch.nn), RNG.normal(size=(3, 1, 6, 7)))
