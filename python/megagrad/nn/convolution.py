"""Convolutions: one linear map on every window of a signal or an image."""

import math

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import LARGEST_COUNT, whole_number
from megagrad.functional import linear
from megagrad.module import TypedModule
from megagrad.nn._windows import Sizes, sizes, windows

__all__ = ["Conv1d", "Conv2d"]


class _Convolution(TypedModule):
    _settings = (
        *("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation"),
        "bias",
    )
    _dimensions = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        bias: bool = True,
    ) -> None:
        """See the class."""
        count = self._dimensions
        self.in_channels = whole_number("in_channels", in_channels, 1, at_most=LARGEST_COUNT)
        self.out_channels = whole_number("out_channels", out_channels, 1, at_most=LARGEST_COUNT)
        self.kernel_size = sizes("kernel_size", kernel_size, count, 1)
        self.stride = sizes("stride", stride, count, 1)
        self.padding = sizes("padding", padding, count, 0)
        self.dilation = sizes("dilation", dilation, count, 1)
        bound = 1 / math.sqrt(self.in_channels * math.prod(self.kernel_size))
        shape = (self.out_channels, self.in_channels, *self.kernel_size)
        self.weight = _arrays.uniform(shape, bound)
        self.bias = _arrays.uniform((self.out_channels,), bound) if bias else None

    def forward(self, input: ArrayLike) -> Array:
        """Return the outputs, channels first; each is one node, as of ``functional.dot``.

        input: of one example or a batch, as the class says. Raises ValueError for another shape, and for
        an input that is smaller than the kernel.
        """
        count = self._dimensions
        x = _arrays.array("input", input, count + 1, count + 2)
        if x.shape[-1 - count] != self.in_channels:
            raise ValueError(f"input must have {self.in_channels} channels, got shape {x.shape}")
        found = windows(x, self.kernel_size, self.stride, self.padding, self.dilation, 0.0)
        found = np.moveaxis(found, -1 - 2 * count, -1 - count)  # the channels beside the kernel
        rows = found.reshape(*found.shape[: -1 - count], -1)
        weight = self.weight.reshape(self.out_channels, -1).tolist()
        bias = None if self.bias is None else self.bias.tolist()
        outputs = _arrays.rows(lambda row: linear(row, weight, bias), rows)
        return np.moveaxis(outputs, -1, -1 - count)


class Conv1d(_Convolution):
    """A convolution of signals: weighted sums of what is in a window, wherever it stands.

    in_channels, out_channels: how many signals go in and come out, at least 1. kernel_size: the
    window's size. stride: how far apart the windows are. padding: how many zeros are added at both ends.
    dilation: how far apart a window's elements are. bias: False leaves it out. The input has the shape
    (in_channels, length) or (N, in_channels, length).

    The parameters are ``weight``, of shape (out_channels, in_channels, kernel_size), and ``bias``,
    drawn as PyTorch does. Raises TypeError if a size is not an integer, ValueError if it is too small.
    """

    _dimensions = 1


class Conv2d(_Convolution):
    """A convolution of images: weighted sums of what is in a window, wherever it stands.

    in_channels, out_channels: how many images go in and come out, at least 1. kernel_size: the window's
    size, an int or (height, width), and so are the others. stride: how far apart the windows are.
    padding: how many zeros are added on each side. dilation: how far apart a window's elements are.
    bias: False leaves it out. The input has the shape (in_channels, height, width) or (N, in_channels,
    height, width)::

        from megagrad import nn

        print(nn.Conv2d(1, 4, kernel_size=3)([[[0.0] * 8] * 8]).shape)  # (4, 6, 6)

    The parameters are ``weight``, of shape ``(out_channels, in_channels, *kernel_size)``, and ``bias``,
    drawn as PyTorch does. Raises TypeError if a size is not an integer, ValueError if it is too small.
    """

    _dimensions = 2
