"""A program of 10,000 ops drawn at random, with 32 numbers as the state that all of them work on."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Any

INPUTS = 8
OPS = 10_000
CELLS = 32

# The constants keep numbers and gradients from dying out, and from growing without bounds.
_STEPS = {
    "(c[{i}] + c[{j}]) * 0.7": 25,
    "(c[{i}] - c[{j}]) * 0.7": 15,
    "c[{i}] * c[{j}] + 0.5": 20,
    "relu(c[{i}]) - 0.5": 5,
    "sin(c[{i}])": 15,
    "tanh(c[{i}])": 10,
}
"""What a step can be, of two different cells i and j, and how often it is drawn."""

Op = Callable[[Any], Any]
Block = Callable[[list[Any], Op, Op, Op], None]


def _ops_of(step: str) -> int:
    return 1 if step.startswith(("sin", "tanh")) else 2


@functools.cache
def _block(ops: int) -> Block:
    """Return a Python function of so many ops, each without a loop or a choice."""
    rng = random.Random(1337)
    lines = ["def block(c, relu, sin, tanh):"]
    while ops > 0:
        [step] = rng.choices([*_STEPS], [*_STEPS.values()])
        i, j = rng.sample(range(CELLS), 2)
        if _ops_of(step) <= ops:
            ops -= _ops_of(step)
            lines.append(f"    c[{i}] = {step.format(i=i, j=j)}")
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)  # noqa: S102
    block: Block = names["block"]
    return block


def output(inputs: Sequence[Any], relu: Op, sin: Op, tanh: Op, ops: int = OPS) -> Any:
    """Run the program, and add up the cells. Each step changes a cell that it reads: none is in vain.

    relu, sin, tanh: the engine's. ops: how many there are; more than 10,000 are those again and again.
    """
    cells = [inputs[i % INPUTS] for i in range(CELLS)]
    left = ops - (CELLS - 1)
    while left > 0:
        _block(min(left, OPS - (CELLS - 1)))(cells, relu, sin, tanh)
        left -= OPS - (CELLS - 1)
    total = cells[0]
    for cell in cells[1:]:
        total = total + cell
    return total
