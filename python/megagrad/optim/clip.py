"""Gradients kept within bounds before a step."""

import math
from collections.abc import Iterable

from megagrad._checks import kind, real_number
from megagrad._core import clamp_gradients, gradient_norm, scale_gradients
from megagrad.engine import Value

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(
    parameters: Value | Iterable[Value],
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale the gradients down so that their norm, as one vector, is at most max_norm.

    parameters: a Value or several. norm_type: which p-norm; ``math.inf``, or ``'inf'``,
    is the largest gradient.
    Returns the norm before. The factor is ``max_norm / (norm + 1e-6)`` where that is below 1, as in
    PyTorch, whose rule this is: Pascanu et al., "On the difficulty of training recurrent neural
    networks" (2013), algorithm 1.

    Raises TypeError for what is neither a Value nor a number where one should be, ValueError for
    another string or a max_norm below 0, and RuntimeError, as PyTorch does, if error_if_nonfinite and the norm is infinite or NaN: then nothing has changed.
    """
    values = _listed(parameters)
    limit = real_number("max_norm", max_norm, at_least=0)
    norm = gradient_norm(values, _order(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(
            f"the norm of order {norm_type} of the gradients is {norm}, so they cannot be clipped; "
            "error_if_nonfinite=False scales them by it all the same"
        )
    factor = limit / (norm + 1e-6)
    if not factor >= 1:
        scale_gradients(values, factor)
    return norm


def clip_grad_value_(parameters: Value | Iterable[Value], clip_value: float) -> None:
    """Bound every gradient to the range from -clip_value to clip_value.

    parameters: a Value or several. Raises TypeError for what is neither a Value nor a number where
    one should be, and ValueError for a clip_value below 0.
    """
    clamp_gradients(_listed(parameters), real_number("clip_value", clip_value, at_least=0))


def _listed(parameters: Value | Iterable[Value]) -> list[Value]:
    if isinstance(parameters, Value):
        return [parameters]
    if not isinstance(parameters, Iterable):
        raise TypeError(f"parameters must be a Value or a list of them, not {kind(parameters)}")
    return list(parameters)


def _order(norm_type: float | str) -> float:
    """PyTorch takes the string 'inf', too."""
    if isinstance(norm_type, str):
        if norm_type != "inf":
            raise ValueError(f"norm_type must be a real number or 'inf', got {norm_type!r}")
        return math.inf
    return real_number("norm_type", norm_type)
