"""Checks of arguments that more than one module needs."""

import operator

__all__ = ["whole_number"]


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
