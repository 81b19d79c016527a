"""Pooling: the largest or the mean of every window of a signal or an image."""

import math
from functools import reduce
from typing import Any

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._core import Value, as_value
from megagrad.functional import mean
from megagrad.module import TypedModule
from megagrad.nn._windows import Sizes, sizes, windows

__all__ = ["AvgPool2d", "MaxPool1d", "MaxPool2d"]


def _largest(window: list[Any]) -> Value:
    return reduce(Value.maximum, map(as_value, window))


class _Pooling(TypedModule):
    _settings = ("kernel_size", "stride", "padding")
    _dimensions = 2
    _fill = -math.inf

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        """See the class."""
        count = self._dimensions
        self.kernel_size = sizes("kernel_size", kernel_size, count, 1)
        self.stride = self.kernel_size if stride is None else sizes("stride", stride, count, 1)
        self.padding = sizes("padding", padding, count, 0)
        if any(2 * pad > size for pad, size in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(f"padding must be at most half of kernel_size, got {padding}")

    def forward(self, input: ArrayLike) -> Array:
        """Return the pooled input, of one example or a batch, as the class says.

        Raises ValueError for another shape, and for an input that is smaller than the kernel.
        """
        count = self._dimensions
        x = _arrays.array("input", input, count + 1, count + 2)
        found = windows(x, self.kernel_size, self.stride, self.padding, (1,) * count, self._fill)
        rows = found.reshape(*found.shape[:-count], -1)
        return _arrays.rows(lambda row: [self._pooled(row)], rows)[..., 0]

    def _pooled(self, window: list[Any]) -> Value:
        return _largest(window)


class MaxPool1d(_Pooling):
    """The largest of every window of a signal.

    kernel_size: the window's size. stride: how far apart windows are, kernel_size if None. padding: how
    much is added at both ends, of minus infinity. The input has the shape (C, length) or (N, C, length).
    Equal ones share the gradient, as of ``Value.maximum``; PyTorch gives all to the first of them.
    """

    _dimensions = 1


class MaxPool2d(_Pooling):
    """The largest of every window of an image.

    kernel_size: the window's size, an int or (height, width), and so are the others. stride: how far
    apart windows are, kernel_size if None. padding: how much is added on each side, of minus infinity.
    The input has the shape (C, height, width) or (N, C, height, width). Equal ones share the gradient,
    as of ``Value.maximum``; PyTorch gives all to the first of them.
    """


class AvgPool2d(_Pooling):
    """The mean of every window of an image. The arguments are those of MaxPool2d; padding is of zeros."""

    _fill = 0.0

    def _pooled(self, window: list[Any]) -> Value:
        return mean(window)
