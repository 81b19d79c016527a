"""Training a classifier."""

import math
import random

import pytest

from megagrad import Value
from megagrad.demo.datasets import moons
from megagrad.demo.training import Progress, accuracy, train
from megagrad.functional import cross_entropy, hinge
from megagrad.nn import MLP, Module


def fresh(seed=0, layers=(4,), points=20):
    random.seed(seed)
    return MLP(2, [*layers, 1]), *moons(points, seed=seed)


class Line(Module):
    """Scores w * x: a model whose training can be followed by hand."""

    def __init__(self, w):
        self.w = Value(w)

    def __call__(self, x):
        return self.w * x[0]


@pytest.mark.parametrize("seed", [0, 3, 12])
def test_defaults_learn_the_moons(seed):
    random.seed(seed)
    points, labels = moons(seed=seed)
    *_, last = train(MLP(2, [16, 16, 1]), points, labels)
    assert last.accuracy >= 0.99
    assert last.loss < 0.1


def test_progress_starts_untrained_and_ends_trained():
    model, points, labels = fresh()
    before = model.state_dict()
    steps = train(model, points, labels, epochs=5)
    first = next(steps)
    assert model.state_dict() == before
    seen = [first, *steps]
    assert [progress.epoch for progress in seen] == [0, 1, 2, 3, 4, 5]
    assert all(isinstance(progress, Progress) for progress in seen)
    assert model.state_dict() != before
    scores = [model(point) for point in points]
    penalty = 1e-4 * sum(p.data**2 for p in model.parameters())
    assert seen[-1].loss == pytest.approx(hinge(scores, labels).data + penalty)
    assert seen[-1].accuracy == accuracy([score.data for score in scores], labels)


def test_what_it_yields_is_the_model_at_that_moment():
    model, points, labels = fresh()
    for progress in train(model, points, labels, epochs=3):
        (again,) = train(model, points, labels, epochs=0)
        assert again == (0, progress.loss, progress.accuracy)


def test_steps_are_those_of_gradient_descent():
    model = Line(0.5)
    losses = [p.loss for p in train(model, [[1.0], [2.0]], [1, -1], epochs=2, penalty=0.25)]
    w, expected = 0.5, []
    for rate in (1.0, 0.55, None):
        expected.append((max(0, 1 - w) + max(0, 1 + 2 * w)) / 2 + 0.25 * w * w)
        if rate:
            w -= rate * ((-(w < 1) + 2 * (w > -0.5)) / 2 + 0.5 * w)
    assert losses == pytest.approx(expected)
    assert model.w.data == pytest.approx(w)


def test_gradients_from_before_do_not_count():
    results = []
    for grad in (0.0, 100.0):
        model, points, labels = fresh()
        for parameter in model.parameters():
            parameter.grad = grad
        results.append(list(train(model, points, labels, epochs=2)))
    assert results[0] == results[1]


def test_accuracy():
    assert accuracy([0.1, -0.1, 0.0, 7], [1, -1, -1, -1]) == 0.75
    assert accuracy([0.0], [1]) == 0
    assert accuracy([[0, 1, 2], [3, 1, 2], [0, 2, 1]], [2, 0, 0]) == pytest.approx(2 / 3)


def test_several_classes_have_a_cross_entropy():
    random.seed(0)
    model = MLP(2, [8, 3])
    points = [(math.cos(t), math.sin(t)) for t in range(30)]
    labels = [0 if x1 > 0.5 else 1 if x2 > 0 else 2 for x1, x2 in points]
    (first,) = train(model, points, labels, classes=3, epochs=0)
    logits = [model(point) for point in points]
    expected = sum(
        cross_entropy(row, label).data for row, label in zip(logits, labels, strict=True)
    )
    penalty = 1e-4 * sum(p.data**2 for p in model.parameters())
    assert first.loss == pytest.approx(expected / 30 + penalty)
    *_, last = train(model, points, labels, classes=3, epochs=100)
    assert last.accuracy > 0.95 > first.accuracy
    assert last.loss < first.loss


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], []), {}, "one label for each point, got 0 and 0"),
        (([[1, 2]], [1, -1]), {}, "got 1 and 2"),
        (([[1, 2]], [0]), {}, "labels must be -1 or [+]1, got 0"),
        (([[1, 2]], [3]), {"classes": 3}, "labels must be from 0 to 2, got 3"),
        (([[1, 2]], [-1]), {"classes": 3}, "labels must be from 0 to 2, got -1"),
        (([[1, 2]], [0]), {"classes": 1}, "classes must be at least 2, got 1"),
        (([[1, 2]], [1]), {"epochs": -1}, "epochs must be at least 0, got -1"),
        (([[1, 2]], [1]), {"learning_rate": 0}, "learning_rate must be above 0, got 0"),
        (([[1, 2]], [1]), {"learning_rate": math.nan}, "learning_rate must be above 0, got nan"),
        (([[1, 2]], [1]), {"penalty": -1}, "penalty must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_raise_at_once(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        train(MLP(2, [1]), *arguments, **options)


def test_points_may_be_an_array():
    np = pytest.importorskip("numpy")
    points, labels = moons(10, seed=1)
    random.seed(1)
    *_, last = train(MLP(2, [2, 1]), np.array(points), np.array(labels), epochs=2)
    random.seed(1)
    assert [*train(MLP(2, [2, 1]), points, labels, epochs=2)][-1] == last
