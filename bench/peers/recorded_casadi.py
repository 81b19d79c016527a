"""CasADi: each piece of work is one symbolic Function, called with numbers."""

from __future__ import annotations

from typing import Any

import casadi
import numpy as np
import random_program

from peers.batch import Layer, in_order, initial_layers, points
from peers.casadi_function import scores
from peers.peer import Peer
from peers.recorded import (
    PLACE,
    Recorded,
    Timed,
    checked,
    expression,
    flat,
    networks,
    one_at_a_time,
    places,
    step,
)

ACTIVATIONS = {"relu": lambda x: casadi.fmax(x, 0), "tanh": casadi.tanh}
relu = ACTIVATIONS["relu"]


class Network:
    """The step of a network as a function of all points: losses and gradients."""

    def __init__(self, activation: str, count: int) -> None:
        """Build the function; take the weights and the data."""
        self.activation = ACTIVATIONS[activation]
        places, labels = points(count)
        self.numbers = [casadi.DM(places).T, casadi.DM(labels).T]
        self.numbers += [casadi.DM(part) for layer in initial_layers() for part in layer]
        symbols = [casadi.MX.sym("x", *number.shape) for number in self.numbers]
        losses = self.losses(*symbols)
        total = casadi.sum2(losses)
        gradients = [casadi.gradient(total, symbol) for symbol in symbols[2:]]
        self.function = casadi.Function("step", symbols, [losses, *gradients])

    def losses(self, x: casadi.MX, labels: casadi.MX, *parameters: casadi.MX) -> casadi.MX:
        """Return a loss for each point, which is a column of x."""
        return casadi.fmax(1 - labels * scores(parameters, x, self.activation), 0)

    def results(self) -> list[float]:
        """Return the first losses, and the gradients."""
        losses, *gradients = (part.full() for part in self.run())
        pairs = zip(gradients[::2], gradients[1::2], strict=True)
        return step(
            losses[0], in_order([Layer(weights, biases[:, 0]) for weights, biases in pairs])
        )

    def run(self) -> Any:
        """Compute all losses and gradients."""
        return self.function(*self.numbers)


def readme_function() -> casadi.Function:
    """Return the expression of micrograd's README and its gradients, by a column of two numbers."""
    x = casadi.SX.sym("x", 2)
    value = expression(x[0], x[1], relu)
    return casadi.Function("readme", [x], [value, casadi.gradient(value, x)])


def random_function() -> casadi.Function:
    """Return the random program and its gradients, by a column."""
    x = casadi.SX.sym("x", random_program.INPUTS)
    value = random_program.output(casadi.vertsplit(x), relu, casadi.sin, casadi.tanh)
    return casadi.Function("random", [x], [value, casadi.gradient(value, x)])


def readme() -> Recorded:
    """The expression at one point."""
    function = readme_function()

    def results() -> list[float]:
        return [float(x) for part in function(PLACE) for x in part.full().ravel()]

    return Timed(results, lambda: function(PLACE))


def single() -> Recorded:
    """The random program at one point after another."""
    return one_at_a_time(random_function(), checked(np.array(places())))


def batch() -> Recorded:
    """The random program at all points, each a column."""
    function = random_function().map(random_program.OPS)
    columns = casadi.DM(places()).T

    def results() -> list[float]:
        outputs, gradients = (part.full().T for part in function(columns))
        return flat(*map(checked, (outputs[:, 0], gradients)))

    return Timed(results, lambda: function(columns))


PEER = Peer(
    recorded={
        **networks(Network),
        "expression": readme,
        "random": single,
        "random-batch": batch,
    },
    without_value="builds its graphs of other objects",
)
