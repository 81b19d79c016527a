"""Training a classifier by gradient descent on all points at once, as micrograd's demo does."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from megagrad.engine import Value
from megagrad.functional import cross_entropy, dot, hinge, mean
from megagrad.nn import MLP
from megagrad.optim import SGD
from megagrad.optim.lr_scheduler import LinearLR

__all__ = ["Progress", "accuracy", "scores_of", "train"]


class Progress(NamedTuple):
    """How good a model is after so many epochs; accuracy is a share of the points, 0 to 1."""

    epoch: int
    loss: float
    accuracy: float


def train(
    model: MLP,
    points: Sequence[Sequence[float]],
    labels: Sequence[int],
    *,
    classes: int = 2,
    epochs: int = 100,
    learning_rate: float = 1.0,
    penalty: float = 1e-4,
) -> Iterator[Progress]:
    """Train by gradient descent on all points at once, yielding the progress as it goes.

    model: an MLP, or what behaves like one, of one output for two classes, and of one for each of
    more. points: what the model takes, one after the other. labels: for each point -1 or +1, or the
    number of one of several classes, from 0. classes: how many there are, at least 2. epochs: how
    many steps, at least 0. learning_rate: of the first step, above 0; it falls linearly towards a
    tenth. penalty: the weight of the sum of the squared parameters in the loss, at least 0.

    The loss is the mean hinge loss of two classes, which wants a margin of 1 between the scores and
    0, and the mean cross entropy of several.

    Yields epochs + 1 times. What it yields is the model's state at that moment, the first before
    any step, the last after all of them. Nothing is computed before it is asked for, but wrong
    arguments raise ValueError at once.
    """
    if len(points) == 0 or len(points) != len(labels):
        raise ValueError(f"need one label for each point, got {len(points)} and {len(labels)}")
    if classes < 2:
        raise ValueError(f"classes must be at least 2, got {classes}")
    allowed, described = (
        ((-1, 1), "-1 or +1") if classes == 2 else (range(classes), f"from 0 to {classes - 1}")
    )
    for label in labels:
        if label not in allowed:
            raise ValueError(f"labels must be {described}, got {label}")
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, got {epochs}")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be above 0, got {learning_rate}")
    if not penalty >= 0:
        raise ValueError(f"penalty must be at least 0, got {penalty}")
    loss = hinge if classes == 2 else _mean_cross_entropy
    return _steps(model, points, labels, loss, epochs, learning_rate, penalty)


def _steps(
    model: MLP,
    points: Sequence[Sequence[float]],
    labels: Sequence[int],
    loss_of: Callable[[list[Any], Sequence[int]], Value],
    epochs: int,
    learning_rate: float,
    penalty: float,
) -> Iterator[Progress]:
    parameters = model.parameters()
    optimizer = SGD(parameters, learning_rate)
    scheduler = LinearLR(optimizer, start_factor=1, end_factor=0.1, total_iters=max(epochs, 1))
    for epoch in range(epochs + 1):
        outputs = [model(point) for point in points]
        loss = loss_of(outputs, labels) + penalty * dot(parameters, parameters)
        yield Progress(epoch, loss.data, accuracy([scores_of(each) for each in outputs], labels))
        if epoch < epochs:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()


def _mean_cross_entropy(logits: list[list[Value]], labels: Sequence[int]) -> Value:
    return mean(map(cross_entropy, logits, labels))


def scores_of(output: Any) -> Any:
    """Return the numbers of a model's output: a float, or a list of them for several outputs."""
    return [value.data for value in output] if isinstance(output, list) else output.data


def accuracy(scores: Sequence[float] | Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    """Return the share, 0 to 1, of the points whose class the scores tell.

    scores: for each point its score, positive for label +1 and else -1, or the scores of several
    classes, of which the largest one's number is told. labels: as of ``train``.
    """
    right = sum(map(_is_right, scores, labels))
    return right / len(labels)


def _is_right(score: float | Sequence[float], label: int) -> bool:
    if isinstance(score, Sequence):
        return score.index(max(score)) == label
    return (score > 0) == (label > 0)
