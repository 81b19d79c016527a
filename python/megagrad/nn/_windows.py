"""The windows of a signal or an image: what a convolution and a pooling go over."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from megagrad._arrays import Array
from megagrad._checks import LARGEST_COUNT, whole_number

__all__ = ["Sizes", "sizes", "windows"]

Sizes: TypeAlias = int | Sequence[int]


def sizes(name: str, given: Sizes, count: int, at_least: int) -> tuple[int, ...]:
    """Return a size for each of ``count`` dimensions, from one for all of them or one for each.

    Raises TypeError for anything but ints, ValueError for another number of them or one that is too
    small.
    """
    each: Sequence[Any] = given if isinstance(given, list | tuple) else [given] * count
    if len(each) != count:
        raise ValueError(f"{name} must be an int or {count} of them, got {len(each)}")
    return tuple(whole_number(name, size, at_least, at_most=LARGEST_COUNT) for size in each)


def windows(
    x: Array,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    fill: float,
) -> Array:
    """Return a view of the windows over the last dimensions of x.

    kernel: their sizes. stride: how far apart they are. padding: how much is added on both sides, of
    the number ``fill``. dilation: how far apart a window's elements are. Returns shape
    (…, places, kernel). Raises ValueError for an x that is smaller than a window.
    """
    count = len(kernel)
    if any(padding):
        around = [(0, 0)] * (x.ndim - count) + [(size, size) for size in padding]
        x = np.pad(x, around, constant_values=fill)
    spans = tuple((size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True))
    if any(size < span for size, span in zip(x.shape[-count:], spans, strict=True)):
        raise ValueError(
            f"input must be at least as large as a window, {spans}, not {x.shape[-count:]}"
        )
    found = sliding_window_view(x, spans, axis=tuple(range(-count, 0)))
    places: Any = (..., *[slice(None, None, step) for step in (*stride, *dilation)])
    view: Array = found[places]
    return view
