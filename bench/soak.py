"""Very many training steps with everything that can happen between them, in memory that stays level.

Run by itself, as ``python bench/soak.py``: a million steps take some minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import pickle
import random
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from memory import resident
from moons import two_moons

from megagrad import Function, Value, explain, functional, nn, optim, record

KIBIBYTE = 1 << 10
SAMPLES = 40
FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.PicklingError,
)


class Soak:
    """A small network that learns two moons, a point a step, and what else a program may do."""

    def __init__(self) -> None:
        """Draw the network and the data."""
        random.seed(1)
        self.points, self.labels = two_moons(100)
        self.batch = np.array(self.points)
        self.model = nn.MLP(2, [8, 1], activation="tanh")
        parameters = self.model.parameters()
        self.optimizers = [optim.SGD(parameters, lr=0.02, momentum=0.5), optim.Adam(parameters)]
        self.function = self.recorded()

    def loss(self, step: int) -> Value:
        """Return the squared error at one point."""
        i = step % len(self.points)
        return (self.model(self.points[i]) - self.labels[i]) ** 2

    def train(self, step: int) -> None:
        """Take a step by backward over a new graph."""
        optimizer = self.optimizers[step // 1000 % 2]
        optimizer.zero_grad()
        self.loss(step).backward()
        optimizer.step()

    def train_by_operators(self, step: int) -> None:
        """Differentiate what a micrograd program writes, a node an operation."""
        x, y = (Value(number) for number in self.points[step % len(self.points)])
        error = Value(0.0)
        for neuron in self.model.layers[0].neurons:
            error = error + (neuron.w[0] * x + neuron.w[1] * y + neuron.b).tanh() * 0.1
        (error - self.labels[step % len(self.labels)]).backward()

    def train_by_replay(self, _: int) -> None:
        """Take a step over all points by a recorded program."""
        self.optimizers[0].zero_grad()
        errors = self.function(self.batch) - self.labels
        self.function.backward(self.batch, seeds=2 * errors / len(errors))
        self.optimizers[0].step()

    def recorded(self, _: int = 0) -> Function:
        """Record the network anew, and compute with it."""
        self.function = record(self.model, 2)
        self.function.vjp(self.batch)
        self.function.hessian(self.batch[0])
        return self.function

    def duplicate(self, step: int) -> None:
        """Copy the model with its graph, and differentiate the copy."""
        copy.deepcopy(self.loss(step)).backward()
        copy.deepcopy(self.model)(self.points[0]).backward()
        copy.copy(self.loss(step)).backward()

    def save(self, step: int) -> None:
        """Save and restore a graph, a program and an optimiser."""
        for item in (self.loss(step), self.function, self.optimizers[1]):
            pickle.loads(pickle.dumps(item))

    def look(self, step: int) -> None:
        """Unfold a graph, and explain it."""
        loss = self.loss(step)
        assert loss._prev
        assert loss._backward
        loss.label = f"loss {step}"
        loss.history = [loss]  # a cycle, for the collector
        explain(self.model(self.points[0]) * 2)

    def closure(self, step: int) -> None:
        """Differentiate through an op of the user's own; its closure is a cycle."""
        x = self.loss(step)
        out = Value(x.data**2, (x,), "square")

        def rule() -> None:
            x.grad += 2 * x.data * out.grad

        out._backward = rule
        out.backward()

    def fail(self, step: int) -> None:
        """Do what raises: in operators, bulk operations, closures, recordings and replays."""
        loss = self.loss(step)
        broken = loss * 1.0
        broken._backward = lambda: 1 / 0
        model, function = self.model, self.function
        failing: list[Callable[[], object]] = [
            lambda: loss / 0.0,
            lambda: loss + "x",  # type: ignore[operator]
            lambda: (-abs(loss) - 1).log(),
            lambda: functional.dot([loss, loss], [1.0]),
            lambda: functional.sum(x if x < 3 else 1 / 0 for x in range(9)),
            lambda: functional.cross_entropy([loss, broken], 5),
            lambda: model([1.0, "x"]),  # type: ignore[list-item]
            lambda: (broken * 2).backward(),
            lambda: record(lambda x: x * broken, 1),
            lambda: function(np.zeros((2, 3))),
            lambda: pickle.dumps(broken),
            lambda: model.load_state_dict({}),
        ]
        for call in failing:
            with contextlib.suppress(*FAILURES):
                call()
                raise AssertionError(f"{call} did not fail")

    def step(self, step: int) -> None:
        """Train, and at steps of its own do one thing more."""
        self.train(step)
        for every, also in (
            (3, self.train_by_operators),
            (7, self.train_by_replay),
            (31, self.closure),
            (53, self.look),
            (59, self.fail),
            (61, self.duplicate),
            (101, self.save),
            (103, self.recorded),
        ):
            if step % every == 0:
                also(step)


def slope(samples: list[int]) -> float:
    """Return by how much the samples grow from one to the next, by least squares."""
    return float(np.polyfit(np.arange(len(samples)), np.array(samples, dtype=float), 1)[0])


def main() -> int:
    """Read the command line, run, and say whether memory stayed level."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--level", type=int, default=1024, metavar="KiB", help="growth allowed")
    given = parser.parse_args()
    soak, samples, start = Soak(), [], perf_counter()
    print(f"{given.steps:,} steps; at first {resident() / KIBIBYTE:,.0f} KiB")
    for step in range(1, given.steps + 1):
        soak.step(step)
        if step % max(1, given.steps // SAMPLES) == 0:
            gc.collect()
            samples.append(resident())
            seconds = perf_counter() - start
            print(f"{step:>11,}{seconds:9.1f} s{samples[-1] / KIBIBYTE:10,.0f} KiB", flush=True)
    right = sum(
        (soak.model(point).data > 0) == (label > 0)
        for point, label in zip(soak.points, soak.labels, strict=True)
    )
    settled = samples[len(samples) // 4 :]
    growth = slope(settled) * len(settled)
    print(
        f"after the first quarter: {settled[0] / KIBIBYTE:,.0f} to {settled[-1] / KIBIBYTE:,.0f} KiB,"
        f" a fit grows by {growth / KIBIBYTE:,.1f} KiB, that is {growth / given.steps:.4f} bytes a step;"
        f" {right} of {len(soak.points)} points right"
    )
    return int(growth > given.level * KIBIBYTE or right < 75)


if __name__ == "__main__":
    sys.exit(main())
