"""What a workload is: one row of the table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from engines import Engine
from timing import Sampler


@dataclass(frozen=True)
class Outcome:
    """What a workload computed, for the comparison of engines."""

    forward: list[float]
    gradients: list[float] = field(default_factory=list)


class Row:
    """One row of a table."""

    name: str
    title: str
    unit: str

    rounds: int = 2
    """How often the engines take turns in one pass."""


class Workload(Row, ABC):
    """A row that says itself what is computed, and how it is measured."""

    exact: bool = True
    """Whether forward results agree to the last bit; `/` has one rounding more in micrograd."""

    def suits(self, engine: Engine) -> bool:
        """Say whether the engine can do this work."""
        return engine.autograd

    @abstractmethod
    def outcome(self, engine: Engine) -> Outcome | None:
        """Compute it once and return the results; None where there is nothing to compare."""

    @abstractmethod
    def sampler(self, engine: Engine) -> Sampler:
        """Prepare the work on this engine and return what measures it."""
