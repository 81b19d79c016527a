"""JAX: each piece of work is one compiled function."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import random_program

from peers.batch import Layer, in_order, initial_layers
from peers.peer import Peer
from peers.recorded import (
    PLACE,
    Recorded,
    Timed,
    checked,
    expression,
    flat,
    moons,
    networks,
    places,
    step,
)

jax.config.update("jax_enable_x64", True)

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


class Network:
    """The step of a network: losses and gradients."""

    def __init__(self, activation: str, count: int) -> None:
        """Take the weights and the data, and compile the step."""
        self.activation = ACTIVATIONS[activation]
        self.data = tuple(map(jnp.array, moons(count)))
        self.layers = [Layer(*map(jnp.array, layer)) for layer in initial_layers()]
        self.compiled = jax.jit(jax.grad(self.losses, has_aux=True))

    def losses(self, layers: list[Layer], places: Any, labels: Any) -> Any:
        """Return the sum of all losses, and each."""
        *hidden, last = layers
        x = places
        for weights, biases in hidden:
            x = self.activation(x @ weights.T + biases)
        scores = (x @ last.weights.T + last.biases)[:, 0]
        losses = jax.nn.relu(1 - labels * scores)
        return losses.sum(), losses

    def results(self) -> list[float]:
        """Return the first losses, and the gradients."""
        gradients, losses = self.run()
        return step(np.array(losses), in_order(gradients))

    def run(self) -> Any:
        """Compute all losses and gradients."""
        return jax.block_until_ready(self.compiled(self.layers, *self.data))


def readme() -> Recorded:
    """The expression of micrograd's README at one point."""
    compiled = jax.jit(
        jax.value_and_grad(lambda a, b: expression(a, b, jax.nn.relu), argnums=(0, 1))
    )

    def run() -> Any:
        return jax.block_until_ready(compiled(*PLACE))

    return Timed(lambda: [float(x) for x in jax.tree.leaves(run())], run)


def output(point: Any) -> Any:
    """Return what the random program computes."""
    return random_program.output(point, jax.nn.relu, jnp.sin, jnp.tanh)


# With its fusion of ops XLA does not get to the end of compiling a program of this form.
UNFUSED = {"xla_disable_hlo_passes": "fusion"}


def single() -> Recorded:
    """The random program at one point after another."""
    points = checked(np.array(places()))
    turn = itertools.cycle(points)
    compiled = jax.jit(jax.value_and_grad(output), compiler_options=UNFUSED)

    def run() -> Any:
        return jax.block_until_ready(compiled(next(turn)))

    def results() -> list[float]:
        outputs, gradients = zip(*(run() for _ in points), strict=True)
        return flat(outputs, np.array(gradients))

    return Timed(results, run)


def batch() -> Recorded:
    """The random program at all points."""
    points = np.array(places())
    compiled = jax.jit(jax.vmap(jax.value_and_grad(output)), compiler_options=UNFUSED)

    def run() -> Any:
        return jax.block_until_ready(compiled(points))

    return Timed(lambda: flat(*map(checked, map(np.array, run()))), run)


PEER = Peer(
    recorded={
        **networks(Network),
        "expression": readme,
        "random": single,
        "random-batch": batch,
    },
    without_value="has no graph of scalars to record",
)
