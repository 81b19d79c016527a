"""Dropout: some of the inputs are left out at random, while a network is trained."""

import random

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import real_number
from megagrad.module import TypedModule

__all__ = ["Dropout"]


class Dropout(TypedModule):
    """What sets each input to 0 with a probability, and scales the others so that the mean stays.

    p: the probability, from 0 to 1. It does so after ``train()``, as at the start; after ``eval()`` the
    inputs pass as they are. The module ``random`` draws (Srivastava et al. 2014).

    Raises TypeError if p is no real number, ValueError if it is outside of 0 to 1.
    """

    _settings = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        """See the class."""
        self.p = real_number("p", p, at_least=0)
        if self.p > 1:
            raise ValueError(f"p must be at most 1, got {self.p}")

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of the input's shape.

        Raises TypeError in training while ``record`` runs, as every replay would use the same draw.
        """
        x = _arrays.array("input", input)
        if not self.training or self.p == 0:
            return x
        _arrays.refuse_recorded(
            x,
            "Dropout cannot be recorded in training, as each replay would leave out the same inputs: "
            "use eval() first",
        )
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        kept = (0.0 if random.random() < self.p else scale for _ in range(x.size))
        return x * _arrays.shaped(kept, x.shape)
