"""Rows of one training step: forward, backward and the update of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from engines import Engine
from gpt import Gpt
from gpt_bulk import bulk_gpt, dot_gpt
from moons import Moons, micrograd_nn
from timing import Sampler, repeated
from workload import Outcome, Workload


class Program(Protocol):
    """A model in training."""

    def parameters(self) -> list[Any]:
        """Return what is trained."""

    def loss(self) -> Any:
        """Return the loss as a Value."""

    def step(self) -> float:
        """Train once and return the loss before the update."""


class TrainingStep(Workload):
    """One step of a training program, the program's text the same for all engines."""

    unit = "ms"

    def __init__(
        self, name: str, title: str, program: Callable[[Engine], Program], exact: bool
    ) -> None:
        """Take the program and whether its losses agree to the last bit."""
        self.name = name
        self.title = title
        self.program = program
        self.exact = exact

    def outcome(self, engine: Engine) -> Outcome | None:
        """Take the gradients before the first update, and the losses before and after it."""
        program = self.program(engine)
        program.loss().backward()
        gradients = [p.grad for p in program.parameters()]
        for p in program.parameters():
            p.grad = 0
        first, second = program.step(), program.step()
        return Outcome([first], [*gradients, second])

    def sampler(self, engine: Engine) -> Sampler:
        """Time whole steps of one training."""
        return repeated(self.program(engine).step, engine.collector)


def _moons_with_own_networks(engine: Engine) -> Moons:
    assert engine.nn is not None
    return Moons(engine.value, engine.nn)


class OwnNetworks(TrainingStep):
    """A training step of a program that takes the engine's own neural networks."""

    def suits(self, engine: Engine) -> bool:
        """Say whether the engine comes with neural networks."""
        return engine.nn is not None


WORKLOADS = (
    TrainingStep(
        "moons",
        "moons step, micrograd's nn",
        lambda engine: Moons(engine.value, micrograd_nn(engine.value)),
        exact=True,
    ),
    OwnNetworks(
        "moons-own-nn",
        "moons step, own nn",
        _moons_with_own_networks,
        exact=True,
    ),
    TrainingStep("gpt", "GPT step", lambda engine: Gpt(engine.value), exact=False),
    TrainingStep("gpt-own", "GPT step, own dot and Adam", dot_gpt, exact=False),
    TrainingStep("gpt-bulk", "GPT step, own bulk operations", bulk_gpt, exact=False),
)
