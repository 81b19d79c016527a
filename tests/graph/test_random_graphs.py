"""Random graphs: the engine against plain Python, micrograd and loops, and what holds for all graphs."""

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.op_table import SYMBOLS
from support.random_programs import (
    ALL,
    ANY,
    BETWEEN,
    BULK,
    TAME,
    Bulk,
    Loops,
    bounds,
    examples,
    in_order,
    is_close,
    result_of,
    run,
    share,
    steps,
    tamed,
)

ERRORS = (ZeroDivisionError, ValueError, OverflowError)
OURS, LOOPS = Bulk(), Loops()
PLAIN = Loops(
    reference.Value,
    lambda row, *operands: (
        SYMBOLS[row.name](*operands)
        if row.name in SYMBOLS
        else (-operands[0] if row.name == "neg" else getattr(operands[0], row.name)())
    ),
)
PLAIN_OPS = {"add", "sub", "mul", "div", "pow", "neg", "relu", "tanh", "exp", "log"}
PLAIN_BULK = BULK.keys() - {"bce", "where"}
LEAVES = st.lists(ANY, min_size=1, max_size=4)


def in_step(program, leaves, *engines):
    """The results of several engines, and at last one that all leaves count for.

    A step that one of them refuses has to be refused by all, with the same kind of error; it is left out.
    """
    results = [[engine.leaf(x) for x in leaves] for engine in engines]
    for step in program:
        outcomes = [outcome(step, *pair) for pair in zip(results, engines, strict=True)]
        errors = [kind for kind in outcomes if isinstance(kind, type)]
        assert not errors or errors == [errors[0]] * len(engines), (step, outcomes)
        if not errors:
            for nodes, node in zip(results, outcomes, strict=True):
                nodes.append(node)
    for nodes in results:
        nodes.append(sum(nodes[: len(leaves)], nodes[-1] * 1.0))
    return results


def outcome(step, nodes, engine):
    """A node, or the type of an error."""
    try:
        return result_of(step, nodes, engine)
    except ERRORS as error:
        return type(error)


def assert_same_data(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        assert is_same_double(mine.data, other.data), (mine, other)


def is_same_double(x, y):
    return (x == y and math.copysign(1, x) == math.copysign(1, y)) or (
        math.isnan(x) and math.isnan(y)
    )


def assert_same_gradients(ours, theirs, unfolded, *, any_order=False):
    """unfolded: a graph of the same numbers that may be looked at; no two of them share nodes.

    any_order: whether theirs are micrograd's, added up in an order of their own, so that infinities
    may differ.
    """
    times = operator.mul if any_order else share
    allowed = bounds(in_order(unfolded[-1:]), [(unfolded[-1], 1.0)], times)
    ours[-1].backward()
    theirs[-1].backward()
    if allowed is None:
        return
    for mine, other, node in zip(ours, theirs, unfolded, strict=True):
        if id(node) in allowed:
            bound = allowed[id(node)]
            overflows = any_order and not math.isfinite(bound.weight)
            assert overflows or is_close(mine.grad, other.grad, bound), (mine, other)
        else:
            assert mine.grad == other.grad == 0


@examples(300)
@given(LEAVES, steps(PLAIN_OPS | PLAIN_BULK, ANY))
def test_same_numbers_and_errors_as_the_plain_engine(leaves, program):
    ours, plain, unfolded = in_step(program, leaves, OURS, PLAIN, LOOPS)
    assert_same_data(ours, plain)
    assert_same_gradients(ours, plain, unfolded)


@examples(300)
@given(LEAVES, steps(ALL, ANY))
def test_bulk_operations_are_their_loops_whatever_the_numbers(leaves, program):
    ours, loops, unfolded = in_step(program, leaves, OURS, LOOPS, LOOPS)
    assert_same_data(ours, loops)
    assert_same_gradients(ours, loops, unfolded)


def with_powers_of_micrograd(program):
    """By plain numbers, and not by 0: that slope is 0 here, and there 0 * x**-1, NaN for a NaN."""
    return [
        step
        for step in program
        if step.op != "pow" or (step.number not in (None, 0) and not step.number_first)
    ]


@examples(300)
@given(LEAVES, steps({"add", "sub", "mul", "pow", "neg", "relu", "dot", "sum"}, ANY))
def test_same_numbers_as_micrograd(leaves, program):
    engine = pytest.importorskip("micrograd.engine")

    def apply(row, *operands):
        if row.name == "pow":
            reference.real_power(operands[0].data, operands[1])
        node = PLAIN.apply(row, *operands)
        node.data = float(node.data)  # ReLU's zero is an int there
        return node

    program = with_powers_of_micrograd(program)
    micrograd = Loops(engine.Value, apply)
    ours, theirs, unfolded = in_step(program, leaves, OURS, micrograd, LOOPS)
    assert_same_data(ours, theirs)
    try:
        # micrograd's order is that of its sets, and so of addresses.
        assert_same_gradients(ours, theirs, unfolded, any_order=True)
    except (ZeroDivisionError, OverflowError):
        return  # micrograd's backward pass raises; ours follows IEEE


TAMED_LEAVES = st.lists(BETWEEN, min_size=1, max_size=4)
TAMED = steps(ALL, BETWEEN, most=25)


@examples(100)
@given(TAMED_LEAVES, TAMED)
def test_backward_twice_doubles_every_gradient_but_the_roots(leaves, program):
    nodes = run(program, leaves, OURS, after=tamed)
    root = nodes[-1]
    root.backward()
    once = [node.grad for node in nodes]
    root.backward()
    for node, grad in zip(nodes, once, strict=True):
        assert node.grad == (grad if node is root else pytest.approx(2 * grad, rel=1e-12))


@examples(100)
@given(TAMED_LEAVES, TAMED, TAME)
def test_gradients_are_linear_in_what_comes_from_above(leaves, program, scale):
    nodes = run(program, leaves, OURS, after=tamed)
    inputs = nodes[: len(leaves)]
    nodes[-1].backward()
    once = [leaf.grad for leaf in inputs]
    for leaf in inputs:
        leaf.grad = 0.0
    (nodes[-1] * scale).backward()
    for leaf, grad in zip(inputs, once, strict=True):
        assert leaf.grad == pytest.approx(scale * grad, rel=1e-9, abs=1e-12)


@examples(100)
@given(TAMED_LEAVES, TAMED)
def test_looking_at_a_graph_changes_nothing(leaves, program):
    looked, nodes = run(program, leaves, OURS, after=tamed), run(program, leaves, OURS, after=tamed)
    for node in looked:
        assert node._prev == set(node._children)
        assert len(node._local_grads) == len(node._children)
    looked[-1].backward()
    nodes[-1].backward()
    for mine, other in zip(looked, nodes, strict=True):
        assert mine.grad == pytest.approx(other.grad, rel=1e-12, abs=1e-15)


@examples(100)
@given(TAMED_LEAVES, TAMED)
def test_calling_backward_of_each_node_by_hand_is_backward(leaves, program):
    nodes, by_hand = (
        run(program, leaves, OURS, after=tamed),
        run(program, leaves, OURS, after=tamed),
    )
    nodes[-1].backward()
    order = in_order(by_hand[-1:])
    by_hand[-1].grad = 1.0
    for node in reversed(order):
        node._backward()
    for hand, native in zip(by_hand[: len(leaves)], nodes, strict=False):
        assert hand.grad == pytest.approx(native.grad, rel=1e-12, abs=1e-15)
