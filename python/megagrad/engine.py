"""The engine under micrograd's name: ``from megagrad.engine import Value``."""

from megagrad._core import Value
from megagrad._numpy_functions import array_function, array_ufunc

__all__ = ["Value"]


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


Value._repr_html_ = _repr_html_  # type: ignore[method-assign]
Value.__array_ufunc__ = array_ufunc  # type: ignore[method-assign]
Value.__array_function__ = array_function  # type: ignore[method-assign]
