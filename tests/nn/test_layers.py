"""Layers without PyTorch: numbers known by hand, training and evaluation, mistakes, recording, copies."""

import copy
import pickle
import random

import numpy as np
import pytest

from megagrad import Value, _arrays, explain, nn, optim, record


def numbers(x):
    return _arrays.data(x).tolist()


def counted(module):
    """Give all parameters the numbers 1, 2, 3, ..."""
    for place, parameter in enumerate(module.parameters()):
        parameter.data = place + 1
    return module


def test_numbers_known_by_hand():
    assert numbers(counted(nn.Linear(2, 2))([1, 10])) == [21 + 5, 43 + 6]
    assert numbers(counted(nn.Embedding(3, 2))([2, 0])) == [[5, 6], [1, 2]]
    image = [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]
    convolution = counted(nn.Conv2d(1, 1, 2))
    assert numbers(convolution(image)) == [[[42, 52], [72, 82]]]  # 1*1 + 2*2 + 3*4 + 4*5, and 5
    assert numbers(nn.MaxPool2d(2, 1)(convolution(image))) == [[[82]]]
    assert numbers(nn.AvgPool2d(2, 1)(convolution(image))) == [[[62]]]
    assert numbers(counted(nn.Conv1d(1, 1, 2))([[1, 10, 100]])) == [[24, 213]]
    normal = numbers(nn.LayerNorm(2, eps=0)([1, 3]))
    assert normal == [-1, 1]
    assert numbers(nn.RMSNorm(2, eps=0)([3, 3])) == [1, 1]
    batch = nn.BatchNorm1d(1, eps=0)
    assert numbers(batch([[1], [3]])) == [[-1], [1]]
    assert (batch.running_mean.tolist(), batch.running_var.tolist()) == ([0.2], [0.9 + 0.2])
    assert nn.Flatten(0)([[1, 2], [3, 4]]).tolist() == [1, 2, 3, 4]
    assert nn.Identity()("anything") == "anything"


def test_a_gradient_known_by_hand():
    x, layer = [Value(2.0), Value(3.0)], counted(nn.Linear(2, 1))
    layer(x)[0].backward()
    assert [v.grad for v in x] == [1, 2]
    assert [p.grad for p in layer.parameters()] == [2, 3, 1]


def test_dropout_keeps_the_mean_in_training_and_passes_all_in_evaluation():
    random.seed(6)
    dropout, x = nn.Dropout(0.25), np.ones(4000)
    left = dropout(x)
    assert set(left.tolist()) == {0.0, 4 / 3}
    assert left.mean() == pytest.approx(1, abs=0.03)
    assert dropout.eval()(x).tolist() == x.tolist()
    assert numbers(nn.Dropout(1.0)([Value(3.0)])) == [0.0]


def test_batch_norm_remembers_in_training_alone():
    layer = nn.BatchNorm1d(2)
    layer([[1, 2], [3, 6]])
    seen = layer.state_dict()
    assert seen["num_batches_tracked"] == 1
    layer.eval()([[100, 200], [300, 400]])
    assert {name: array.tolist() for name, array in layer.state_dict().items()} == {
        name: array.tolist() for name, array in seen.items()
    }
    assert layer.train() is layer
    assert layer.training


def test_modes_reach_all_modules_inside():
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)))
    assert network.eval() is network
    assert [module.training for module in network.modules()] == [False] * 5


@pytest.mark.parametrize(
    ("layer", "points"),
    [(nn.Dropout(0.5), 1), (nn.BatchNorm1d(1), 2)],
    ids=["Dropout", "BatchNorm1d"],
)
def test_what_changes_in_training_is_recorded_in_evaluation_alone(layer, points):
    def fn(*x):
        return layer([[v] for v in x])

    with pytest.raises(TypeError, match=r"use eval\(\) first"):
        record(fn, points)
    layer.eval()
    assert record(fn, points)([4.0] * points).tolist() == pytest.approx([4.0] * points, rel=1e-4)


LAYERS = {
    "Linear": (lambda: nn.Linear(3, 2), (2, 3)),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 2), (2, 4)),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 2, stride=2, padding=1), (2, 4, 4)),
    "LayerNorm": (lambda: nn.LayerNorm((2, 3)), (2, 3)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (2, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3).eval(), (2, 3)),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), (2, 4)),
    "Sequential": (lambda: nn.Sequential(nn.Linear(3, 2), nn.GELU(), nn.Linear(2, 1)), (2, 3)),
}
each_layer = pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)


@each_layer
def test_recorded_they_compute_the_same(make, shape):
    random.seed(2)
    layer, x = make(), np.random.default_rng(4).normal(size=shape)
    f = record(lambda *x: layer(np.array(x).reshape(shape)), x.size)
    np.testing.assert_allclose(f(x.ravel()), _arrays.data(layer(x)).ravel(), rtol=1e-12)


@each_layer
@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["copy", "pickle"],
)
def test_a_copy_computes_the_same_and_learns_by_itself(make, shape, again):
    layer, x = make(), np.random.default_rng(5).normal(size=shape)
    twin = again(layer)
    expected = numbers(layer(x))
    assert numbers(twin(x)) == expected
    assert not set(twin.parameters()) & set(layer.parameters())
    for parameter in twin.parameters():
        parameter.data += 1
    assert numbers(layer(x)) == expected


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Linear(2, 0), ValueError, "out_features must be at least 1"),
        (lambda: nn.Linear(2.0, 1), TypeError, "in_features must be an int"),
        (lambda: nn.Linear(2, 1)([1, 2, 3]), ValueError, "3"),
        (lambda: nn.Linear(2, 1)(3.0), TypeError, "input must be an array or list"),
        (lambda: nn.Linear(2, 1)([[1, 2], [3]]), ValueError, "rows of one shape"),
        (lambda: nn.Linear(2, 1)(["a", "b"]), TypeError, "real number"),
        (lambda: nn.Embedding(2, 1)(2), IndexError, "from 0 to 1, got 2"),
        (lambda: nn.Embedding(2, 1)(0.5), TypeError, "numbers of rows"),
        (lambda: nn.Conv2d(1, 1, 3)([[[1, 2], [3, 4]]]), ValueError, "3"),
        (lambda: nn.Conv2d(2, 1, 1)([[[1, 2]]]), ValueError, "2"),
        (lambda: nn.MaxPool2d(0), ValueError, "kernel_size must be at least 1"),
        (lambda: nn.LayerNorm(3)([1, 2]), ValueError, r"\(3,\) as its last sizes"),
        (lambda: nn.LayerNorm(()), ValueError, "at least one size"),
        (lambda: nn.BatchNorm1d(2)([[1, 2]]), ValueError, "two numbers a channel or more"),
        (lambda: nn.Dropout(1.5), ValueError, "p must be at most 1"),
        (lambda: nn.Dropout("a"), TypeError, "p must be a real number"),
        (lambda: nn.Flatten(1, 0)([[1]]), ValueError, "must not come after"),
        (lambda: nn.Flatten(3)([[1]]), IndexError, "start_dim must be from -2 to 1"),
        (lambda: nn.Sequential(3), TypeError, "needs modules, not"),
        (
            lambda: nn.Sequential(nn.Linear(2, 1), nn.Tanh),
            TypeError,
            r"modules, not .type.: write Tanh\(\)",
        ),
        (lambda: optim.SGD(nn.Linear(1, 1)), TypeError, r"'Linear'; use its parameters\(\)"),
        (lambda: explain(nn.Linear(1, 1)([1])), TypeError, r"'ndarray'; take .* root\[0\]"),
        (lambda: nn.Linear(1, 1).load_state_dict("a.npz"), TypeError, r"megagrad.load\(path\)"),
        (lambda: nn.MLP(1, [1], activation="tahn"), ValueError, "mean: 'tanh'"),
        (lambda: nn.Module()([1]), NotImplementedError, "neither forward nor __call__"),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call()
