"""Bulk operations on sequences of Values and numbers, and losses: one call for each.

What a program would write as a loop over Values is one call here, with the same operations in the
same order: results are the same to the last bit, and gradients up to rounding, as they may be added
up in another order. ``dot`` and ``sum`` make one node, which unfolds into those that the loop would
have made as soon as someone looks at its operands. Names are PyTorch's. Sequences are lists, tuples,
iterators or NumPy arrays of one dimension.
"""

from megagrad._core import (
    dot,
    hinge,
    log_softmax,
    logsumexp,
    mean,
    rms_norm,
    softmax,
    sum,  # noqa: A004
)
from megagrad.functional.attention import scaled_dot_product_attention
from megagrad.functional.choice import clip, maximum, minimum, where
from megagrad.functional.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
)
from megagrad.functional.maps import linear, matmul

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "clip",
    "cross_entropy",
    "dot",
    "hinge",
    "huber_loss",
    "l1_loss",
    "linear",
    "log_softmax",
    "logsumexp",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "mse_loss",
    "nll_loss",
    "rms_norm",
    "scaled_dot_product_attention",
    "softmax",
    "sum",
    "where",
]
