"""XAD: scalars in C++ that record what is done with them on an explicit tape."""

from __future__ import annotations

from typing import Any

from moons import PENALTY, rate
from xad import math
from xad.adj_1st import Real, Tape

from peers.batch import Layer, in_order, initial_layers, points
from peers.peer import Peer

TAPE = Tape()
TAPE.activate()


class Number(Real):
    """Makes a Real that the tape knows as an input."""

    def __new__(cls, data: float) -> Real:
        """Begin a recording with it: programs make their leaves before they compute."""
        number = Real(data)
        TAPE.registerInput(number)
        TAPE.newRecording()
        return number


def backward(root: Real) -> None:
    """Go back along the tape and wind it up, or the next time would go through all that too."""
    TAPE.registerOutput(root)
    root.derivative = 1.0
    TAPE.computeAdjoints()
    TAPE.resetTo(0)


# Names under which scalar programs look for what Real calls otherwise.
Real.data = property(Real.getValue)
Real.grad = property(Real.getDerivative)
Real.relu = lambda self: math.fmax(self, 0.0)
Real.backward = backward


class XadMoons:
    """The program in XAD's way: a Real cannot be changed, so each update makes new ones."""

    def __init__(self) -> None:
        """Take the weights and the data."""
        self.places, self.labels = points()
        self.layers = initial_layers()
        self.steps = 0

    def differentiated(self) -> tuple[list[Layer], float]:
        """Return the weights as Reals that know the loss's gradient by them, and the loss."""
        TAPE.clearAll()
        layers = [
            Layer([[Real(w) for w in row] for row in weights], [Real(b) for b in biases])
            for weights, biases in self.layers
        ]
        for weights, biases in layers:
            for row in weights:
                TAPE.registerInputs(row)
            TAPE.registerInputs(biases)
        TAPE.newRecording()
        loss = self.loss(layers)
        backward(loss)
        return layers, loss.value

    def score(self, layers: list[Layer], x: list[Any]) -> Real:
        """Return the network's answer for one point."""
        *hidden, last = layers
        for layer in hidden:
            x = [math.fmax(act, 0.0) for act in affine(layer, x)]
        return affine(last, x)[0]

    def loss(self, layers: list[Layer]) -> Real:
        """Return the margin loss over all points plus the penalty on large weights."""
        margins = [
            math.fmax(1 - label * self.score(layers, place), 0.0)
            for place, label in zip(self.places, self.labels, strict=True)
        ]
        weights = [w for layer in layers for row in (*layer.weights, layer.biases) for w in row]
        return sum(margins) * (1.0 / len(margins)) + PENALTY * sum(w * w for w in weights)

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases."""
        layers, _ = self.differentiated()
        return in_order(
            [
                Layer([[w.derivative for w in row] for row in ws], [b.derivative for b in bs])
                for ws, bs in layers
            ]
        )

    def step(self) -> float:
        """Train once and return the loss before the update."""
        layers, loss = self.differentiated()
        slowed = rate(self.steps)

        def moved(reals: list[Real]) -> list[float]:
            return [real.value - slowed * real.derivative for real in reals]

        self.layers = [Layer([moved(row) for row in ws], moved(bs)) for ws, bs in layers]
        self.steps += 1
        return loss


def affine(layer: Layer, x: list[Any]) -> list[Real]:
    """Return the layer's weighted sums."""
    return [
        sum((w * xi for w, xi in zip(row, x, strict=True)), bias)
        for row, bias in zip(layer.weights, layer.biases, strict=True)
    ]


PEER = Peer(
    value=Number, moons=XadMoons, cannot={"gpt-own": "its numbers cannot be given another value"}
)
