"""What an adapter says of its engine, as its ``PEER``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from moons import Moons

from peers.recorded import Programs


class Training(Protocol):
    """A moons program in training, from the weights that micrograd starts with."""

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases, in the order of micrograd's nn."""

    def step(self) -> float:
        """Train once and return the loss before the update."""


class ScalarMoons(Moons):
    """The program's usual text, as a training that tells its gradients."""

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases."""
        self.loss().backward()
        return [float(p.grad) for p in self.parameters()]


@dataclass(frozen=True)
class Peer:
    """An engine's part in the comparison."""

    value: type[Any] | None = None
    """The class of its numbers, on which scalar programs run as they are written for micrograd."""

    moons: Callable[[], Training] | None = None
    """The moons program written for it; None if the usual text runs on its class."""

    recorded: Programs = field(default_factory=dict)
    """The programs that it records, for ``python bench --recorded``."""

    functional: ModuleType | None = None
    """Its own bulk operations, with megagrad's names."""

    optim: ModuleType | None = None
    """Its own optimisers, with PyTorch's names."""

    cannot: Mapping[str, str] = field(default_factory=dict)
    """Why a workload, by its name, is beyond the engine."""

    without_value: str = "no scalar objects that carry a number and its gradient"
    """Why there is no class, where there is none."""

    def inability(self, workload: str) -> str | None:
        """Say why the engine cannot do the work; None if it can."""
        if workload in self.cannot:
            return self.cannot[workload]
        if self.value is None and workload != "moons" and workload not in self.recorded:
            return self.without_value
        return None
