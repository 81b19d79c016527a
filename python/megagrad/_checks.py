"""Checks of arguments that more than one module needs."""

import math
import operator

from megagrad.engine import Value

__all__ = ["LARGEST_COUNT", "kind", "positive_number", "real_number", "whole_number"]

# Of what is made one by one, as Values and points are: more would take hours, and all the memory.
LARGEST_COUNT = 2**31 - 1


def kind(thing: object) -> str:
    """Name a thing's type as messages do: in quotes."""
    return f"'{type(thing).__name__}'"


def real_number(name: str, number: float, at_least: float = -math.inf) -> float:
    """Return a number as a float.

    name: the argument's, for the message. number: what a Value can be made of. Raises TypeError if
    it is no real number, OverflowError if it is an int beyond all floats, ValueError if it is too
    small, or NaN where there is a bound.
    """
    try:
        real = Value(number).data
    except TypeError:
        raise TypeError(f"{name} must be a real number, not {kind(number)}") from None
    except OverflowError:
        raise OverflowError(f"{name} must fit into a float, and is too large") from None
    if at_least > -math.inf and not real >= at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {real}")
    return real


def positive_number(name: str, number: float) -> float:
    """Return a number as a float, as real_number does; ValueError unless it is above 0."""
    real = real_number(name, number)
    if not real > 0:
        raise ValueError(f"{name} must be above 0, got {real}")
    return real


def whole_number(
    name: str, number: int, at_least: float = -math.inf, why: str = "", at_most: int | None = None
) -> int:
    """Return a number as an int.

    name: the argument's, for the message. number: an int or what Python takes for one. why: follows
    the lower bound in the message. Raises TypeError if it is no integer, ValueError if it is too
    small or too large.
    """
    try:
        whole = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {kind(number)}") from None
    if whole < at_least:
        raise ValueError(f"{name} must be at least {at_least}{why}, got {_digits(whole)}")
    if at_most is not None and whole > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {_digits(whole)}")
    return whole


def _digits(whole: int) -> str:
    """Python refuses to write down very long numbers."""
    bits = whole.bit_length()
    return str(whole) if bits < 200 else f"one of {bits} bits"
