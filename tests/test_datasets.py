"""The two moons."""

import itertools
import math
import random
import statistics

import pytest

from megagrad.datasets import moons


def distances(points, labels):
    """How far each point is from the circle that its moon is half of, with the centre's angle."""
    centres = {-1: (0, 0), 1: (1, 0.5)}
    for (x1, x2), label in zip(points, labels, strict=True):
        a, b = centres[label]
        yield label, math.hypot(x1 - a, x2 - b) - 1, x2 - b


@pytest.mark.parametrize(("count", "upper"), [(2, 1), (3, 1), (100, 50), (101, 50)])
def test_sizes_and_labels(count, upper):
    points, labels = moons(count, seed=1)
    assert len(points) == len(labels) == count
    assert set(labels) == {-1, 1}
    assert labels.count(-1) == upper
    assert all(len(p) == 2 and all(isinstance(x, float) for x in p) for p in points)


def test_without_noise_the_points_lie_on_two_half_circles():
    points, labels = moons(100, noise=0, seed=1)
    for label, off, height in distances(points, labels):
        assert off == pytest.approx(0, abs=1e-12)
        assert -label * height >= -1e-12
    upper = sorted((p for p, label in zip(points, labels, strict=True) if label < 0), reverse=True)
    assert upper[0] == pytest.approx((1, 0))
    assert upper[-1] == pytest.approx((-1, 0), abs=1e-12)
    angles = [math.atan2(max(x2, 0), x1) for x1, x2 in upper]
    steps = [b - a for a, b in itertools.pairwise(angles)]
    assert steps == pytest.approx([math.pi / 49] * 49)


def test_noise_is_a_standard_deviation():
    for noise in (0.05, 0.2):
        noisy, _ = moons(4000, noise, seed=3)
        exact, _ = moons(4000, 0, seed=3)
        for axis in (0, 1):
            errors = [a[axis] - b[axis] for a, b in zip(noisy, exact, strict=True)]
            assert statistics.stdev(errors) == pytest.approx(noise, rel=0.1)
            assert statistics.mean(errors) == pytest.approx(0, abs=noise / 10)


def test_shuffled():
    _, labels = moons(100, seed=1)
    assert labels != sorted(labels)
    assert 0 < labels[:50].count(1) < 50


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    random.seed(5)
    state = random.getstate()
    assert moons(50, 0.1, seed=7) == moons(50, 0.1, seed=7)
    assert moons(50, 0.1, seed=7) != moons(50, 0.1, seed=8)
    assert moons(50, 0.1) != moons(50, 0.1)
    assert random.getstate() == state


@pytest.mark.parametrize("points", [1, 0, -5])
def test_too_few_points(points):
    with pytest.raises(ValueError, match=f"points must be at least 2, .*got {points}"):
        moons(points)


@pytest.mark.parametrize("points", [10.0, "10", None])
def test_points_must_be_an_integer(points):
    with pytest.raises(TypeError, match="points must be an integer, not '"):
        moons(points)


@pytest.mark.parametrize("noise", [-0.1, math.inf, math.nan])
def test_bad_noise(noise):
    with pytest.raises(ValueError, match=f"noise must be .*got {noise}"):
        moons(10, noise)
