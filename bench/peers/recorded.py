"""What the recorded programs compute, for engines that record or compile a program once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from random_program import INPUTS, OPS

CHECKED = 200
"""At how many points of a large batch the results are compared."""

NODES = (1_000, 100_000, 1_000_000, 10_000_000)
"""The sizes of the graphs that are recorded."""

FEW, MANY = 100, 100_000
"""The points of a network's two batches."""

PLACE = (-4.0, 2.0)
"""Where the expression of micrograd's README is computed."""


class Recorded(Protocol):
    """A program that is ready to be run."""

    def results(self) -> list[float]:
        """Run it once and return what it computes; asked once, before any other run."""

    def run(self) -> object:
        """Run it: this is what is timed."""


Programs = Mapping[str, Callable[[], Recorded]]
"""What makes each program ready, by the name of the workload."""


class Timed(NamedTuple):
    """A program given by two functions."""

    results: Callable[[], list[float]]
    run: Callable[[], object]


At = Callable[[Any], tuple[Any, Any]]
"""Returns an engine's values and gradients at a point, or at many."""


def networks(make: Callable[[str, int], Recorded]) -> Programs:
    """Return the steps of both networks on both batches, made from an activation and a number."""
    return {
        f"{name}-{count}": lambda activation=activation, count=count: make(activation, count)
        for name, activation in (("moons", "relu"), ("tanh", "tanh"))
        for count in (FEW, MANY)
    }


def places() -> list[list[float]]:
    """Return the points at which the random program is computed."""
    rng = random.Random(1337)
    return [[rng.uniform(-2, 2) for _ in range(INPUTS)] for _ in range(OPS)]


def checked(batch: Any) -> Any:
    """Return some of the points of a large batch, spread over all of it, or of its results."""
    return batch[:: max(1, len(batch) // CHECKED)]


def flat(outputs: Any, gradients: Any) -> list[float]:
    """Return the numbers of both arrays."""
    return [float(x) for x in (*outputs, *gradients.ravel())]


def one_at_a_time(at: At, points: Any) -> Timed:
    """Return the program that computes values and gradients at one point after another."""
    turn = itertools.cycle(points)

    def results() -> list[float]:
        values, gradients = zip(*map(at, points), strict=True)
        return flat(values, np.array(gradients))

    return Timed(results, lambda: at(next(turn)))


def all_at_once(at: At, points: Any) -> Timed:
    """Return the program that computes values and gradients at all points in one call."""
    return Timed(
        lambda: flat(*(checked(np.array(part)) for part in at(points))), lambda: at(points)
    )


def step(losses: Any, gradients: list[float]) -> list[float]:
    """Return some of a training step's losses, and the gradients of the mean of all."""
    return [*map(float, checked(losses)), *(float(g) / len(losses) for g in gradients)]


def expression(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """Return what the expression of micrograd's README computes of a and b."""
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + relu(b + a)
    d = d + 3 * d + relu(b - a)
    e = c - d
    f = e**2
    return f / 2.0 + 10.0 / f
