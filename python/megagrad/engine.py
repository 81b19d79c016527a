"""The engine under micrograd's name: ``from megagrad.engine import Value``."""

from megagrad._core import Value
from megagrad._numpy_functions import array_function, array_ufunc

__all__ = ["Value"]

TYPE_CHECKING = False  # typing's, whose import would take longer than all else here
if TYPE_CHECKING:
    from megagrad._core import _Number


def _repr_html_(self: Value) -> str:
    """Show the value in a notebook, as drawings show a node: without looking at its operands."""
    from html import escape

    # From the repr, which may be shown while record() runs, where a number may not be read.
    cells = [part.replace("=", " ") for part in Value.__repr__(self)[6:-1].split(", ")]
    if self.label:
        cells.insert(0, f"<b>{escape(self.label)}</b>")
    if self._op:
        cells.append(f"op {escape(self._op)}")
    return f"<table><tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr></table>"


def clip(
    self: Value,
    min: "Value | _Number | None" = None,
    max: "Value | _Number | None" = None,
) -> Value:
    """Return the nearest number from min to max: ``self.maximum(min).minimum(max)``.

    min, max: Values or real numbers; None for no bound. If min is above max, the result is max. At a
    bound, half of the gradient passes, as of ``maximum`` and ``minimum``; beyond it, none::

        from megagrad import Value

        x = Value(3.0)
        print(x.clip(-1, 1))  # Value(data = 1.0000)
        print(x.clip(min=0))  # Value(data = 3.0000)

    Raises TypeError for anything else.
    """
    at_least = self if min is None else self.maximum(min)
    return at_least if max is None else at_least.minimum(max)


Value.clip = clip  # type: ignore[method-assign]
Value._repr_html_ = _repr_html_  # type: ignore[method-assign]
Value.__array_ufunc__ = array_ufunc  # type: ignore[method-assign]
Value.__array_function__ = array_function  # type: ignore[method-assign]
