"""HIPS autograd: NumPy's functions, traced anew at every call, over all points at once."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from moons import PENALTY, rate

from peers.batch import Layer, in_order, initial_layers, points
from peers.peer import Peer

Arrays = list[tuple[Any, Any]]


def loss(layers: Arrays, places: Any, labels: Any) -> Any:
    """Return the margin loss over all points plus the penalty on large weights."""
    x = places
    for weights, biases in layers[:-1]:
        x = np.maximum(np.dot(x, weights.T) + biases, 0.0)
    weights, biases = layers[-1]
    scores = (np.dot(x, weights.T) + biases)[:, 0]
    penalty = sum(np.sum(part * part) for layer in layers for part in layer)
    return np.mean(np.maximum(1 - labels * scores, 0.0)) + PENALTY * penalty


class AutogradMoons:
    """The moons program on NumPy's arrays."""

    def __init__(self) -> None:
        """Take the weights and the data."""
        self.data = tuple(map(np.array, points()))
        # autograd knows tuples, but not those with names.
        self.layers: Arrays = [(np.array(w), np.array(b)) for w, b in initial_layers()]
        self.differentiated = value_and_grad(loss)
        self.steps = 0

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases."""
        _, slopes = self.differentiated(self.layers, *self.data)
        return in_order([Layer(*slope) for slope in slopes])

    def step(self) -> float:
        """Train once and return the loss before the update."""
        before, slopes = self.differentiated(self.layers, *self.data)
        slowed = rate(self.steps)
        self.layers = [
            (w - slowed * by_w, b - slowed * by_b)
            for (w, b), (by_w, by_b) in zip(self.layers, slopes, strict=True)
        ]
        self.steps += 1
        return float(before)


PEER = Peer(moons=AutogradMoons)
