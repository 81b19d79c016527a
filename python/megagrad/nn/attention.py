"""Attention: each position takes up the values of others, by how well its query fits their keys."""

import math
from typing import Any

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import LARGEST_COUNT, whole_number
from megagrad.functional import linear, matmul, softmax
from megagrad.module import Module
from megagrad.nn.linear import Linear

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Several attentions side by side, each over a part of the features (Vaswani et al. 2017).

    embed_dim: how many features a position has. num_heads: how many attentions; it divides embed_dim.
    bias: False leaves them out. batch_first: whether a batch comes before its positions. The parameters are
    ``in_proj_weight`` (of queries, keys and values, one after the other), ``in_proj_bias``,
    ``out_proj.weight`` and ``out_proj.bias``, drawn as PyTorch does.

    Raises TypeError if a size is not an integer, ValueError if it is below 1 or num_heads does not
    divide embed_dim.
    """

    _settings = ("embed_dim", "num_heads", "bias", "batch_first")

    def __init__(
        self, embed_dim: int, num_heads: int, bias: bool = True, batch_first: bool = False
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

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike,
        value: ArrayLike,
        attn_mask: ArrayLike | None = None,
        need_weights: bool = True,
        average_attn_weights: bool = True,
    ) -> tuple[Array, Array | None]:
        """Return what each query takes up, and the weights with which it does.

        query: shape (L, embed_dim), or of a batch (L, N, embed_dim), (N, L, embed_dim) if batch_first.
        key, value: the same with S positions. attn_mask: shape (L, S), True where a query must not look, or
        numbers that are added to the scores. need_weights: False returns None for the weights.
        average_attn_weights: False returns those of each head.

        The outputs have the query's shape; the weights the shape (L, S), with N and, unless averaged,
        num_heads before. Raises ValueError for other shapes.
        """
        parts = [
            self._examples(i, name, x)
            for i, (name, x) in enumerate([("query", query), ("key", key), ("value", value)])
        ]
        mask = None if attn_mask is None else _arrays.array("attn_mask", attn_mask, 2)
        if {len(part) for part in parts} != {len(parts[0])} or len(parts[1][0]) != len(parts[2][0]):
            raise ValueError(
                "query, key and value must have one batch size, key and value one length"
            )
        if mask is not None and mask.shape != (len(parts[0][0]), len(parts[1][0])):
            raise ValueError(f"attn_mask must have a row for each query, got shape {mask.shape}")
        found = [self._attend(q, k, v, mask) for q, k, v in zip(*parts, strict=True)]
        outputs = self.out_proj(np.stack([taken for taken, _ in found]))
        weights = np.stack([each for _, each in found]) if need_weights else None
        if weights is not None and average_attn_weights:
            weights = weights.sum(axis=1) / self.num_heads
        if _arrays.array("query", query).ndim == 2:
            return outputs[0], None if weights is None else weights[0]
        return outputs if self.batch_first else np.swapaxes(outputs, 0, 1), weights

    def _examples(self, place: int, name: str, x: ArrayLike) -> Array:
        """Return the queries, keys or values, of shape (N, L, embed_dim)."""
        found = _arrays.array(name, x, 2, 3)
        if found.shape[-1] != self.embed_dim or found.size == 0:
            raise ValueError(f"{name} must have {self.embed_dim} features, got shape {found.shape}")
        if found.ndim == 2:
            found = found[None]
        elif not self.batch_first:
            found = np.swapaxes(found, 0, 1)
        part = slice(place * self.embed_dim, (place + 1) * self.embed_dim)
        weight = self.in_proj_weight[part].tolist()
        bias = None if self.in_proj_bias is None else self.in_proj_bias[part].tolist()
        return _arrays.rows(lambda row: linear(row, weight, bias), found)

    def _attend(
        self, queries: Array, keys: Array, values: Array, mask: Array | None
    ) -> tuple[Array, Array]:
        """Return what the queries of one example take up, of all heads, and each head's weights."""
        size = self.embed_dim // self.num_heads
        taken, weights = [], []
        for start in range(0, self.embed_dim, size):
            head = slice(start, start + size)
            scaled = queries[:, head] * (1 / math.sqrt(size))
            scores = _product(scaled, keys[:, head].T)
            odds = _arrays.rows(softmax, _masked(scores, mask))
            taken.append(_product(odds, values[:, head]))
            weights.append(odds)
        return np.concatenate(taken, axis=1), np.stack(weights)


def _product(x: Array, y: Array) -> Array:
    return _arrays.array("product", matmul(x.tolist(), y.tolist()))


def _masked(scores: Array, mask: Array | None) -> Any:
    if mask is None:
        return scores
    if all(type(each) in (bool, np.bool_) for each in mask.flat):
        return np.where(mask.astype(bool), -math.inf, scores)
    return scores + mask
