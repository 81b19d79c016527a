"""Checks of arguments that more than one module needs."""

import math
import operator

from megagrad.engine import Value

__all__ = ["real_number", "whole_number"]


def real_number(name: str, number: float, at_least: float = -math.inf) -> float:
    """Return a number as a float.

    name: the argument's, for the message. number: what a Value can be made of. Raises TypeError if
    it is no real number, ValueError if it is too small, or NaN where there is a bound.
    """
    try:
        real = Value(number).data
    except TypeError:
        raise TypeError(f"{name} must be a real number, not '{type(number).__name__}'") from None
    if at_least > -math.inf and not real >= at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {real}")
    return real


def whole_number(name: str, number: int, at_least: int, why: str = "") -> int:
    """Return a number as an int.

    name: the argument's, for the message. number: an int or what Python takes for one. why: follows
    the bound in the message. Raises TypeError if it is no integer, ValueError if it is too small.
    """
    try:
        whole = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not '{type(number).__name__}'") from None
    if whole < at_least:
        raise ValueError(f"{name} must be at least {at_least}{why}, got {whole}")
    return whole
