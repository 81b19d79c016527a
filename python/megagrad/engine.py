"""The engine under micrograd's name: ``from megagrad.engine import Value``."""

from megagrad._core import Value

__all__ = ["Value"]


def _repr_html_(self: Value) -> str:
    """Show the value in a notebook, as drawings show a node: without looking at its operands."""
    from html import escape

    cells = [f"data {self.data!r}", f"grad {self.grad!r}"]
    if self.label:
        cells.insert(0, f"<b>{escape(self.label)}</b>")
    if self._op:
        cells.append(f"op {escape(self._op)}")
    return f"<table><tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr></table>"


Value._repr_html_ = _repr_html_  # type: ignore[method-assign]
