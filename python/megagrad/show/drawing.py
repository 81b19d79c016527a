"""Drawing a graph as micrograd's notebook does: a record for each node, an ellipse for each op."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from megagrad._checks import kind
from megagrad.engine import Value
from megagrad.module import Module
from megagrad.show import lecture
from megagrad.show.graph import (
    LIMIT,
    Vertex,
    bound_of,
    collapse,
    label_of,
    length_of_arrows,
    names_of,
    printable,
    summary,
    too_many,
    trace,
)

if TYPE_CHECKING:
    from megagrad.show.digraph import Digraph

__all__ = ["draw_dot"]

RANKDIRS = ("LR", "TB", "RL", "BT")

# Of all others the operands are numbered: Graphviz draws them in any order.
COMMUTATIVE = ("add", "mul", "maximum", "minimum")

# How many ops arrows may pass, for each node of the limit: Graphviz places so many in three seconds.
REACH = 20

# Tints of Okabe and Ito's palette, which people with any kind of colour vision tell apart.
ROOT, PARAMETER, LEAF, INTERIOR = "#f9d3a5", "#b3e2d1", "#cfe6f7", "white"


def draw_dot(
    root: Value,
    format: str = "svg",
    rankdir: str = "LR",
    *,
    parameters: Module | Iterable[Value] = (),
    collapsed: bool = False,
    as_micrograd: bool = False,
    depth: int | None = None,
    limit: int | None = LIMIT,
) -> Digraph:
    """Draw the graph that ``root`` was computed by.

    Each node is a record with its label, if it has one, its data and its gradient; each op an ellipse
    between its operands and its result. The root is orange, leaves are blue, and parameters green. A
    notebook shows the picture; ``.render("name")`` writes it to a file, ``.source`` is its DOT text.

    root: a Value. format: of the file, such as ``"svg"``, ``"png"`` or ``"pdf"``. rankdir: ``"LR"``
    draws from left to right, ``"TB"`` from top to bottom. parameters: a Module, whose parameters get
    their names as labels, or Values. collapsed: whether to draw a sum of products as one op,
    ``dot``, and a sum of several terms as ``sum``. as_micrograd: whether to draw ``-``, unary minus and ``/``
    as the ``+``, ``*`` and ``**`` that micrograd builds them from. depth: how many ops away from the root to draw, None
    for all; ops whose operands are left out are dashed. limit: a graph of more nodes, or whose arrows
    together pass more than 20 times as many ops, is not drawn, but counted; None draws it, however long
    Graphviz takes.

    Returns a ``graphviz.Digraph``. Raises ImportError if the package graphviz is missing, TypeError and
    ValueError for other arguments than these. Drawing, but not making the Digraph, needs Graphviz's
    program; without it, ``graphviz.ExecutableNotFound`` says how to install it.
    """
    Digraph = _digraph_class()
    for name, word in (("format", format), ("rankdir", rankdir)):
        if not isinstance(word, str):
            raise TypeError(f"{name} must be a str, not {kind(word)}")
    if rankdir not in RANKDIRS:
        raise ValueError(f"rankdir must be one of {', '.join(RANKDIRS)}, got {rankdir!r}")
    dot = Digraph(
        format=format,
        # Without a limit on its simplex, Graphviz takes minutes for a leaf that 100 ops use.
        graph_attr={"rankdir": rankdir, "nslimit": "1", "nslimit1": "1"},
        edge_attr={"labelfontsize": "10", "labeldistance": "1.5"},
    )
    names, limit = names_of(parameters), bound_of("limit", limit)
    vertices = trace(root, depth, limit)
    if vertices is None:
        return _summarised(dot, root, too_many(limit))
    if as_micrograd:
        vertices = lecture.as_micrograd(vertices)
    if collapsed:
        vertices = collapse(vertices, keep=names)
    if limit is not None and (length := length_of_arrows(vertices)) > REACH * limit:
        reason = (
            f"with arrows that pass {length:,} ops, more than {REACH} times the limit of {limit:,}"
        )
        return _summarised(dot, root, reason)
    ids = {vertex.value: f"v{number}" for number, vertex in enumerate(vertices)}
    for vertex in vertices:
        _draw_vertex(dot, vertex, ids, root, names)
    return dot


def _digraph_class() -> type[Digraph]:
    try:
        from megagrad.show.digraph import Digraph
    except ImportError:
        raise ImportError(
            "drawing needs the package graphviz: pip install 'megagrad[viz]'", name="graphviz"
        ) from None
    return Digraph


def _summarised(dot: Digraph, root: Value, reason: str) -> Digraph:
    dot.summary = summary(root, reason)
    dot.node("summary", dot.summary, shape="box")
    return dot


def _draw_vertex(
    dot: Digraph, vertex: Vertex, ids: dict[Value, str], root: Value, names: dict[Value, str]
) -> None:
    value, made_by, op, operands, is_cut = vertex
    is_leaf = not operands and not is_cut
    name = ids[value]
    dot.node(
        name,
        _record(value, label_of(value, names)),
        shape="record",
        style="filled",
        fillcolor=_colour(value, root, names, is_leaf),
        tooltip=_written(repr(value)),
    )
    if is_leaf:
        return
    maker = f"{name}op"
    dot.node(maker, _written(op), style="dashed" if is_cut else None)
    dot.edge(maker, name)
    has_places = len(operands) > 1 and made_by not in COMMUTATIVE
    for place, operand in enumerate(operands, start=1):
        dot.edge(ids[operand], maker, headlabel=f" {place} " if has_places else None)


def _colour(value: Value, root: Value, names: dict[Value, str], is_leaf: bool) -> str:
    if value is root:
        return ROOT
    if value in names:
        return PARAMETER
    return LEAF if is_leaf else INTERIOR


def _record(value: Value, label: str) -> str:
    grad = value.grad + 0.0  # without the sign of -3 times a gradient of 0
    fields = [f"data {_short(value.data)}", f"grad {_short(grad)}"]
    if label:
        escaped = "".join(f"\\{c}" if c in r"\{}|<> " else c for c in _with_all_spaces(label))
        fields.insert(0, _without_entities(escaped))
    return f"{{ {' | '.join(fields)} }}"


def _written(text: str) -> str:
    """Return what makes Graphviz show a text as it is written."""
    from graphviz import escape  # for backslashes and <...>

    shown = _with_all_spaces(printable(text))
    marked: str = escape(_without_entities(shown))  # which str() would undo
    return marked


def _with_all_spaces(text: str) -> str:
    """Keep SVG from leaving out spaces, as it does at the beginning and after another space."""
    return re.sub("(?<![^ ]) ", "\N{NO-BREAK SPACE}", text)


def _without_entities(text: str) -> str:
    """Keep Graphviz from reading ``&lt;`` as a single character."""
    return text.replace("&", "&amp;")


def _short(number: float) -> str:
    """Return micrograd's four decimals where they say enough."""
    is_usual = number == 0 or 1e-3 <= abs(number) < 1e6
    return f"{number:.4f}" if is_usual else f"{number:.4g}"
