"""Walking a graph from its root, for those who show it: in topological order, in part, or counted."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

from megagrad._checks import kind, whole_number
from megagrad._core import census, op_name, ops
from megagrad.engine import Value
from megagrad.module import Module

__all__ = [
    "LIMIT",
    "Vertex",
    "bound_of",
    "collapse",
    "label_of",
    "length_of_arrows",
    "names_of",
    "printable",
    "summary",
    "too_many",
    "topological_order",
    "trace",
]

# More nodes than anyone reads.
LIMIT = 400

TITLES = {row.name: row.label for row in ops()} | {
    "leaf": "leaves",
    "number": "plain numbers",
    "custom": "ops of the program's own",
}


class Vertex(NamedTuple):
    """A node as it is shown.

    name: of the op that made it, ``leaf`` and ``custom`` included. op: that op's label, ``''`` for a
    leaf. operands: in their order. is_cut: whether there are more, which are left out as they are too
    far from the root.
    """

    value: Value
    name: str
    op: str
    operands: tuple[Value, ...]
    is_cut: bool


def trace(root: Value, depth: int | None, limit: int | None) -> list[Vertex] | None:
    """List the nodes that ``root`` depends on, operands first and root last; unfolds them.

    depth: only nodes that are at most so many ops away from the root; None for all. limit: the most
    nodes to list; None for no limit. Returns None if there are more.

    Raises TypeError if root is no Value or a bound no integer, ValueError if a bound is negative.
    """
    _check_root(root)
    depth, limit = bound_of("depth", depth), bound_of("limit", limit)
    if depth is None and limit is not None and sum(census(root).values()) > limit:
        return None  # and nothing has unfolded
    operands = _operands_near(root, depth, limit)
    if operands is None:
        return None
    return [
        Vertex(
            value,
            op_name(value),
            value._op,
            operands.get(value, ()),
            is_cut=value not in operands and value._children != (),
        )
        for value in _operands_first(root, lambda value: operands.get(value, ()))
    ]


def topological_order(root: Value) -> list[Value]:
    """List all nodes that ``root`` depends on, operands before their users and root last; unfolds them.

    That is the order of micrograd's ``topo``; ``backward`` goes through it from the end. root: a Value::

        from megagrad import Value, topological_order

        a, b = Value(2.0, label="a"), Value(3.0, label="b")
        print([node.label or node._op for node in topological_order(a * b + a)])  # ['a', 'b', '*', '+']

    Raises TypeError if root is no Value.
    """
    _check_root(root)
    return _operands_first(root, attrgetter("_children"))


def _check_root(root: object) -> None:
    if not isinstance(root, Value):
        if type(root).__name__ == "Value":  # a program's own, or micrograd's
            raise TypeError(f"root must be megagrad's Value, not that of {type(root).__module__}")
        hint = "; take one of its items, such as root[0]" if hasattr(root, "__getitem__") else ""
        raise TypeError(f"root must be a Value, not {kind(root)}{hint}")


def bound_of(name: str, number: int | None) -> int | None:
    """Return a bound as an int. Raises TypeError if it is no integer, ValueError if it is negative."""
    return None if number is None else whole_number(name, number, 0, ", or None")


def _operands_near(
    root: Value, depth: int | None, limit: int | None
) -> dict[Value, tuple[Value, ...]] | None:
    """Return the operands of each node less than ``depth`` ops away from the root."""
    operands: dict[Value, tuple[Value, ...]] = {}
    level, found, distance = [root], {root}, 0
    while level and distance != depth:
        operands.update((value, value._children) for value in level)
        level = list(dict.fromkeys(o for value in level for o in operands[value] if o not in found))
        found.update(level)
        distance += 1
        if limit is not None and len(found) > limit:
            return None
    return operands


def _operands_first(root: Value, operands_of: Callable[[Value], tuple[Value, ...]]) -> list[Value]:
    """Order the nodes depth first, with a stack of its own, as graphs may be deep."""
    order: dict[Value, None] = {}
    entered = {root}
    stack = [(root, iter(operands_of(root)))]
    while stack:
        value, rest = stack[-1]
        following = next((operand for operand in rest if operand not in entered), None)
        if following is None:
            stack.pop()
            order[value] = None
        else:
            entered.add(following)
            stack.append((following, iter(operands_of(following))))
    return list(order)


def collapse(vertices: list[Vertex], keep: Container[Value]) -> list[Vertex]:
    """Make each sum of products one vertex, ``dot``, and each sum of several terms another, ``sum``.

    vertices: as ``trace`` lists them. keep: Values that are of interest; besides them, sums and
    products stay that have a label or are used more than once.
    """
    uses = Counter(operand for vertex in vertices for operand in vertex.operands)
    inner = {
        vertex.value: vertex
        for vertex in vertices
        if vertex.name in ("add", "mul")
        and vertex.operands
        and uses[vertex.value] == 1
        and not vertex.value.label
        and vertex.value not in keep
    }
    merged: set[Value] = set()
    collapsed = []
    for vertex in reversed(vertices):
        if vertex.value in merged:
            continue
        if vertex.name == "add":
            vertex = _merge(vertex, inner, merged)
        collapsed.append(vertex)
    return collapsed[::-1]


def _merge(total: Vertex, inner: dict[Value, Vertex], merged: set[Value]) -> Vertex:
    """Merge into a sum the sums and products that are its terms, and add them to ``merged``."""
    terms: list[Value] = []
    op = total.op
    stack = list(total.operands[::-1])
    while stack:
        term = stack.pop()
        part = inner.get(term)
        if part is None:
            terms.append(term)
            continue
        merged.add(term)
        if part.name == "add":
            stack.extend(part.operands[::-1])
            op = "dot" if op == "dot" else "sum"
        else:
            terms.extend(part.operands)
            op = "dot"
    return total._replace(op=op, operands=tuple(terms))


def length_of_arrows(vertices: list[Vertex]) -> int:
    """Return how many ops all arrows of a drawing pass together: Graphviz makes way for each.

    An op is one place behind the last of its operands, and a leaf one before the first op that uses
    it.
    """
    places: dict[Value, int] = {}
    for vertex in vertices:
        if vertex.operands:
            places[vertex.value] = 1 + max(places.get(operand, 0) for operand in vertex.operands)
    arrows = [(places[v.value], operand) for v in vertices for operand in v.operands]
    for end, operand in sorted(arrows, key=lambda arrow: arrow[0]):
        places.setdefault(operand, end - 1)
    return sum(end - places[operand] for end, operand in arrows)


def names_of(parameters: Module | Iterable[Value]) -> dict[Value, str]:
    """Return the parameters' names in their module; ``''`` for those of a list.

    Raises TypeError if ``parameters`` is neither a Module nor an iterable of Values.
    """
    if isinstance(parameters, Module):
        return {value: name for name, value in parameters.named_parameters()}
    if not isinstance(parameters, Iterable):
        raise TypeError(f"parameters must be a Module or a list of Values, not {kind(parameters)}")
    names: dict[Value, str] = {}
    for value in parameters:
        if not isinstance(value, Value):
            raise TypeError(f"parameters must be Values, got a {kind(value)}")
        names[value] = ""
    return names


def label_of(value: Value, names: Mapping[Value, str]) -> str:
    """Return what a node is called: its label, or else the parameter's name; ``''`` for neither."""
    return printable(str(value.label or names.get(value, "")))


def printable(text: str) -> str:
    """Return a text with what has no glyph, such as a line's end, as an escape sequence."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def summary(root: Value, reason: str) -> str:
    """Say what a graph that is too large to show consists of, and how to see it all the same."""
    counts = census(root)
    parts = sorted(counts.items(), key=lambda part: -part[1])
    return (
        f"{sum(counts.values()):,} nodes, {reason}:\n"
        f"{', '.join(f'{TITLES[name]} {count:,}' for name, count in parts)}.\n"
        "depth=4 shows those next to the root, limit=None all of them."
    )


def too_many(limit: int | None) -> str:
    """Return the reason why ``trace`` returned None."""
    return f"more than the limit of {limit:,}"
