"""Random graphs, held against the plain-Python engine and against each other."""

import math

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from megagrad.engine import Value

NUMBERS = st.floats(-2.0, 2.0).map(lambda x: round(x, 3))
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1),
    lambda a, b: (a * a + 0.5) ** b,
]
UNARY = [
    lambda a: -a,
    lambda a: a.tanh(),
    lambda a: a.relu(),
    lambda a: (a.tanh()).exp(),
    lambda a: (a * a + 1).log(),
    lambda a: a**2,
    lambda a: 2 ** a.tanh(),
]
# One step of a program: an op, two earlier results (by their distance back), a plain number.
STEPS = st.tuples(
    st.integers(0, len(BINARY) + len(UNARY) - 1),
    st.integers(1, 30),
    st.integers(1, 30),
    st.one_of(st.none(), NUMBERS),
    st.booleans(),
)
LEAVES = st.lists(NUMBERS, min_size=1, max_size=4)
PROGRAMS = st.lists(STEPS, min_size=1, max_size=40)


def build(engine_value, leaves, steps):
    nodes = [engine_value(x) for x in leaves]
    inputs = list(nodes)
    for op, back_a, back_b, number, number_first in steps:
        a, b = (nodes[-min(back, len(nodes))] for back in (back_a, back_b))
        if op >= len(BINARY):
            out = UNARY[op - len(BINARY)](a)
        elif number is None:
            out = BINARY[op](a, b)
        else:
            out = BINARY[op](*((number, a) if number_first else (a, number)))
        if not isinstance(out, engine_value):  # two plain numbers
            out = engine_value(out)
        # Keeps every number in the region where differences of the order of sums stay small.
        nodes.append(out if abs(out.data) < 100 else out.tanh())
    return inputs, nodes


def close(actual, expected):
    return actual == pytest.approx(expected, rel=1e-9, abs=1e-9) or (
        math.isnan(actual) and math.isnan(expected)
    )


@settings(max_examples=300, deadline=None)
@given(LEAVES, PROGRAMS)
def test_same_numbers_as_the_plain_engine(leaves, steps):
    ours, our_nodes = build(Value, leaves, steps)
    plain, plain_nodes = build(reference.Value, leaves, steps)
    assert [n.data for n in our_nodes] == [n.data for n in plain_nodes]
    our_nodes[-1].backward()
    plain_nodes[-1].backward()
    for mine, other in zip(our_nodes, plain_nodes, strict=True):
        assert close(mine.grad, other.grad)
    assert len(ours) == len(plain)


@settings(max_examples=100, deadline=None)
@given(LEAVES, PROGRAMS)
def test_backward_twice_doubles_every_gradient_but_the_roots(leaves, steps):
    _, nodes = build(Value, leaves, steps)
    root = nodes[-1]
    root.backward()
    once = [node.grad for node in nodes]
    root.backward()
    for node, grad in zip(nodes, once, strict=True):
        assert node.grad == (grad if node is root else pytest.approx(2 * grad, rel=1e-12))


@settings(max_examples=100, deadline=None)
@given(LEAVES, PROGRAMS, st.floats(-3, 3))
def test_gradients_are_linear_in_what_comes_from_above(leaves, steps, scale):
    inputs, nodes = build(Value, leaves, steps)
    nodes[-1].backward()
    once = [leaf.grad for leaf in inputs]
    for leaf in inputs:
        leaf.grad = 0.0
    (nodes[-1] * scale).backward()
    for leaf, grad in zip(inputs, once, strict=True):
        assert leaf.grad == pytest.approx(scale * grad, rel=1e-9, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(LEAVES, PROGRAMS)
def test_looking_at_a_graph_changes_nothing(leaves, steps):
    looked_inputs, looked = build(Value, leaves, steps)
    inputs, nodes = build(Value, leaves, steps)
    for node in looked:
        assert node._prev == set(node._children)
        assert len(node._local_grads) == len(node._children)
    looked[-1].backward()
    nodes[-1].backward()
    assert [n.grad for n in looked_inputs] == [n.grad for n in inputs]


@settings(max_examples=100, deadline=None)
@given(LEAVES, PROGRAMS)
def test_calling_backward_of_each_node_by_hand_is_backward(leaves, steps):
    inputs, nodes = build(Value, leaves, steps)
    by_hand_inputs, by_hand = build(Value, leaves, steps)
    nodes[-1].backward()

    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for child in node._children:
                visit(child)
            order.append(node)

    visit(by_hand[-1])
    by_hand[-1].grad = 1.0
    for node in reversed(order):
        node._backward()
    for hand, native in zip(by_hand_inputs, inputs, strict=True):
        assert hand.grad == pytest.approx(native.grad, rel=1e-12, abs=1e-15)
