"""The GPT with bulk operations in the place of loops, for engines that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engines import Engine
from gpt import HEAD, Adam, Blocks, Gpt, Matrix, Vector


def with_dot(functional: Any) -> Blocks:
    """Return the blocks with ``dot`` for the linear layers, and nothing else changed."""

    dot = functional.dot

    def linear(weights: Matrix, x: Vector) -> Vector:
        return [dot(row, x) for row in weights]

    return Blocks(linear=linear)


def with_all(functional: Any) -> Blocks:
    """Return the blocks with all that ``functional`` has for them."""

    dot, softmax = functional.dot, functional.softmax

    def attend(query: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> Vector:
        weights = softmax([dot(query, key) / HEAD**0.5 for key in keys])
        return [dot(weights, column) for column in zip(*values, strict=True)]

    return Blocks(
        linear=with_dot(functional).linear,
        normalised=functional.rms_norm,
        attend=attend,
        surprise=functional.cross_entropy,
    )


def own_adam(engine: Engine) -> Any:
    """Return a maker of the engine's own Adam, or of the one written in Python."""
    if engine.optim is None:
        return Adam
    optim = engine.optim

    class OwnAdam:
        """With the settings of the one in Python, and its habit of clearing the gradients."""

        def __init__(self, parameters: Vector) -> None:
            self.adam = optim.Adam(parameters, lr=0.01, betas=(0.85, 0.99), eps=1e-8)

        def step(self) -> None:
            self.adam.step()
            self.adam.zero_grad()

    return OwnAdam


def dot_gpt(engine: Engine) -> Gpt:
    """Return the GPT with dot and the engine's Adam, where it has them."""
    if engine.functional is None:
        return Gpt(engine.value)
    return Gpt(engine.value, with_dot(engine.functional), own_adam(engine))


def bulk_gpt(engine: Engine) -> Gpt:
    """Return the GPT with every bulk operation and the engine's Adam, where it has them."""
    if engine.functional is None:
        return Gpt(engine.value)
    return Gpt(engine.value, with_all(engine.functional), own_adam(engine))
