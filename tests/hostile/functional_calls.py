"""Calls of the functions of sequences, and losses."""

from collections.abc import Callable
from typing import Any

from hostile.calls import Rows, numbers
from hostile.check import Call
from megagrad import Value, functional


def elementwise(function: Callable[..., Any], *numbers: float) -> Call:
    """A function that computes with the items of arrays and lists one by one."""

    def compute(*operands: object) -> Any:
        result = function(*operands)
        return result if isinstance(result, Value) else type(result).__name__

    names = ("input", "other/min", "max")[: len(numbers)]
    return Call(compute, tuple(numbers), names=names, arrays_too=True)


FUNCTIONAL: Rows = {
    "binary_cross_entropy_with_logits": lambda: Call(
        functional.binary_cross_entropy_with_logits, (numbers(), [0, 1])
    ),
    "clip": lambda: elementwise(functional.clip, 0.5, 0.25, 1.0),
    "cross_entropy": lambda: Call(functional.cross_entropy, (numbers(), 1)),
    "dot": lambda: Call(functional.dot, (numbers(), [1.0, Value(2.0)], 0.5)),
    "hinge": lambda: Call(functional.hinge, (numbers(), [-1, 1])),
    "log_softmax": lambda: Call(functional.log_softmax, (numbers(),)),
    "logsumexp": lambda: Call(functional.logsumexp, (numbers(),)),
    "maximum": lambda: elementwise(functional.maximum, 0.5, 0.25),
    "mean": lambda: Call(functional.mean, (numbers(),)),
    "minimum": lambda: elementwise(functional.minimum, 0.5, 0.25),
    "mse_loss": lambda: Call(functional.mse_loss, (numbers(), [1.0, Value(2.0)])),
    "rms_norm": lambda: Call(functional.rms_norm, (numbers(), [1.0, 2.0], 1e-5)),
    "softmax": lambda: Call(functional.softmax, (numbers(),)),
    "sum": lambda: Call(functional.sum, (numbers(), 0.5)),
    "where": lambda: Call(functional.where, (Value(1.0), Value(2.0), 3.0)),
}
