"""Drawings with micrograd's own nodes: those that micrograd makes of the same expression."""

from collections import Counter

import pytest

from megagrad import Value, draw_dot
from megagrad.show.graph import trace
from megagrad.show.lecture import as_micrograd

EXPRESSIONS = {
    "difference": lambda a, b: a - b,
    "negative": lambda a, b: -(a * b),
    "quotient": lambda a, b: a / b,
    "numbers": lambda a, b: (3 - a) / 4 + 2 / (b - 1),
    "nested": lambda a, b: -((a - b) / -(b - a)),
    "used twice": lambda a, b: (a - b) * (a - b) - a,
    "the lecture's": lambda a, b: (a * 2 - b / 3) ** 2,
}


def of_megagrad(expression):
    """How often a node with an op, a number, a gradient and such operands is there."""
    a, b = Value(2.0), Value(-3.0)
    root = expression(a, b)
    root.backward()
    vertices = as_micrograd(trace(root, None, None))
    return Counter(
        (v.op, rounded(v.value), *sorted(rounded(operand) for operand in set(v.operands)))
        for v in vertices
    )


def rounded(node):
    return (float(f"{node.data:.10g}") + 0.0, float(f"{node.grad:.10g}") + 0.0)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_nodes_are_micrograds(name):
    engine = pytest.importorskip("micrograd.engine")
    a, b = engine.Value(2.0), engine.Value(-3.0)
    root = EXPRESSIONS[name](a, b)
    root.backward()
    nodes, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node not in nodes:
            nodes.add(node)
            stack.extend(node._prev)
    theirs = Counter((n._op, rounded(n), *sorted(map(rounded, n._prev))) for n in nodes)
    assert without_exponents(of_megagrad(EXPRESSIONS[name])) == theirs


def without_exponents(nodes):
    """micrograd keeps an exponent in the op; here it is a leaf, but that of an inverse."""
    return Counter({node: count for node, count in nodes.items() if node[0] != "exponent"})


def test_a_picture():
    pytest.importorskip("graphviz")
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    source = draw_dot(a - b, as_micrograd=True).source
    assert [source.count(f'op [label="{op}"]') for op in "-+*"] == [0, 1, 1]
    assert draw_dot(a - b).source.count('op [label="-"]') == 1


def test_what_is_cut_stays_as_it_is():
    a, b = Value(2.0), Value(3.0)
    vertices = trace((a - b).exp(), 1, None)
    assert as_micrograd(vertices) == vertices
