"""The row of one optimiser step."""

from __future__ import annotations

from random import Random
from typing import Any

from engines import Engine
from gpt import PARAMETERS
from gpt_bulk import own_adam
from timing import Sampler, repeated
from workload import Outcome, Workload


def parameters(number: type[Any]) -> list[Any]:
    """Return parameters with gradients, the same for every engine."""
    draw = Random(3).gauss
    made = [number(draw(0, 1)) for _ in range(PARAMETERS)]
    for parameter in made:
        parameter.grad = draw(0, 1)
    return made


class AdamStep(Workload):
    """One step of Adam, the engine's own or one in Python, over all parameters of the GPT."""

    name = "adam"
    title = f"Adam step, {PARAMETERS:,} parameters"
    unit = "µs"

    def outcome(self, engine: Engine) -> Outcome | None:
        """Take the parameters after a step; gradients are the input here, not the result."""
        trained = parameters(engine.value)
        own_adam(engine)(trained).step()
        return Outcome([], [parameter.data for parameter in trained])

    def sampler(self, engine: Engine) -> Sampler:
        """Time steps with gradients of 0, which cost what others do."""
        return repeated(own_adam(engine)(parameters(engine.value)).step, engine.collector)


WORKLOADS = (AdamStep(),)
