"""Whether there are rows: what tells a single sequence of Values from a list or array of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from megagrad._core import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from megagrad._core import _Numbers

    Rows: TypeAlias = Iterable[list[Any] | tuple[Any, ...] | NDArray[Any]]
    Nested: TypeAlias = _Numbers | Rows

__all__ = ["is_nested", "is_row"]


def is_nested(x: Any) -> bool:
    """Tell whether x is a list or array of rows, not of Values and numbers."""
    if isinstance(x, list | tuple):
        return bool(x) and all(not isinstance(item, Value) and is_row(item) for item in x)
    return bool(getattr(x, "ndim", 1) > 1)


def is_row(x: Any) -> bool:
    """Tell whether x has items, as lists and arrays have."""
    return isinstance(x, list | tuple) or getattr(x, "ndim", 0) > 0
