"""Activations as modules, with PyTorch's names and arguments."""

from operator import methodcaller
from typing import Any

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import real_number, whole_number
from megagrad.engine import Value
from megagrad.functional import log_softmax, softmax
from megagrad.module import TypedModule

__all__ = [
    "ELU",
    "GELU",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class _Elementwise(TypedModule):
    """An op on every element. The settings are the op's arguments."""

    _op = ""

    def forward(self, input: ArrayLike) -> Any:
        """Return the op of every element, an array of the same shape; of a Value, a Value."""
        op = methodcaller(self._op, *[getattr(self, name) for name in self._settings])
        if isinstance(input, Value):
            return op(input)
        return _arrays.each(op, _arrays.array("input", input))


class ReLU(_Elementwise):
    """``x`` where it is positive, else 0."""

    _op = "relu"


class Tanh(_Elementwise):
    """The hyperbolic tangent."""

    _op = "tanh"


class Sigmoid(_Elementwise):
    """The logistic function ``1 / (1 + exp(-x))``."""

    _op = "sigmoid"


class Softplus(_Elementwise):
    """``log(1 + exp(x))``, without overflow. PyTorch's is x above 20, which is 2e-9 less."""

    _op = "softplus"


class SiLU(_Elementwise):
    """``x * sigmoid(x)``, also known as swish."""

    _op = "silu"


class GELU(_Elementwise):
    """``x`` times the probability that a normal number is below x: PyTorch's, not its approximation."""

    _op = "gelu"


class LeakyReLU(_Elementwise):
    """``x`` where it is positive, else ``negative_slope * x``. negative_slope: a real number."""

    _op, _settings = "leaky_relu", ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01) -> None:
        """See the class."""
        self.negative_slope = real_number("negative_slope", negative_slope)


class ELU(_Elementwise):
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``. alpha: a real number."""

    _op, _settings = "elu", ("alpha",)

    def __init__(self, alpha: float = 1.0) -> None:
        """See the class."""
        self.alpha = real_number("alpha", alpha)


class _AlongDimension(TypedModule):
    """A function of rows. dim: along which dimension they lie, the last by default."""

    _settings = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        """See the class."""
        self.dim = whole_number("dim", dim)

    def _rows(self, function: Any, input: ArrayLike) -> Array:
        x = _arrays.array("input", input)
        dim = _arrays.dimension("dim", self.dim, x)
        return np.moveaxis(_arrays.rows(function, np.moveaxis(x, dim, -1)), -1, dim)


class Softmax(_AlongDimension):
    """Probabilities from logarithmic odds. dim: along which they sum to 1, the last by default."""

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of the input's shape. Raises IndexError for a dim that it has not."""
        return self._rows(softmax, input)


class LogSoftmax(_AlongDimension):
    """The logarithms of Softmax, accurate where those are tiny. dim: as of Softmax."""

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of the input's shape. Raises IndexError for a dim that it has not."""
        return self._rows(log_softmax, input)
