"""Bulk operations on sequences of Values and numbers, and losses: one call for each.

What a program would write as a loop over Values is one call here, with the same operations in the
same order: results are the same to the last bit, and gradients up to rounding, as they may be added
up in another order. ``dot`` and ``sum`` make one node, which unfolds into those that the loop would
have made as soon as someone looks at its operands. Names are PyTorch's. Sequences are lists, tuples,
iterators or NumPy arrays of one dimension.
"""

from megagrad._core import (
    Value,
    as_value,
    binary_cross_entropy_with_logits,
    cross_entropy,
    dot,
    hinge,
    log_softmax,
    logsumexp,
    mean,
    mse_loss,
    rms_norm,
    softmax,
    sum,  # noqa: A004
)

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dot",
    "hinge",
    "log_softmax",
    "logsumexp",
    "mean",
    "mse_loss",
    "rms_norm",
    "softmax",
    "sum",
    "where",
]


def where(condition: Value | float, x: Value | float, y: Value | float) -> Value:
    """``x`` where ``condition`` is not 0, else ``y``: a choice that recorded programs keep open.

    condition: a Value, as comparisons like ``a.less(b)`` give it; or a plain number or bool, which
    chooses at once. x, y: Values or real numbers; only the chosen one gets a gradient, and an
    infinity or NaN in the other does no harm. NaN is not 0, as in NumPy.

    Raises TypeError for anything else.
    """
    condition, x, y = (as_value(each) for each in (condition, x, y))
    return x.when(condition) + y.unless(condition)
