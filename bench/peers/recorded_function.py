"""megagrad's Function, on one thread."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import numpy as np
import random_program

from megagrad import Function, Value, nn
from peers.batch import points
from peers.peer import Peer
from peers.recorded import (
    NODES,
    PLACE,
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


class Network:
    """The step of a network: losses, and gradients added into the model's parameters."""

    def __init__(self, activation: str, count: int, threads: int = 1) -> None:
        """Record it."""
        random.seed(1337)
        model = nn.MLP(2, [16, 16, 1], activation=activation)
        x0, x1, label = Value(0.0), Value(0.0), Value(0.0)
        loss = (1 - label * model([x0, x1])).relu()
        self.f = Function([x0, x1, label], loss, model.parameters())
        self.data = np.column_stack(points(count))
        self.threads = threads

    def results(self) -> list[float]:
        """Return the first losses, and the gradients."""
        return step(self.run(), [p.grad for p in self.f.parameters])

    def run(self) -> Any:
        """Compute all losses and gradients."""
        return self.f.backward(self.data, threads=self.threads)


def leaves(count: int) -> list[Value]:
    """Return so many inputs."""
    return [Value(0.0) for _ in range(count)]


def readme() -> Recorded:
    """The expression of micrograd's README at one point."""
    inputs = leaves(2)
    f = Function(inputs, expression(*inputs, Value.relu))
    point = np.array(PLACE)

    def results() -> list[float]:
        value, gradients = f.value_and_grad(point)
        return [value, *gradients]

    return Timed(results, lambda: f.value_and_grad(point))


def program(ops: int) -> tuple[list[Value], Value]:
    """Return the inputs and the output of a random program's graph."""
    inputs = leaves(random_program.INPUTS)
    return inputs, random_program.output(inputs, Value.relu, Value.sin, Value.tanh, ops)


def single() -> Recorded:
    """The random program at one point after another."""
    f = Function(*program(random_program.OPS))
    return one_at_a_time(f.value_and_grad, checked(np.array(places())))


def batch() -> Recorded:
    """The random program at all points."""
    f = Function(*program(random_program.OPS))
    return all_at_once(partial(f.value_and_grad, threads=1), np.array(places()))


def recording(ops: int) -> Recorded:
    """Making a Function, and freeing it."""
    inputs, output = program(ops)
    return Timed(lambda: [Function(inputs, output)(places()[0])], lambda: Function(inputs, output))


PEER = Peer(
    recorded={
        **networks(Network),
        "expression": readme,
        "random": single,
        "random-batch": batch,
        **{f"record-{nodes}": partial(recording, nodes) for nodes in NODES},
    }
)
