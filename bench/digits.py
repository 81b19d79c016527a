"""A convolutional network that learns scikit-learn's handwritten digits: as Values, recorded, and in PyTorch.

Run by itself, as ``python bench/digits.py``, with scikit-learn and torch installed; it takes a few minutes.
All three start from the same weights and see the same batches. Before anything is timed, their weights
after some steps are compared.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from megagrad import Function, Value, nn, optim, to_torch
from megagrad.functional import cross_entropy

BATCH = 32
CLASSES = 10
RATE = 0.01
CHECKED_STEPS = 5


def network() -> nn.Sequential:
    """410 parameters: four filters of 3 x 3 pixels, and a linear map of what they found."""
    random.seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(-3), nn.Linear(36, CLASSES)
    )


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images of shape (n, 1, 8, 8) with pixels from 0 to 1, and labels: to learn from, and held out."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 1, 8, 8)
    held_out = np.arange(len(images)) % 5 == 0
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]


def batches(count: int, epoch: int) -> Iterator[np.ndarray]:
    """The places of an epoch's batches, in an order that depends on the epoch alone."""
    order = np.random.default_rng(epoch).permutation(count)
    yield from (order[start : start + BATCH] for start in range(0, count, BATCH))


class Eager:
    """A graph of Values for each batch."""

    name = "megagrad, a graph each step"

    def __init__(self) -> None:
        """Make the network and its optimiser."""
        self.model = network()
        self.optimizer = optim.Adam(self.model.parameters(), lr=RATE)

    def step(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Learn from one batch."""
        loss = cross_entropy(self.model(images), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def weights(self) -> np.ndarray:
        """Return all parameters, in one row."""
        return np.concatenate([part.ravel() for part in self.model.state_dict().values()])

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Return the class of each image."""
        odds = np.array([[out.data for out in row] for row in self.model(images)])
        return odds.argmax(axis=1)


class Recorded(Eager):
    """The graph of one image and its label, recorded once and replayed over batches."""

    name = "megagrad, recorded"

    def __init__(self) -> None:
        """Record the loss: of 64 pixels, and 1 for the class and 0 for the others."""
        super().__init__()
        pixels = [Value(0.0) for _ in range(64)]
        label = [Value(0.0) for _ in range(CLASSES)]
        odds = self.model([[pixels[start : start + 8] for start in range(0, 64, 8)]])
        self.loss = Function([*pixels, *label], cross_entropy(odds, label))

    def step(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Learn from one batch."""
        points = np.hstack([images.reshape(-1, 64), np.eye(CLASSES)[labels]])
        self.optimizer.zero_grad()
        self.loss.backward(points, seeds=1 / len(points))
        self.optimizer.step()


class Torch:
    """PyTorch, in float64 as the others."""

    name = "PyTorch"

    def __init__(self) -> None:
        """Take the network over, with its weights."""
        torch.set_num_threads(1)
        self.model: Any = to_torch(network())
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def step(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Learn from one batch."""
        odds = self.model(torch.as_tensor(images))
        loss = torch.nn.functional.cross_entropy(odds, torch.as_tensor(labels))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def weights(self) -> np.ndarray:
        """Return all parameters, in one row."""
        return np.concatenate([p.detach().numpy().ravel() for p in self.model.parameters()])

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Return the class of each image."""
        with torch.no_grad():
            return self.model(torch.as_tensor(images)).argmax(dim=1).numpy()


KINDS: list[Callable[[], Any]] = [Eager, Recorded, Torch]


def check(images: np.ndarray, labels: np.ndarray) -> float:
    """Return how far the weights are apart after some steps; AssertionError if it is more than rounding."""
    entrants = [make() for make in KINDS]
    for places in list(batches(len(images), 0))[:CHECKED_STEPS]:
        for entrant in entrants:
            entrant.step(images[places], labels[places])
    first, *others = (entrant.weights() for entrant in entrants)
    worst = max(float(np.abs(weights - first).max()) for weights in others)
    assert worst < 1e-9, f"the weights differ by {worst}"
    return worst


def main() -> None:
    """Check, train, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10, help="10 unless you say so")
    epochs = parser.parse_args().epochs
    images, labels, new_images, new_labels = digits()
    worst = check(images, labels)
    print(f"{CHECKED_STEPS} steps: the same weights in all three, to {worst:.1e}")
    entrants = [make() for make in KINDS]
    times: dict[str, list[float]] = {entrant.name: [] for entrant in entrants}
    for epoch in range(epochs):
        for entrant in entrants:  # in turn, as the machine's speed changes
            start = perf_counter()
            for places in batches(len(images), epoch):
                entrant.step(images[places], labels[places])
            times[entrant.name].append(perf_counter() - start)
    print(f"{len(images)} digits to learn from, {len(new_images)} held out, {epochs} epochs")
    for entrant in entrants:
        right = (entrant.classes(new_images) == new_labels).mean()
        print(f"{entrant.name:30} {median(times[entrant.name]):8.4f} s an epoch, {right:.1%} right")


if __name__ == "__main__":
    main()
