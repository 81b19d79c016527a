"""A graph as micrograd builds it: differences, quotients and negatives from ``+``, ``*`` and ``**``."""

from collections.abc import Iterator

from megagrad._core import op_name
from megagrad.engine import Value
from megagrad.show.graph import Vertex

__all__ = ["as_micrograd"]


def as_micrograd(vertices: list[Vertex]) -> list[Vertex]:
    """Replace ``-``, unary minus and ``/`` by the nodes that micrograd makes of them.

    vertices: as ``trace`` lists them. ``a - b`` is ``a + b * -1`` there, ``-b`` is ``b * -1``, and ``a / b`` is
    ``a * b**-1``. The nodes between have the data and gradients that they have in micrograd.
    """
    expanded = [part for vertex in vertices for part in _expanded(vertex)]
    used = {operand for vertex in expanded for operand in vertex.operands}
    return [v for v in expanded if v.value in used or v.name != "number" or v is expanded[-1]]


def _expanded(vertex: Vertex) -> Iterator[Vertex]:
    value, name = vertex.value, vertex.name
    if vertex.is_cut or name not in ("neg", "sub", "div"):
        yield vertex
    elif name == "neg":
        yield from _negative(value, vertex.operands[0])
    elif name == "sub":
        left, right = vertex.operands
        negative = _node(-right.data, value.grad)
        yield from [_leaf(negative)] if _is_number(right) else _negative(negative, right)
        yield Vertex(value, "add", "+", (left, negative), is_cut=False)
    else:
        left, right = vertex.operands
        inverse = _node(right.data**-1, left.data * value.grad)
        power = Vertex(inverse, "pow", "**-1", (right,), is_cut=False)
        yield _leaf(inverse) if _is_number(right) else power
        yield Vertex(value, "mul", "*", (left, inverse), is_cut=False)


def _is_number(value: Value) -> bool:
    """Tell whether it is a plain number, which micrograd negates and inverts before it makes a node."""
    return op_name(value) == "number"


def _leaf(value: Value) -> Vertex:
    return Vertex(value, "leaf", "", (), is_cut=False)


def _negative(value: Value, operand: Value) -> Iterator[Vertex]:
    minus_one = _node(-1.0, operand.data * value.grad)
    yield _leaf(minus_one)
    yield Vertex(value, "mul", "*", (operand, minus_one), is_cut=False)


def _node(data: float, grad: float) -> Value:
    node = Value(data)
    node.grad = grad
    return node
