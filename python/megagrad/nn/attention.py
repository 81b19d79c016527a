"""Attention: each position takes up the values of others, by how well its query fits their keys."""

import math
from typing import Any

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import LARGEST_COUNT, whole_number
from megagrad.functional import linear
from megagrad.functional.attention import added, attend
from megagrad.module import TypedModule
from megagrad.nn.linear import Linear

__all__ = ["MultiheadAttention"]


class MultiheadAttention(TypedModule):
    """Several attentions side by side, each over a part of the features (Vaswani et al. 2017).

    embed_dim: how many features a position has. num_heads: how many attentions; it divides embed_dim.
    bias: False leaves them out. batch_first: whether a batch comes before its positions. The parameters are
    ``in_proj_weight`` (of queries, keys and values, one after the other), ``in_proj_bias``,
    ``out_proj.weight`` and ``out_proj.bias``, drawn as PyTorch does::

        from megagrad import nn

        x = [[0.5, 1.0], [2.0, -1.0], [0.0, 3.0]]
        outputs, weights = nn.MultiheadAttention(embed_dim=2, num_heads=1)(x, x, x)
        print(outputs.shape, weights.shape)  # (3, 2) (3, 3)

    Raises TypeError if a size is not an integer, ValueError if it is below 1 or num_heads does not
    divide embed_dim.
    """

    _settings = ("embed_dim", "num_heads", "bias", "batch_first")

    def __init__(
        self, embed_dim: int, num_heads: int, *, bias: bool = True, batch_first: bool = False
    ) -> None:
        """See the class."""
        self.embed_dim = whole_number("embed_dim", embed_dim, 1, at_most=LARGEST_COUNT)
        self.num_heads = whole_number("num_heads", num_heads, 1, at_most=LARGEST_COUNT)
        if self.embed_dim % self.num_heads:
            raise ValueError(f"num_heads must divide embed_dim, got {num_heads} and {embed_dim}")
        self.batch_first = bool(batch_first)
        shape = (3 * self.embed_dim, self.embed_dim)
        self.in_proj_weight = _arrays.uniform(shape, math.sqrt(6 / sum(shape)))
        self.in_proj_bias = _arrays.filled(shape[:1], 0.0) if bias else None
        self.out_proj = Linear(self.embed_dim, self.embed_dim, bias)
        if self.out_proj.bias is not None:
            for value in self.out_proj.bias:
                value.data = 0.0

    @property
    def bias(self) -> bool:
        """Whether there are biases."""
        return self.in_proj_bias is not None

    def extra_repr(self) -> str:
        """Return nothing, as PyTorch does: the repr shows ``out_proj`` alone."""
        return ""

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike,
        value: ArrayLike,
        key_padding_mask: ArrayLike | None = None,
        need_weights: bool = True,
        attn_mask: ArrayLike | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Array, Array | None]:
        """Return what each query takes up, and the weights with which it does.

        query: shape (L, embed_dim), or of a batch (L, N, embed_dim), (N, L, embed_dim) if batch_first.
        key, value: the same with S positions. A mask is True where a query must not look, or has floats that
        are added to the scores; ``functional.scaled_dot_product_attention`` takes the opposite bools.
        key_padding_mask: shape (S,), of a batch (N, S). attn_mask: shape (L, S), or (num_heads, L, S), of a
        batch (N * num_heads, L, S). need_weights: False returns None for the weights.
        average_attn_weights: False returns those of each head. is_causal: a hint of PyTorch's that attn_mask
        is causal; it changes nothing.

        The outputs have the query's shape; the weights the shape (L, S), with N and, unless averaged,
        num_heads before. A query that may look nowhere takes up 0, with weights of 0.

        Raises ValueError for other shapes, and for is_causal without attn_mask, TypeError for a mask of ints.
        """
        if is_causal and attn_mask is None:
            raise ValueError("is_causal says what attn_mask is, which must be given")
        given = _alike(query, key, value, self.batch_first)
        q, k, v = (self._heads(place, x) for place, x in enumerate(given))
        mask = self._mask(
            key_padding_mask, attn_mask, (*q.shape[:3], k.shape[2]), given[0].ndim == 3
        )
        taken, weights = attend(q, k, v, mask)
        outputs = self.out_proj(np.swapaxes(taken, 1, 2).reshape(len(q), -1, self.embed_dim))
        if average_attn_weights and need_weights:
            weights = weights.sum(axis=1) / self.num_heads
        if given[0].ndim == 2:
            outputs, weights = outputs[0], weights[0]
        elif not self.batch_first:
            outputs = np.swapaxes(outputs, 0, 1)
        return outputs, weights if need_weights else None

    def _heads(self, place: int, x: Array) -> Array:
        """Return the queries, keys or values of shape (N, num_heads, L, features of a head)."""
        if x.shape[-1] != self.embed_dim or x.size == 0:
            wanted = f"must have {self.embed_dim} features, and at least one position"
            raise ValueError(f"{_NAMES[place]} {wanted}, not the shape {x.shape}")
        if x.ndim == 2:
            x = x[None]
        elif not self.batch_first:
            x = np.swapaxes(x, 0, 1)
        part = slice(place * self.embed_dim, (place + 1) * self.embed_dim)
        weight = self.in_proj_weight[part].tolist()
        bias = None if self.in_proj_bias is None else self.in_proj_bias[part].tolist()
        found = _arrays.rows(lambda row: linear(row, weight, bias), x)
        return np.swapaxes(found.reshape(*x.shape[:2], self.num_heads, -1), 1, 2)

    def _mask(self, padding: Any, mask: Any, shape: tuple[int, ...], batched: bool) -> Array | None:
        """Return both masks as one that broadcasts to shape, (N, num_heads, L, S); None for none."""
        count, heads, queries, keys = shape
        parts = []
        if mask is not None:
            shapes = ((queries, keys), (count * heads, queries, keys))
            found = _fitting("attn_mask", mask, shapes)
            parts.append(found if found.ndim == 2 else found.reshape(shape))
        if padding is not None:
            found = _fitting("key_padding_mask", padding, ((count, keys) if batched else (keys,),))
            parts.append(found.reshape(count, 1, 1, keys))
        return sum(parts[1:], parts[0]) if parts else None


_NAMES = ("query", "key", "value")


def _alike(query: ArrayLike, key: ArrayLike, value: ArrayLike, batch_first: bool) -> list[Array]:
    """Return the three as arrays. Raises ValueError unless they fit one another."""
    given = zip(_NAMES, (query, key, value), strict=True)
    found = [_arrays.array(name, x, 2, 3) for name, x in given]
    shapes = q, k, v = [x.shape for x in found]
    batch = 0 if batch_first else 1
    if len({*map(len, shapes)}) > 1:
        raise ValueError(f"query, key and value must all be of a batch, or none, not {shapes}")
    if k[:-1] != v[:-1] or (len(q) == 3 and q[batch] != k[batch]):
        raise ValueError(
            "key and value must have one length, and all three one batch size, not the shapes "
            f"{q}, {k} and {v}"
        )
    return found


def _fitting(name: str, mask: ArrayLike, shapes: tuple[tuple[int, ...], ...]) -> Array:
    found = added(name, mask, hidden=True)
    if found.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must have the shape {wanted}, not {found.shape}")
    return found
