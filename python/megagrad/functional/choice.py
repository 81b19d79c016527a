"""A choice between two Values."""

from megagrad._core import Value, as_value

__all__ = ["where"]


def where(condition: Value | float, x: Value | float, y: Value | float) -> Value:
    """``x`` where ``condition`` is not 0, else ``y``: a choice that recorded programs keep open.

    condition: a Value, as comparisons like ``a.less(b)`` give it; or a plain number or bool, which
    chooses at once. x, y: Values or real numbers; only the chosen one gets a gradient, and an
    infinity or NaN in the other does no harm. NaN is not 0, as in NumPy.

    Raises TypeError for anything else.
    """
    condition, x, y = (as_value(each) for each in (condition, x, y))
    return x.when(condition) + y.unless(condition)
