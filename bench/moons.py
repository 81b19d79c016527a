"""micrograd's demo: a small network learns to tell two moons apart."""

from __future__ import annotations

import importlib.util
import random
from math import cos, pi, sin
from pathlib import Path
from types import ModuleType
from typing import Any

POINTS = 100
STEPS = 100
PENALTY = 1e-4
IMPORT = "from micrograd.engine import Value\n"


def two_moons(points: int, noise: float = 0.1) -> tuple[list[list[float]], list[int]]:
    """Return points on two interlocking half circles, and on which of them each lies: -1 or 1."""
    rng = random.Random(1337)
    places, labels = [], []
    for i in range(points):
        angle = pi * rng.random()
        upper = i % 2 == 0
        x, y = (cos(angle), sin(angle)) if upper else (1 - cos(angle), 0.5 - sin(angle))
        places.append([x + rng.gauss(0, noise), y + rng.gauss(0, noise)])
        labels.append(-1 if upper else 1)
    return places, labels


def micrograd_nn(number: type[Any]) -> ModuleType:
    """Return the installed micrograd's nn, its text unchanged but for where Value comes from."""
    spec = importlib.util.find_spec("micrograd.nn")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    if text.count(IMPORT) != 1:
        raise ImportError("micrograd.nn does not import Value as expected")
    module = ModuleType("nn")
    module.__dict__["Value"] = number
    exec(compile(text.replace(IMPORT, "\n"), spec.origin, "exec"), module.__dict__)  # noqa: S102
    return module


def rate(step: int) -> float:
    """Return the learning rate of a step: it falls from 1 to 0.1 in the first hundred."""
    return 1.0 - 0.9 * min(step, STEPS) / STEPS


class Moons:
    """The demo's training loop: hinge loss, squared penalty, gradient descent that slows down."""

    def __init__(self, number: type[Any], nn: ModuleType) -> None:
        """Draw the network and the data."""
        places, self.labels = two_moons(POINTS)
        self.inputs = [[number(x) for x in place] for place in places]
        random.seed(1337)
        self.model = nn.MLP(2, [16, 16, 1])
        self.steps = 0

    def parameters(self) -> list[Any]:
        """Return the weights and biases."""
        parameters: list[Any] = self.model.parameters()
        return parameters

    def loss(self) -> Any:
        """Return the margin loss over all points plus the penalty on large weights."""
        scores = map(self.model, self.inputs)
        margins = [(1 + -y * score).relu() for y, score in zip(self.labels, scores, strict=True)]
        fit = sum(margins) * (1.0 / len(margins))
        penalty = PENALTY * sum(p * p for p in self.parameters())
        return fit + penalty

    def step(self) -> float:
        """Train once on all points and return the loss before the update."""
        loss = self.loss()
        self.model.zero_grad()
        loss.backward()
        slowed = rate(self.steps)
        for p in self.parameters():
            p.data -= slowed * p.grad
        self.steps += 1
        return float(loss.data)
