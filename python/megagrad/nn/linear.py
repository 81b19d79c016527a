"""Linear maps, and tables of numbers: PyTorch's Linear and Embedding."""

import math
import random

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import LARGEST_COUNT, kind, whole_number
from megagrad.functional import linear
from megagrad.module import TypedModule

__all__ = ["Embedding", "Linear"]


class Linear(TypedModule):
    """Weighted sums of the inputs: ``x @ weight.T + bias``.

    in_features, out_features: how many inputs and outputs, at least 1. bias: False leaves it out. The
    parameters are ``weight``, an array of shape (out_features, in_features), and ``bias`` of shape
    (out_features,) or None, drawn uniformly within ``1 / sqrt(in_features)``, as in PyTorch.

    Raises TypeError if a size is not an integer, ValueError if it is below 1 or above 2**31 - 1.
    """

    _settings = ("in_features", "out_features", "bias")

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        """See the class."""
        self.in_features = whole_number("in_features", in_features, 1, at_most=LARGEST_COUNT)
        self.out_features = whole_number("out_features", out_features, 1, at_most=LARGEST_COUNT)
        bound = 1 / math.sqrt(self.in_features)
        self.weight = _arrays.uniform((self.out_features, self.in_features), bound)
        self.bias = _arrays.uniform((self.out_features,), bound) if bias else None

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of shape (..., out_features).

        input: shape (..., in_features), else ValueError. Each output is one node, as of ``dot``.
        """
        return _arrays.rows(
            lambda row: linear(row, self.weight, self.bias), _arrays.array("input", input)
        )


class Embedding(TypedModule):
    """A table of rows that are learned, looked up by their number.

    num_embeddings: how many rows. embedding_dim: how long each is. Both are at least 1. The parameter
    is ``weight``, an array of shape (num_embeddings, embedding_dim), drawn from the normal
    distribution of mean 0 and deviation 1.

    Raises TypeError if a size is not an integer, ValueError if it is below 1 or above 2**31 - 1.
    """

    _settings = ("num_embeddings", "embedding_dim")

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        """See the class."""
        self.num_embeddings = whole_number(
            "num_embeddings", num_embeddings, 1, at_most=LARGEST_COUNT
        )
        self.embedding_dim = whole_number("embedding_dim", embedding_dim, 1, at_most=LARGEST_COUNT)
        shape = (self.num_embeddings, self.embedding_dim)
        self.weight = _arrays.drawn(shape, lambda: random.gauss(0, 1))

    def forward(self, input: ArrayLike) -> Array:
        """Return the rows, an array of shape (..., embedding_dim): the parameters themselves.

        input: an int from 0, or an array or list of them. Raises TypeError for anything else,
        IndexError for a number of no row.
        """
        wanted = "input must be the numbers of rows, ints from 0"
        try:
            places = np.asarray(input)
        except ValueError as error:
            raise TypeError(f"{wanted}: {error}") from None
        if places.dtype.kind not in "iu":
            raise TypeError(f"{wanted}, not {kind(input)} of {places.dtype}")
        wrong = places[(places < 0) | (places >= self.num_embeddings)]
        if wrong.size:
            most = self.num_embeddings - 1
            raise IndexError(f"input must be from 0 to {most}, got {wrong.flat[0]}")
        found: Array = self.weight[places]
        return found
