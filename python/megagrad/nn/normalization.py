"""Normalisation: inputs shifted and scaled to a mean of 0 and a variance of 1, or so."""

import math
from typing import Any

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import LARGEST_COUNT, real_number, whole_number
from megagrad._core import Value, dot, mean
from megagrad.functional import rms_norm
from megagrad.module import TypedModule

__all__ = ["BatchNorm1d", "LayerNorm", "RMSNorm"]


class _OverLastDimensions(TypedModule):
    """The shape that is normalised over, and a weight for each element of it."""

    def __init__(self, normalized_shape: int | tuple[int, ...], elementwise_affine: bool) -> None:
        """See the class."""
        shape = (
            normalized_shape if isinstance(normalized_shape, list | tuple) else [normalized_shape]
        )
        if not shape:
            raise ValueError("normalized_shape must have at least one size, got none")
        self.normalized_shape = tuple(
            whole_number("normalized_shape", size, 1, at_most=LARGEST_COUNT) for size in shape
        )
        self.elementwise_affine = bool(elementwise_affine)
        self.weight = _arrays.filled(self.normalized_shape, 1.0) if elementwise_affine else None

    def _each_example(self, function: Any, input: ArrayLike) -> Array:
        """Apply a function to what lies along the last dimensions, as one row."""
        x = _arrays.array("input", input)
        if x.shape[-len(self.normalized_shape) :] != self.normalized_shape:
            raise ValueError(
                f"input must have {self.normalized_shape} as its last sizes, not the shape {x.shape}"
            )
        rows = x.reshape(-1, math.prod(self.normalized_shape))
        return _arrays.rows(function, rows).reshape(x.shape)


class LayerNorm(_OverLastDimensions):
    """``(x - mean) / sqrt(variance + eps) * weight + bias``, over the last dimensions (Ba et al. 2016).

    normalized_shape: their sizes, an int for the last one alone. eps: a real number that keeps the
    square root away from 0. elementwise_affine: False leaves out weight and bias, bias=False the
    bias alone; they start as 1 and 0. The input has the shape ``(..., *normalized_shape)``.

    Raises TypeError if a size is not an integer, ValueError if it is below 1.
    """

    _settings = ("normalized_shape", "eps", "elementwise_affine", "bias")

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        """See the class."""
        super().__init__(normalized_shape, elementwise_affine)
        self.eps = real_number("eps", eps)
        has_bias = elementwise_affine and bias
        self.bias = _arrays.filled(self.normalized_shape, 0.0) if has_bias else None

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of the input's shape. Raises ValueError if its last sizes differ."""
        normal = self._each_example(lambda row: _normalized(row, self.eps), input)
        return _scaled(normal, self.weight, self.bias)


class RMSNorm(_OverLastDimensions):
    """``x / sqrt(mean of squares + eps) * weight``, over the last dimensions: ``functional.rms_norm``.

    normalized_shape: their sizes, an int for the last one alone. eps: a real number that keeps the
    square root away from 0; None is 2.2e-16, the relative error of a float. elementwise_affine: False
    leaves out the weight, which starts as 1. The input has the shape ``(..., *normalized_shape)``.

    Raises TypeError if a size is not an integer, ValueError if it is below 1.
    """

    _settings = ("normalized_shape", "eps", "elementwise_affine")

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        """See the class."""
        super().__init__(normalized_shape, elementwise_affine)
        self.eps = None if eps is None else real_number("eps", eps)

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of the input's shape. Raises ValueError if its last sizes differ."""
        eps = float(np.finfo(float).eps) if self.eps is None else self.eps
        normal = self._each_example(lambda row: rms_norm(row, None, eps), input)
        return _scaled(normal, self.weight, None)


class BatchNorm1d(TypedModule):
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` for each channel (Ioffe & Szegedy 2015).

    After ``train()``, as at the start, mean and variance are those of the batch, and the running ones
    move towards them; after ``eval()`` they are the running ones.

    num_features: how many channels. eps: a real number that keeps the square root away from 0. momentum:
    how far the running numbers move at each call, from 0 to 1; None makes them the mean over all calls.
    affine: False leaves out weight and bias, which start as 1 and 0. track_running_stats: False keeps no
    running numbers: those of the batch are always used. The input has the shape (N, num_features) or
    (N, num_features, length).

    Raises TypeError if num_features is not an integer, ValueError if it is below 1.
    """

    _settings = ("num_features", "eps", "momentum", "affine", "track_running_stats")
    running_mean: Array
    running_var: Array
    num_batches_tracked: Array

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        """See the class."""
        self.num_features = whole_number("num_features", num_features, 1, at_most=LARGEST_COUNT)
        self.eps = real_number("eps", eps)
        self.momentum = None if momentum is None else real_number("momentum", momentum)
        self.affine, self.track_running_stats = bool(affine), bool(track_running_stats)
        shape = (self.num_features,)
        self.weight = _arrays.filled(shape, 1.0) if affine else None
        self.bias = _arrays.filled(shape, 0.0) if affine else None
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(shape))
            self.register_buffer("running_var", np.ones(shape))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def forward(self, input: ArrayLike) -> Array:
        """Return an array of the input's shape.

        Raises ValueError for an input of another shape, or in training with one number a channel, and
        TypeError in training while ``record`` runs, unless no running numbers are kept.
        """
        x = _arrays.array("input", input, 2, 3)
        if x.shape[1] != self.num_features:
            raise ValueError(f"input must have {self.num_features} channels, got shape {x.shape}")
        channels = np.moveaxis(x, 1, 0)
        rows = channels.reshape(self.num_features, -1)
        if self.training or not self.track_running_stats:
            if rows.shape[1] < 2:
                raise ValueError(
                    f"input must have two numbers a channel or more, got shape {x.shape}"
                )
            normal = _arrays.rows(lambda row: _normalized(row, self.eps), rows)
            if self.track_running_stats:
                self._track(rows)
        else:
            scale = (self.running_var + self.eps) ** -0.5
            normal = (rows - self.running_mean[:, None]) * scale[:, None]
        shape = (-1,) + (1,) * (channels.ndim - 1)
        affine = (
            None if part is None else part.reshape(shape) for part in (self.weight, self.bias)
        )
        return np.moveaxis(_scaled(normal.reshape(channels.shape), *affine), 0, 1)

    def _track(self, rows: Array) -> None:
        _arrays.refuse_recorded(
            rows,
            "BatchNorm1d cannot be recorded in training, as its running numbers would stay what they "
            "are: use eval() first, or track_running_stats=False",
        )
        numbers = _arrays.data(_arrays.each(lambda value: value, rows))
        self.num_batches_tracked += 1
        step = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean += step * (numbers.mean(axis=1) - self.running_mean)
        self.running_var += step * (numbers.var(axis=1, ddof=1) - self.running_var)


def _normalized(row: list[Any], eps: float) -> list[Value]:
    """Return a row of mean 0 and, but for eps, variance 1."""
    middle = mean(row)
    centred = [x - middle for x in row]
    scale = (dot(centred, centred) / len(row) + eps) ** -0.5
    return [x * scale for x in centred]


def _scaled(x: Array, weight: Array | None, bias: Array | None) -> Array:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias
