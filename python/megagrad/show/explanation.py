"""Explaining a graph: every number in it, and what it follows from."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import count
from types import BuiltinFunctionType
from typing import NamedTuple, overload

from megagrad._core import ops
from megagrad.engine import Value
from megagrad.module import Module
from megagrad.show.graph import (
    LIMIT,
    Vertex,
    bound_of,
    label_of,
    names_of,
    printable,
    summary,
    too_many,
    trace,
)

__all__ = ["Explanation", "Passed", "Received", "Step", "explain"]

ROWS = {row.name: row for row in ops()}


class Received(NamedTuple):
    """A share of a node's gradient: the name of the node that passed it on, and how much."""

    user: str
    gradient: float


class Passed(NamedTuple):
    """What a node passes on to an operand: the local derivative times its own gradient.

    operand: its name. formula: of the local derivative, in terms of nodes' names; ``''`` if only
    the number is known. local, gradient: None if the node has a ``_backward`` of the program's own.
    """

    operand: str
    formula: str
    local: float | None
    gradient: float | None


class Step(NamedTuple):
    """A node of an explained graph, as it was then.

    name: its label, the parameter's name, or ``v1``, ``v2``, ... formula: what it was computed by, in
    terms of other nodes' names; ``''`` for a leaf. received: the shares of its gradient that come
    from nodes of this graph. passed: an entry for each operand.
    """

    name: str
    formula: str
    data: float
    grad: float
    received: tuple[Received, ...]
    passed: tuple[Passed, ...]


class Explanation(Sequence[Step]):
    """The steps of a graph, operands first and root last: as text, and as a table in a notebook."""

    def __init__(self, steps: Iterable[Step], heading: str) -> None:
        """Take the steps, and what is to be said of them all."""
        self._steps = tuple(steps)
        self.heading = heading

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        """Return a step, or several."""
        return self._steps[index]

    def __len__(self) -> int:
        """Return how many steps there are; none if the graph was too large."""
        return len(self._steps)

    def __repr__(self) -> str:
        """Return the text that a person reads."""
        return "\n".join([self.heading, *(line for step in self._steps for line in _lines(step))])

    def _repr_html_(self) -> str:
        cells = "".join(f"<th {STYLE}>{title}</th>" for title in TITLES)
        rows = "".join(map(_html_row, self._steps))
        table = f"<table><tr>{cells}</tr>{rows}</table>" if self._steps else ""
        return f"<p>{escape(self.heading)}</p>{table}"


def explain(
    root: Value,
    *,
    parameters: Module | Iterable[Value] = (),
    depth: int | None = None,
    limit: int | None = LIMIT,
) -> Explanation:
    """Explain every number of the graph that ``root`` was computed by.

    For each node, operands first: the formula and its result; the gradient, and from which nodes it
    came; and for each operand the local derivative, as a formula and as a number, and the product of that
    and the gradient, which is what the chain rule adds to the operand's gradient. ``print`` it, or let a
    notebook show it as a table; its items are the steps.

    root: a Value, best after ``root.backward()``. parameters: a Module, whose parameters get their names, or
    Values. depth: how many ops away from the root to go, None for all. limit: a graph of more nodes
    is only counted; None explains it all.

    Local derivatives are those at the operands' data as they are now. Raises TypeError and ValueError
    for other arguments than these.
    """
    names, limit = names_of(parameters), bound_of("limit", limit)
    vertices = trace(root, depth, limit)
    if vertices is None:
        return Explanation([], summary(root, too_many(limit)))
    named = _named(vertices, names)
    passed = {vertex.value: _passed(vertex, named) for vertex in vertices}
    received = defaultdict(list)
    for vertex in reversed(vertices):
        for operand, share in zip(vertex.operands, passed[vertex.value], strict=True):
            if share.gradient is not None:
                received[operand].append(Received(named[vertex.value], share.gradient))
    steps = [
        Step(
            named[vertex.value],
            _formula(vertex, named),
            vertex.value.data,
            vertex.value.grad,
            tuple(received[vertex.value]),
            passed[vertex.value],
        )
        for vertex in vertices
    ]
    return Explanation(steps, _heading(steps))


def _named(vertices: Sequence[Vertex], names: Mapping[Value, str]) -> dict[Value, str]:
    """Give each node a name that no other one has."""
    labels = {vertex.value: label_of(vertex.value, names) for vertex in vertices}
    taken = set(labels.values())
    numbered = (f"v{n}" for n in count(1))
    named: dict[Value, str] = {}
    given: set[str] = set()
    for value, label in labels.items():
        if label and label not in given:
            named[value] = label
        else:
            others = (f"{label}#{n}" for n in count(2)) if label else numbered
            named[value] = next(name for name in others if name not in taken)
            taken.add(named[value])
        given.add(label)
    return named


def _formula(vertex: Vertex, named: Mapping[Value, str]) -> str:
    operands = [_term(named[operand]) for operand in vertex.operands]
    row = ROWS.get(vertex.name)
    if vertex.is_cut:
        operands = ["..."] * (2 if row and row.kind == "infix" and not _exponent(vertex) else 1)
    if not operands:
        return ""
    if row is None:
        return f"{printable(vertex.op) or 'op'}({', '.join(operands)})"
    if row.name == "neg":
        return f"-{operands[0]}"
    if row.kind == "infix":
        return f" {row.label} ".join(
            [*operands, _exponent(vertex)] if len(operands) == 1 else operands
        )
    return f"{row.name}({', '.join(operands)})"


def _term(name: str) -> str:
    """Return a name as it is written within a formula."""
    return name if re.fullmatch(r"[\w.#]+", name) else f"({name})"


def _exponent(vertex: Vertex) -> str:
    """Return the plain exponent, which is part of the op's label; ``''`` for other nodes."""
    return printable(vertex.op[2:]) if vertex.name == "pow" and len(vertex.operands) < 2 else ""


def _passed(vertex: Vertex, named: Mapping[Value, str]) -> tuple[Passed, ...]:
    value, operands = vertex.value, vertex.operands
    if not operands:
        return ()
    partials = value._local_grads
    has_own_rule = not isinstance(value._backward, BuiltinFunctionType)
    if has_own_rule or len(partials) != len(operands):
        return tuple(Passed(named[operand], "", None, None) for operand in operands)
    formulas = _derivatives(vertex, named, partials)
    return tuple(
        Passed(
            named[operand], formula, local, 0.0 if 0 in (local, value.grad) else local * value.grad
        )
        for operand, formula, local in zip(operands, formulas, partials, strict=True)
    )


def _derivatives(
    vertex: Vertex, named: Mapping[Value, str], partials: Sequence[float]
) -> Sequence[str]:
    """Return the op table's formulas of the local derivatives, with the nodes' names filled in."""
    row = ROWS.get(vertex.name)
    if row is None:
        return [""] * len(partials)
    words = dict(zip("xy", (_term(named[operand]) for operand in vertex.operands), strict=False))
    words["z"] = _term(named[vertex.value])
    words.setdefault("y", row.parameter or _exponent(vertex))
    return [
        re.sub(r"\b[xyz]\b", lambda word: words[word[0]], _usual(formula, local))
        for formula, local in zip((row.dx, row.dy), partials, strict=False)
    ]


_FACTOR = r"\w+(?:\([^()]*\))?"


def _usual(formula: str, local: float) -> str:
    """Leave out what a formula says of special cases: ``where(y == 0, 0, ...)``, ``share(a, b)``."""
    special = re.fullmatch(
        r"where\([xy] == 0[^,]*, (?:0|share\([^,]*, 1 / [^,]*\)), (.*pow.*)\)", formula
    )
    usual = special[1] if special and local != 0 else formula
    return re.sub(rf"share\(({_FACTOR}), ({_FACTOR})\)", r"\1 * \2", usual)


def _heading(steps: Sequence[Step]) -> str:
    nodes = f"{len(steps)} nodes, operands first" if len(steps) > 1 else "One node"
    if not any(step.grad for step in steps):
        return f"{nodes}. All gradients are 0: backward() on the last one computes them."
    if len(steps) == 1 and not steps[0].formula:
        return f"{nodes}, a leaf. To see where its gradient is from, explain what it went into."
    more = next((step.name for step in steps if step.formula and _has_more(step)), "")
    if more:
        return (
            f"{nodes}. The gradient of {more} has more in it than came from these nodes: backward() "
            "ran twice, or on something else, too."
        )
    return f"{nodes}."


def _has_more(step: Step) -> bool:
    """Tell whether there is more in a node's gradient than what these nodes passed on to it."""
    shares = [share.gradient for share in step.received]
    rest = step.grad - sum(shares)
    return bool(shares) and abs(rest) > 1e-9 * sum(map(abs, [step.grad, *shares]))


# --- as text, and as HTML -----------------------------------------------------------------------

STYLE = 'style="text-align: left; padding-right: 1em"'
TITLES = ("node", "data", "grad", "local derivatives", "passes on")


def _lines(step: Step) -> list[str]:
    equation = f"{step.name} = {step.formula} = " if step.formula else f"{step.name} = "
    indent = " " * 4
    locals_ = [_local_derivative(step, passed) for passed in step.passed]
    width = max(map(len, locals_), default=0)
    return [
        f"{equation}{_digits(step.data)}",
        f"{indent}{step.name}.grad = {_gradient(step)}",
        *(
            f"{indent}{local:{width}}   {_contribution(step, passed)}".rstrip()
            for local, passed in zip(locals_, step.passed, strict=True)
        ),
    ]


def _html_row(step: Step) -> str:
    columns = (
        [f"{step.name} = {step.formula}" if step.formula else step.name],
        [_digits(step.data)],
        [_gradient(step)],
        [_local_derivative(step, passed) for passed in step.passed],
        [_contribution(step, passed) for passed in step.passed],
    )
    cells = ("<br>".join(map(escape, lines)) for lines in columns)
    return f"<tr>{''.join(f'<td {STYLE}>{cell}</td>' for cell in cells)}</tr>"


def _gradient(step: Step) -> str:
    """Return the gradient as the sum of what was received."""
    grad = _digits(step.grad)
    if not step.received:
        return grad
    users = ", ".join(share.user for share in step.received)
    total = sum(share.gradient for share in step.received)
    if not _are_close(total, step.grad):
        return f"{grad}, of which {_digits(total)} from {users}"
    if len(step.received) == 1:
        return f"{grad} from {users}"
    return f"{' + '.join(_digits(share.gradient) for share in step.received)} = {grad} from {users}"


def _are_close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(a) and math.isnan(b))


def _local_derivative(step: Step, passed: Passed) -> str:
    derivative = f"d{step.name}/d{passed.operand}"
    if passed.local is None:
        return f"{derivative}: known to its own _backward"
    local = _digits(passed.local)
    formula = f"{passed.formula} = " if passed.formula not in ("", local) else ""
    return f"{derivative} = {formula}{local}"


def _contribution(step: Step, passed: Passed) -> str:
    if passed.local is None or passed.gradient is None:
        return ""
    product = f"{_digits(passed.local)} * {_digits(step.grad)} = {_digits(passed.gradient)}"
    return f"{passed.operand}.grad += {product}"


def _digits(number: float) -> str:
    return f"{number + 0.0:.6g}"
