"""The same work on scalars, the graph built anew each time: megagrad's Value."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import random_program

from megagrad import nn
from megagrad.engine import Value
from peers.batch import points
from peers.peer import Peer
from peers.process import Refusal
from peers.recorded import (
    NODES,
    PLACE,
    Recorded,
    Timed,
    checked,
    expression,
    networks,
    one_at_a_time,
    places,
    step,
)


class Network:
    """The step of a network: losses, and gradients added into the model's parameters."""

    def __init__(self, number: type[Any], mlp: Callable[[], Any], count: int) -> None:
        """Take the class, what makes the network, and how many points there are."""
        random.seed(1337)
        self.model = mlp()
        places, self.labels = points(count)
        self.inputs = [[number(x) for x in place] for place in places]

    def results(self) -> list[float]:
        """Return the first losses, and the gradients."""
        losses = [loss.data for loss in self.run()]
        return step(losses, [p.grad for p in self.model.parameters()])

    def run(self) -> list[Any]:
        """Compute all losses and gradients."""
        scores = map(self.model, self.inputs)
        losses = [(1 + -y * score).relu() for y, score in zip(self.labels, scores, strict=True)]
        sum(losses).backward()
        return losses


def readme(number: type[Any]) -> Recorded:
    """The expression of micrograd's README."""

    def run() -> list[float]:
        a, b = map(number, PLACE)
        value = expression(a, b, number.relu)
        value.backward()
        return [value.data, a.grad, b.grad]

    return Timed(run, run)


def at(point: list[float]) -> tuple[float, list[float]]:
    """Return the random program's value and gradients at a point."""
    inputs = [Value(x) for x in point]
    output = random_program.output(inputs, Value.relu, Value.sin, Value.tanh)
    output.backward()
    return output.data, [x.grad for x in inputs]


def single() -> Recorded:
    """The random program at one point after another."""
    return one_at_a_time(at, checked(places()))


def batch() -> Recorded:
    """The same points, which the results of a batch are compared with."""

    def run() -> None:
        raise Refusal("computes one point at a time", known=True)

    return Timed(single().results, run)


def building(ops: int) -> Recorded:
    """Building a graph, and freeing it."""
    point = places()[0]

    def run() -> list[float]:
        inputs = [Value(x) for x in point]
        output = random_program.output(inputs, Value.relu, Value.sin, Value.tanh, ops)
        return [output.data]

    return Timed(run, run)


def mlp(nn: ModuleType, activation: str) -> Any:
    """Return the demo's network with another activation."""
    return nn.MLP(2, [16, 16, 1], activation=activation)


PEER = Peer(
    recorded={
        **networks(lambda activation, count: Network(Value, partial(mlp, nn, activation), count)),
        "expression": partial(readme, Value),
        "random": single,
        "random-batch": batch,
        **{f"record-{nodes}": partial(building, nodes) for nodes in NODES},
    }
)
