"""Arrays of Values, NumPy's arrays of objects: what the modules of ``nn`` hold, take and return."""

import math
import random
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from megagrad._checks import kind
from megagrad.engine import Value

__all__ = [
    "Array",
    "ArrayLike",
    "array",
    "data",
    "drawn",
    "each",
    "filled",
    "numbers",
    "rows",
    "shaped",
    "uniform",
]

Array = npt.NDArray[Any]
ArrayLike = Any  # an array, or numbers and Values in nested lists


def array(name: str, x: ArrayLike, *dimensions: int) -> Array:
    """Return x, Values and numbers in nested lists or arrays, as one array.

    name: the argument's, for the message. dimensions: how many there may be, any if none is named.
    Raises TypeError for a single Value or number, ValueError for rows of several lengths.
    """
    found = _array(name, x)
    if dimensions and found.ndim not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise ValueError(f"{name} must have {wanted} dimensions, not the shape {found.shape}")
    return found


def _array(name: str, x: ArrayLike) -> Array:
    wanted = f"{name} must be an array or list of Values and numbers"
    if not isinstance(x, list | tuple):
        return _of_numpy(wanted, x)
    items = list(x)
    if not any(isinstance(item, list | tuple) or getattr(item, "ndim", 0) > 0 for item in items):
        return shaped(items, (len(items),))  # NumPy's array(x) would ask each item for its own
    rows = [_array(name, item) for item in items]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise ValueError(f"{name} must have rows of one shape, not {sorted(shapes)}")
    if rows[0].ndim > 31:  # NumPy takes 32 or 64 dimensions
        raise ValueError(f"{name} must have at most 31 dimensions")
    return np.stack(rows)


def _of_numpy(wanted: str, x: ArrayLike) -> Array:
    if isinstance(x, Value) or not (hasattr(x, "__array__") or isinstance(x, Iterable)):
        raise TypeError(f"{wanted}, not {kind(x)}")
    try:
        found = np.asarray(x if hasattr(x, "__array__") else list(x))  # PyTorch's tensors, too
    except ValueError as error:
        raise TypeError(f"{wanted}, not {kind(x)}: {error}") from None
    if found.ndim == 0 or found.dtype.kind not in "biufO":
        raise TypeError(f"{wanted}, not {kind(x)} of {found.dtype} and shape {found.shape}")
    return found


def dimension(name: str, dim: int, x: Array) -> int:
    """Return the place of a dimension of x, from 0. Raises IndexError if x has none there."""
    if not -x.ndim <= dim < x.ndim:
        raise IndexError(f"{name} must be from {-x.ndim} to {x.ndim - 1}, got {dim}")
    return dim % x.ndim


def each(op: Callable[[Value], Any], x: Array) -> Array:
    """Apply an op to every element; numbers become Values."""
    values = (v if isinstance(v, Value) else Value(v) for v in x.ravel().tolist())
    return shaped(map(op, values), x.shape)


def rows(function: Callable[[list[Any]], list[Any]], x: Array) -> Array:
    """Apply a function of one row to each along the last dimension. Raises ValueError if none is there."""
    if x.size == 0:
        raise ValueError(f"input must have at least one element, not the shape {x.shape}")
    if x.ndim == 1:
        found = function(x.tolist())
        return shaped(found, (len(found),))
    results = [function(row) for row in x.reshape(-1, x.shape[-1]).tolist()]
    flat = [value for row in results for value in row]
    return shaped(flat, (*x.shape[:-1], len(results[0])))


def shaped(values: Iterable[Any], shape: tuple[int, ...]) -> Array:
    """Make an array of Values in a flat sequence; NumPy's own would ask each of them for items."""
    return np.fromiter(values, object, math.prod(shape)).reshape(shape)


def uniform(shape: tuple[int, ...], bound: float) -> Array:
    """Make an array of parameters, drawn uniformly from -bound to bound with the module ``random``."""
    return drawn(shape, lambda: random.uniform(-bound, bound))


def filled(shape: tuple[int, ...], number: float) -> Array:
    """Make an array of parameters that all start as one number."""
    return drawn(shape, lambda: number)


def drawn(shape: tuple[int, ...], draw: Callable[[], float]) -> Array:
    """Make an array of parameters, each a number that ``draw`` returns."""
    return shaped((Value(draw()) for _ in range(math.prod(shape))), shape)


def data(x: Array) -> Array:
    """Return the numbers of an array of Values, in float64."""
    return np.fromiter((value.data for value in x.flat), np.float64, x.size).reshape(x.shape)


def refuse_recorded(x: Array, why: str) -> None:
    """Raise TypeError with this text if an element depends on an input while ``record`` runs."""
    try:
        for value in x.flat:
            if isinstance(value, Value):
                value.data  # noqa: B018 - which raises then
    except TypeError:
        raise TypeError(why) from None


def is_tensor(x: object) -> bool:
    """Tell whether x is a tensor of PyTorch, without importing it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def numbers(name: str, x: ArrayLike) -> Array:
    """Return real numbers in nested lists, an array or a tensor of PyTorch as a float64 array.

    Raises TypeError for anything else.
    """
    if is_tensor(x):
        x = x.detach().cpu()  # whatever its device and dtype
        x = (x if x.is_complex() else x.double()).numpy()
    try:
        found = np.asarray(x)
    except ValueError as error:  # rows of several lengths
        raise TypeError(f"{name} must be an array of real numbers: {error}") from None
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, not of {found.dtype}")
    return found.astype(np.float64)
