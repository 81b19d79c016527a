"""The expression of micrograd's README, forward and backward, built and thrown away."""

from __future__ import annotations

from typing import Any

from engines import Engine
from timing import Sampler, repeated
from workload import Outcome, Workload


def expression(number: type[Any]) -> tuple[Any, Any, Any]:
    """Return the leaves a and b and the result g, after backward."""
    a = number(-4.0)
    b = number(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return a, b, g


class ReadmeExpression(Workload):
    """The expression that introduces micrograd."""

    name = "expression"
    title = "README expression and backward"
    unit = "µs"
    rounds = 4
    exact = False

    def outcome(self, engine: Engine) -> Outcome | None:
        """Compute it once."""
        a, b, g = expression(engine.value)
        return Outcome([g.data], [a.grad, b.grad])

    def sampler(self, engine: Engine) -> Sampler:
        """Time whole evaluations, the freeing of the graph included."""
        return repeated(lambda: expression(engine.value), engine.collector)


WORKLOADS = (ReadmeExpression(),)
