"""Whether there are rows: what tells a single sequence of Values from a list or array of them."""

from typing import Any

from megagrad._core import Value

__all__ = ["is_nested"]


def is_nested(x: Any) -> bool:
    """Tell whether x is a list or array of rows, not of Values and numbers."""
    if isinstance(x, list | tuple):
        return bool(x) and not isinstance(x[0], Value) and is_row(x[0])
    return bool(getattr(x, "ndim", 1) > 1)


def is_row(x: Any) -> bool:
    """Tell whether x has items, as lists and arrays have."""
    return isinstance(x, list | tuple) or getattr(x, "ndim", 0) > 0
