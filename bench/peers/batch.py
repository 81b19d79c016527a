"""The moons program's numbers, for engines that compute all points at once."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import micrograd.engine
from moons import POINTS, micrograd_nn, two_moons


class Layer(NamedTuple):
    """A row of weights and a bias for each neuron; or the gradients by them."""

    weights: Any
    biases: Any


def initial_layers() -> list[Layer]:
    """Return the weights that micrograd's network starts with, as nested lists."""
    random.seed(1337)
    model = micrograd_nn(micrograd.engine.Value).MLP(2, [16, 16, 1])
    return [
        Layer(
            [[w.data for w in neuron.w] for neuron in layer.neurons],
            [float(neuron.b.data) for neuron in layer.neurons],
        )
        for layer in model.layers
    ]


def in_order(layers: list[Layer]) -> list[float]:
    """Return all numbers of the layers in the order of micrograd's ``parameters``."""
    return [
        float(number)
        for weights, biases in layers
        for row, bias in zip(weights, biases, strict=True)
        for number in (*row, bias)
    ]


def points(count: int = POINTS) -> tuple[list[list[float]], list[float]]:
    """Return the places of so many points, and a label of -1 or 1 for each."""
    places, labels = two_moons(count)
    return places, [float(label) for label in labels]
