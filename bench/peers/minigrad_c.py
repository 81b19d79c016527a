"""minigrad: micrograd on Python's C API. Only its own objects may be operands."""

from __future__ import annotations

import minigrad.nn
from minigrad import Value
from moons import PENALTY

from peers.peer import Peer, ScalarMoons


class MinigradMoons(ScalarMoons):
    """The usual program, each plain number in it made a Value."""

    def __init__(self) -> None:
        """Draw the network and the data."""
        super().__init__(Value, minigrad.nn)
        self.signs = [Value(float(-label)) for label in self.labels]
        self.zero, self.one = Value(0.0), Value(1.0)
        self.share, self.penalty = Value(1.0 / len(self.labels)), Value(PENALTY)

    def loss(self) -> Value:
        """Return the margin loss over all points plus the penalty on large weights."""
        scores = map(self.model, self.inputs)
        margins = [
            (self.one + sign * score).relu() for sign, score in zip(self.signs, scores, strict=True)
        ]
        squares = (p * p for p in self.parameters())
        return sum(margins, self.zero) * self.share + self.penalty * sum(squares, self.zero)


NUMBERS = "a plain number as an operand is read as garbage"
PEER = Peer(value=Value, moons=MinigradMoons, cannot={"expression": NUMBERS, "gpt-own": NUMBERS})
