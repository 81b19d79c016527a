"""Rows of one statement: an op, and how a number is read, set and updated."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import repeat
from typing import Any

from engines import Engine
from timing import Sampler, collector, seconds
from workload import Outcome, Workload

UNROLLED = 100
SHORTEST = 0.005


def _unrolled(statement: str, number: type[Any]) -> Callable[[int], None]:
    body = "\n        ".join([statement] * UNROLLED)
    source = f"def run(a, b, Value, loops):\n    for _ in repeat(None, loops):\n        {body}"
    names: dict[str, Any] = {"repeat": repeat}
    exec(source, names)  # noqa: S102
    a, b = number(3.0), number(-2.0)
    return lambda loops: names["run"](a, b, number, loops)


class Statement(Workload):
    """One statement on two numbers, in a long unrolled row of it."""

    unit = "ns"
    rounds = 6

    def __init__(self, name: str, statement: str, operands: str) -> None:
        """Take the statement, and the same without what is measured."""
        self.name = name
        self.title = statement
        self.statement = statement
        self.operands = operands

    def outcome(self, engine: Engine) -> Outcome | None:
        """Run it once, and return what the number then holds."""
        a = engine.value(3.0)
        exec(self.statement, {"a": a})  # noqa: S102
        return Outcome([a.data, a.grad])

    def sampler(self, engine: Engine) -> Sampler:
        """Time the statements, less the same loop over their operands alone."""
        run, idle = (_unrolled(text, engine.value) for text in (self.statement, self.operands))
        with collector(engine.collector):
            loops = math.ceil(SHORTEST / seconds(lambda: run(1), times=20))

        def sample() -> float:
            with collector(engine.collector):
                whole = seconds(lambda: run(loops))
                overhead = seconds(lambda: idle(loops))
            return (whole - overhead) / (loops * UNROLLED)

        return sample


class OneOp(Statement):
    """One op; its result is made and dropped at once."""

    def __init__(self, name: str, statement: str, operands: str, method: str) -> None:
        """Take the statement, the same without its op, and the method that the op calls."""
        super().__init__(name, statement, operands)
        self.method = method

    def suits(self, engine: Engine) -> bool:
        """Say whether the engine's numbers have the op."""
        return hasattr(engine.value, self.method)

    def outcome(self, engine: Engine) -> Outcome | None:
        """Compute the op once, and its gradients."""
        a, b = engine.value(3.0), engine.value(-2.0)
        out = eval(self.statement, {"a": a, "b": b, "Value": engine.value})
        out.backward()
        return Outcome([out.data], [a.grad, b.grad])


WORKLOADS = (
    OneOp("add", "a + b", "a; b", "__add__"),
    OneOp("multiply", "a * b", "a; b", "__mul__"),
    OneOp("construct", "Value(1.0)", "Value", "__init__"),
    OneOp("relu", "a.relu()", "a", "relu"),
    OneOp("power", "a ** 2", "a", "__pow__"),
    Statement("read", "a.data", "a"),
    Statement("write", "a.data = 1.5", "a"),
    Statement("update", "a.data -= 0.01 * a.grad", "a"),
)
