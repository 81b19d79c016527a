"""What the project promises of its speed, and whether a run bears it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engines import COMPLEX, MEGAGRAD, MICROGRAD, MICROGRAD_GC_OFF, SCALAR_CLASS, Engine
from startup import numpy_modules

Figures = Mapping[str, Mapping[str, float]]
"""The median of each workload, by its name, on each engine, by its name."""


@dataclass(frozen=True)
class Target:
    """A figure and the limit it is to keep."""

    title: str
    measure: Callable[[Figures], float]
    """Raises KeyError where the run left out what it needs."""

    at_least: float = float("-inf")
    at_most: float = float("inf")

    @property
    def limit(self) -> str:
        """The limit in words."""
        if self.at_most < float("inf"):
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}"

    def holds(self, measured: float) -> bool:
        """Say whether the figure keeps the limit."""
        return self.at_least <= measured <= self.at_most


def _times(workload: str, slower: Engine, faster: Engine) -> Callable[[Figures], float]:
    return lambda figures: figures[workload][slower.name] / figures[workload][faster.name]


def _ours(workload: str, scale: float = 1) -> Callable[[Figures], float]:
    return lambda figures: figures[workload][MEGAGRAD.name] * scale


TARGETS = (
    Target("a + b, times complex + complex", _times("add", MEGAGRAD, COMPLEX), at_most=1.1),
    Target("nanoseconds of Value(1.0)", _ours("construct", 1e9), at_most=60),
    Target("microseconds of the README expression", _ours("expression", 1e6), at_most=2.5),
    Target("backward, ns a node of 100,000", _ours("backward-100000", 1e9), at_most=12),
    Target("backward, ns a node of 1,000,000", _ours("backward-1000000", 1e9), at_most=45),
    Target(
        "moons step, times faster than micrograd, gc off",
        _times("moons", MICROGRAD_GC_OFF, MEGAGRAD),
        at_least=18,
    ),
    Target(
        "moons step, times faster than micrograd, gc on",
        _times("moons", MICROGRAD, MEGAGRAD),
        at_least=150,
    ),
    Target(
        "GPT step, times faster than the scalar class",
        _times("gpt", SCALAR_CLASS, MEGAGRAD),
        at_least=20,
    ),
    Target("milliseconds of a moons step, own nn", _ours("moons-own-nn", 1e3), at_most=0.6),
    Target(
        "moons step, own nn, times faster than micrograd, gc off",
        _times("moons-own-nn", MICROGRAD_GC_OFF, MEGAGRAD),
        at_least=140,
    ),
    Target(
        "moons step, own nn, times faster than micrograd, gc on",
        _times("moons-own-nn", MICROGRAD, MEGAGRAD),
        at_least=1400,
    ),
    Target("milliseconds of a GPT step, own dot and Adam", _ours("gpt-own", 1e3), at_most=1.0),
    Target(
        "GPT step, own dot and Adam, times faster than the scalar class",
        _times("gpt-own", SCALAR_CLASS, MEGAGRAD),
        at_least=150,
    ),
    Target("microseconds of an Adam step", _ours("adam", 1e6), at_most=20),
    Target("bytes of a live node of two operands", _ours("memory"), at_most=96),
    Target("milliseconds that an import takes", _ours("import", 1e3), at_most=15),
    Target(
        "modules of NumPy loaded by the import",
        lambda _: numpy_modules("megagrad"),
        at_most=0,
    ),
)
