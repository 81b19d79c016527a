"""CasADi: the step is built once as a symbolic Function over all points, and then called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import casadi
from moons import PENALTY, rate

from peers.batch import Layer, in_order, initial_layers, points
from peers.peer import Peer


def scores(
    parameters: Sequence[casadi.MX], x: casadi.MX, activation: Callable[[casadi.MX], casadi.MX]
) -> casadi.MX:
    """Return what the network gives each point, which is a column of x."""
    *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
    for weights, biases in hidden:
        x = activation(weights @ x + casadi.repmat(biases, 1, x.shape[1]))
    weights, bias = last
    return weights @ x + bias


class CasadiMoons:
    """The moons program as two Functions of the weights, each layer's a matrix and a column."""

    def __init__(self) -> None:
        """Take the weights and the data, and build the Functions."""
        self.parameters = [casadi.DM(part) for layer in initial_layers() for part in layer]
        symbols = [casadi.MX.sym("p", *part.shape) for part in self.parameters]
        loss = self.loss(symbols)
        slopes = [casadi.gradient(loss, symbol) for symbol in symbols]
        slowed = casadi.MX.sym("rate")
        moved = [p - slowed * slope for p, slope in zip(symbols, slopes, strict=True)]
        self.slopes = casadi.Function("slopes", symbols, slopes)
        self.trained = casadi.Function("trained", [slowed, *symbols], [loss, *moved])
        self.steps = 0

    @staticmethod
    def loss(parameters: list[casadi.MX]) -> casadi.MX:
        """Return the margin loss over all points plus the penalty on large weights."""
        places, labels = points()
        given = scores(parameters, casadi.DM(places).T, lambda x: casadi.fmax(x, 0))
        margins = casadi.fmax(1 - casadi.DM(labels).T * given, 0)
        penalty = sum(casadi.sumsqr(p) for p in parameters)
        return casadi.sum2(margins) / len(labels) + PENALTY * penalty

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases."""
        slopes = [slope.full() for slope in self.slopes(*self.parameters)]
        pairs = zip(slopes[::2], slopes[1::2], strict=True)
        return in_order([Layer(weights, biases[:, 0]) for weights, biases in pairs])

    def step(self) -> float:
        """Train once and return the loss before the update."""
        before, *self.parameters = self.trained(rate(self.steps), *self.parameters)
        self.steps += 1
        return float(before)


PEER = Peer(moons=CasadiMoons)
