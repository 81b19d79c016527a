"""JAX: the whole step, the update included, is one compiled function over all points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from moons import PENALTY, rate

from peers.batch import Layer, in_order, initial_layers, points
from peers.peer import Peer

jax.config.update("jax_enable_x64", True)


def scores(layers: list[Layer], places: Any, activation: Callable[[Any], Any]) -> Any:
    """Return what the network gives each point."""
    *hidden, last = layers
    x = places
    for weights, biases in hidden:
        x = activation(x @ weights.T + biases)
    return (x @ last.weights.T + last.biases)[:, 0]


def loss(layers: list[Layer], places: Any, labels: Any) -> Any:
    """Return the margin loss over all points plus the penalty on large weights."""
    margins = 1 - labels * scores(layers, places, jax.nn.relu)
    penalty = sum((part * part).sum() for layer in layers for part in layer)
    return jax.nn.relu(margins).mean() + PENALTY * penalty


@jax.jit
def trained(layers: list[Layer], places: Any, labels: Any, slowed: float) -> Any:
    """Return the loss, and the layers after the update."""
    before, gradients = jax.value_and_grad(loss)(layers, places, labels)
    return before, jax.tree.map(lambda p, slope: p - slowed * slope, layers, gradients)


class JaxMoons:
    """The moons program on JAX's arrays."""

    def __init__(self) -> None:
        """Take the weights and the data."""
        self.data = tuple(map(jnp.array, points()))
        self.layers = [Layer(*map(jnp.array, layer)) for layer in initial_layers()]
        self.steps = 0

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases."""
        return in_order(jax.grad(loss)(self.layers, *self.data))

    def step(self) -> float:
        """Train once and return the loss before the update, which waits for it to be there."""
        before, self.layers = trained(self.layers, *self.data, rate(self.steps))
        self.steps += 1
        return float(before)


PEER = Peer(moons=JaxMoons)
