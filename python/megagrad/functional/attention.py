"""Attention: each query takes up values, by how well it fits their keys."""

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any

from megagrad._checks import real_number
from megagrad._core import Value, softmax
from megagrad.functional.maps import linear

if TYPE_CHECKING:
    from megagrad._arrays import Array
    from megagrad.functional._nesting import Rows

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: "Rows",
    key: "Rows",
    value: "Rows",
    attn_mask: "Rows | None" = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> list[Any]:
    """Return what each query takes up: ``softmax(query @ key.T * scale + mask) @ value``.

    query: L rows of E Values and numbers, as lists or an array. key: S rows of E. value: S rows. All
    three may have the same dimensions before these, such as a batch and heads. attn_mask: L rows of S,
    or what broadcasts to that; bools, of which True is where a query looks, or numbers that are added
    to the scores. A query that may look nowhere takes up 0. is_causal: True is the mask that lets a
    query look at its own place and those before; there must be no other. scale: a number; None is
    ``1 / sqrt(E)``. Returns L rows as nested lists::

        from megagrad import Value
        from megagrad.functional import scaled_dot_product_attention

        x = [[Value(1.0), Value(0.0)], [Value(0.0), Value(2.0)]]
        taken = scaled_dot_product_attention(x, x, x, is_causal=True)
        print([f"{y.data:.4f}" for y in taken[1]])  # ['0.0558', '1.8885']

    Raises ValueError if the shapes do not fit or there are two masks, TypeError for anything but Values
    and real numbers, and for a mask of ints, which could be either kind.
    """
    import numpy as np

    from megagrad import _arrays

    named = {"query": query, "key": key, "value": value}
    q, k, v = (_arrays.array(name, x) for name, x in named.items())
    if is_causal:
        if attn_mask is not None:
            raise ValueError("attn_mask must be None where is_causal is True")
        attn_mask = (
            np.tri(q.shape[-2], k.shape[-2], dtype=bool) if min(q.ndim, k.ndim) > 1 else None
        )
    mask = None if attn_mask is None else added("attn_mask", attn_mask, hidden=False)
    factor = None if scale is None else real_number("scale", scale)
    taken: list[Any] = attend(q, k, v, mask, factor)[0].tolist()
    return taken


def added(name: str, mask: Any, hidden: bool) -> "Array":
    """Return a mask as what is added to the scores: Values and floats.

    hidden: the bool that stands where a query must not look. Ints are refused: a mask of 0 and 1 that
    is meant as bools would be added in silence.
    """
    import numpy as np

    from megagrad import _arrays

    x = _arrays.array(name, mask)
    items = x.ravel().tolist()
    if all(isinstance(item, bool | np.bool_) for item in items):
        return _arrays.shaped((-math.inf if item == hidden else 0.0 for item in items), x.shape)
    if all(isinstance(item, Integral) for item in items):
        raise TypeError(f"{name} must be of bools, or of floats that are added, not of ints")
    numbers = (item if isinstance(item, Value) else real_number(name, item) for item in items)
    return _arrays.shaped(numbers, x.shape)


def attend(
    query: "Array", key: "Array", value: "Array", mask: "Array | None", scale: float | None = None
) -> "tuple[Array, Array]":
    """Return what queries take up, of shape (..., L, V), and the weights of this, of (..., L, S).

    mask: as of ``added``.
    """
    import numpy as np

    from megagrad import _arrays

    shape = _shape_of_weights(query, key, value)
    try:
        masks = np.broadcast_to(0.0 if mask is None else mask, shape)
    except ValueError:
        found = None if mask is None else mask.shape
        raise ValueError(f"attn_mask must have the shape {shape}, not {found}") from None
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scaled = _arrays.each(lambda number: number * factor, query)
    examples = (x.reshape(-1, *x.shape[-2:]).tolist() for x in (scaled, key, value, masks))
    rows = [pair for example in zip(*examples, strict=True) for pair in _attend(*example)]
    taken, weights = ([x for row in part for x in row] for part in zip(*rows, strict=True))
    return _arrays.shaped(taken, (*shape[:-1], value.shape[-1])), _arrays.shaped(weights, shape)


def _shape_of_weights(query: "Array", key: "Array", value: "Array") -> tuple[int, ...]:
    shapes = (query.shape, key.shape, value.shape)
    before = {shape[:-2] for shape in shapes}
    fits = min(map(len, shapes)) > 1 and len(before) == 1 and all(map(math.prod, shapes))
    if not fits or query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ValueError(
            "query, key and value must have the shapes (..., L, E), (..., S, E) and (..., S, V), "
            f"not {query.shape}, {key.shape} and {value.shape}"
        )
    return (*query.shape[:-1], key.shape[-2])


def _attend(
    queries: list[Any], keys: list[Any], values: list[Any], masks: list[Any]
) -> list[tuple[list[Value], list[Value]]]:
    columns = list(zip(*values, strict=True))
    rows = []
    for query, mask in zip(queries, masks, strict=True):
        weights = _weights(linear(query, keys), mask)
        rows.append((linear(weights, columns), weights))
    return rows


def _weights(scores: list[Value], mask: list[Any]) -> list[Value]:
    if all(_is(-math.inf, each) for each in mask):
        return [Value(0.0) for _ in mask]
    return softmax([_masked(score, each) for score, each in zip(scores, mask, strict=True)])


def _masked(score: Value, mask: Value | float) -> Value | float:
    if _is(0.0, mask):
        return score
    return -math.inf if _is(-math.inf, mask) else score + mask


def _is(number: float, mask: Value | float) -> bool:
    """Whether it is this number, and not a Value, which may be another one later."""
    return not isinstance(mask, Value) and mask == number
