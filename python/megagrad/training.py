"""Training a classifier of two classes with a maximum-margin loss, as micrograd's demo does."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from megagrad.functional import dot, hinge
from megagrad.nn import MLP
from megagrad.optim import SGD
from megagrad.optim.lr_scheduler import LinearLR

__all__ = ["Progress", "accuracy", "train"]


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
    epochs: int = 100,
    learning_rate: float = 1.0,
    penalty: float = 1e-4,
) -> Iterator[Progress]:
    """Train by gradient descent on all points at once, yielding the progress as it goes.

    model: an MLP of one output, or what behaves like one. points: what the model takes, one after
    the other. labels: -1 or +1 for each point. epochs: how many steps, at least 0. learning_rate:
    of the first step, above 0; it falls linearly towards a tenth. penalty: the weight of the sum
    of the squared parameters in the loss, at least 0.

    Yields epochs + 1 times. What it yields is the model's state at that moment, the first before
    any step, the last after all of them. Nothing is computed before it is asked for, but wrong
    arguments raise ValueError at once.
    """
    if not points or len(points) != len(labels):
        raise ValueError(f"need one label for each point, got {len(points)} and {len(labels)}")
    for label in labels:
        if label not in (-1, 1):
            raise ValueError(f"labels must be -1 or +1, got {label}")
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, got {epochs}")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be above 0, got {learning_rate}")
    if not penalty >= 0:
        raise ValueError(f"penalty must be at least 0, got {penalty}")
    return _steps(model, points, labels, epochs, learning_rate, penalty)


def _steps(
    model: MLP,
    points: Sequence[Sequence[float]],
    labels: Sequence[int],
    epochs: int,
    learning_rate: float,
    penalty: float,
) -> Iterator[Progress]:
    parameters = model.parameters()
    optimizer = SGD(parameters, learning_rate)
    scheduler = LinearLR(optimizer, start_factor=1, end_factor=0.1, total_iters=max(epochs, 1))
    for epoch in range(epochs + 1):
        scores = [model(point) for point in points]
        loss = hinge(scores, labels) + penalty * dot(parameters, parameters)
        yield Progress(epoch, loss.data, accuracy([score.data for score in scores], labels))
        if epoch < epochs:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()


def accuracy(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Return the share, 0 to 1, of scores on their label's side: positive for +1, else -1."""
    right = sum((score > 0) == (label > 0) for score, label in zip(scores, labels, strict=True))
    return right / len(labels)
