"""Scaling of features, and folding it into a network."""

import random
import statistics

import pytest

from megagrad.demo.scaling import Scaling
from megagrad.nn import MLP

POINTS = [(1e6 + 3e4 * i, -0.001 * i * i, 7.0) for i in range(10)]
NAMES = ["large", "small", "same"]


def test_scaled_features_have_mean_0_and_deviation_1():
    large, small, same = zip(*Scaling.of(POINTS, NAMES).apply(POINTS), strict=True)
    for column in (large, small):
        assert statistics.fmean(column) == pytest.approx(0, abs=1e-12)
        assert statistics.pstdev(column) == pytest.approx(1)
    assert set(same) == {0.0}


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_folded_model_takes_points_as_they_are(outputs):
    random.seed(1)
    model = MLP(3, [4, outputs])
    scaling = Scaling.of(POINTS, NAMES)
    before = [model(point) for point in scaling.apply(POINTS)]
    scaling.fold_into(model)
    for expected, point in zip(before, POINTS, strict=True):
        found = model(point)
        pairs = [(expected, found)] if outputs == 1 else zip(expected, found, strict=True)
        for a, b in pairs:
            assert b.data == pytest.approx(a.data, rel=1e-9, abs=1e-9)


def test_a_feature_that_never_varied_has_no_weight():
    model = MLP(3, [4, 1])
    Scaling.of(POINTS, NAMES).fold_into(model)
    assert {neuron.w[2].data for neuron in model.layers[0].neurons} == {0.0}


def test_numbers_of_which_the_mean_is_not_exact():
    points = [(0.1,)] * 10
    assert Scaling.of(points, ["x"]).apply(points) == [(0.0,)] * 10


@pytest.mark.parametrize(
    ("column", "amounts"),
    [((1e308, -1e308), "large"), ((0, 1e-320), "small"), ((1e9, 1e9 + 1e-6), "small")],
)
def test_numbers_that_floats_cannot_scale(column, amounts):
    with pytest.raises(ValueError, match=f"column 'x' differ by too {amounts} amounts"):
        Scaling.of([(x,) for x in column], ["x"])
