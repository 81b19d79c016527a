"""JAX: each piece of work is one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import random_program

from peers.batch import Layer, in_order, initial_layers, points
from peers.jax_jit import scores
from peers.peer import Peer
from peers.recorded import (
    PLACE,
    At,
    Recorded,
    Timed,
    all_at_once,
    checked,
    expression,
    networks,
    one_at_a_time,
    places,
    step,
)

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


class Network:
    """The step of a network: losses and gradients."""

    def __init__(self, activation: str, count: int) -> None:
        """Take the weights and the data, and compile the step."""
        self.activation = ACTIVATIONS[activation]
        self.data = tuple(map(jnp.array, points(count)))
        self.layers = [Layer(*map(jnp.array, layer)) for layer in initial_layers()]
        self.compiled = jax.jit(jax.grad(self.losses, has_aux=True))

    def losses(self, layers: list[Layer], places: Any, labels: Any) -> Any:
        """Return the sum of all losses, and each."""
        losses = jax.nn.relu(1 - labels * scores(layers, places, self.activation))
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


def compiled(function: Callable[[Any], Any]) -> At:
    """Compile the function, and wait for its results in each call."""
    unfused = jax.jit(function, compiler_options=UNFUSED)
    return lambda points: jax.block_until_ready(unfused(points))


def single() -> Recorded:
    """The random program at one point after another."""
    return one_at_a_time(compiled(jax.value_and_grad(output)), checked(np.array(places())))


def batch() -> Recorded:
    """The random program at all points."""
    return all_at_once(compiled(jax.vmap(jax.value_and_grad(output))), np.array(places()))


PEER = Peer(
    recorded={
        **networks(Network),
        "expression": readme,
        "random": single,
        "random-batch": batch,
    },
    without_value="has no graph of scalars to record",
)
