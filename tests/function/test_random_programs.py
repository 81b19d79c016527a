"""Random graphs over all ops and bulk operations: recorded programs against the engine."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.op_table import TABLE, apply
from support.random_programs import (
    ALL,
    ANY,
    BETWEEN,
    Bulk,
    Loops,
    bounds,
    examples,
    in_order,
    is_close,
    result_of,
    run,
    steps,
    tamed,
)

from megagrad import Function, Value, record
from megagrad._core import instruction_sets, op_name, use_instruction_set

ERRORS = (ZeroDivisionError, ValueError, OverflowError)
ULPS = 8  # both sides' errors together, as docs/accuracy.md has them


@pytest.fixture(autouse=True, scope="module")
def _the_best_instruction_set_again():
    yield
    use_instruction_set(instruction_sets()[0])


def of_unknown_numbers(program, count):
    """Leaves that are NaN, for which nearly no op raises, and the results of those that do not."""
    nodes = [Value(math.nan) for _ in range(count)]
    for step in program:
        try:
            nodes.append(result_of(step, nodes, Loops()))
        except ERRORS:  # x / 0.0
            continue
    return nodes


def is_right(node, computed):
    """Whether a number is what the engine has for the node's op, or an IEEE number where it raises."""
    operands = [Value(child.data) for child in node._children]
    row = TABLE[op_name(node)]
    if row.kind == "parametric":
        operands.append(row.default)
    if len(operands) < row.arity:  # x**2.0, a node of one operand
        operands.append(float(node._op.removeprefix("**")))
    try:
        expected = apply(row, *operands).data
    except ERRORS:
        return not math.isfinite(computed)
    if computed == expected:
        return computed != 0 or math.copysign(1, computed) == math.copysign(1, expected)
    if math.isnan(expected):
        return math.isnan(computed)
    # silu and gelu go through numbers that have lost digits, where they are as small as this.
    return abs(computed - expected) <= max(ULPS * math.ulp(expected), 1e-305)


@examples(150)
@given(steps(ALL, ANY), st.lists(st.lists(ANY, min_size=3, max_size=3), min_size=1, max_size=3))
def test_each_instruction_at_any_point(program, points):
    """Of its operands' recorded numbers, so that no error of theirs counts."""
    nodes = of_unknown_numbers(program, 3)
    leaves, order = nodes[:3], in_order(nodes)
    results = [node for node in order if node._children]
    if not results:
        return
    f = Function(leaves, results)
    seeds = np.ones((len(points), len(results)))
    for name in instruction_sets():
        use_instruction_set(name)
        outputs, grads, _ = f.vjp(np.array(points), seeds)
        for point, numbers, slopes in zip(points, outputs.tolist(), grads.tolist(), strict=True):
            for node, number in zip([*leaves, *results], [*point, *numbers], strict=True):
                node.data = number
            for node, number in zip(results, numbers, strict=True):
                assert is_right(node, number), (name, op_name(node), node._children, number)
            check_gradients(leaves, order, slopes)


def check_gradients(leaves, order, slopes):
    """Of the sum of all results."""
    for node in order:
        node.grad = 1.0 if node._children else 0.0
    for node in reversed(order):
        node._backward()
    allowed = bounds(order, [(node, 1.0) for node in order if node._children])
    if allowed is None:
        return
    for leaf, slope in zip(leaves, slopes, strict=True):
        bound = allowed[id(leaf)]
        if math.isfinite(bound.weight):
            assert is_close(slope, leaf.grad, bound, rounding=1e-12), (slope, leaf.grad, bound)
        # Equal nodes are one in a recorded program, so an infinite slope may be added up otherwise.
        elif math.isfinite(slope) and math.isfinite(leaf.grad):
            assert slope == pytest.approx(leaf.grad, rel=1e-9), (slope, leaf.grad)


def graph(program, numbers):
    """Three inputs, three parameters, and a list of outputs."""
    nodes = run(program, numbers, Bulk(), after=tamed)
    return nodes[:6], [nodes[-1], nodes[len(nodes) // 2] * nodes[-1]]


PROGRAMS = steps(ALL, BETWEEN, most=25)
NUMBERS = st.lists(BETWEEN, min_size=6, max_size=6)


@examples(150)
@given(PROGRAMS, NUMBERS)
def test_values_and_gradients(program, numbers):
    leaves, outputs = graph(program, numbers)
    f = Function(leaves[:3], outputs, leaves[3:])
    data = np.array([numbers[:3]] * 9)
    for name in instruction_sets():
        use_instruction_set(name)
        batch = f.vjp(data)
        single = f.vjp(data[0])
        np.testing.assert_array_equal(batch[0][8], single[0])
        np.testing.assert_array_equal(batch[1][8], single[1])
        np.testing.assert_array_equal(f(data)[8], single[0])
        check(leaves, outputs, single)


def check(leaves, outputs, results):
    for leaf in leaves:
        leaf.grad = 0.0
    for output in outputs:
        output.backward()
    assert results[0].tolist() == pytest.approx([output.data for output in outputs], rel=1e-12)
    # Terms may cancel: what they are compared with is as large as the largest of them.
    scale = max(1.0, *(abs(leaf.grad) for leaf in leaves))
    grads = [*results[1], *results[2]]
    assert grads == pytest.approx([leaf.grad for leaf in leaves], rel=1e-12, abs=1e-12 * scale)


@examples(100)
@given(PROGRAMS, NUMBERS, st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_all_kinds_of_derivatives_agree(program, numbers, direction):
    leaves, outputs = graph(program, numbers)
    f = Function(leaves[:3], outputs, leaves[3:])
    point = np.array(numbers[:3])
    rows = [f.vjp(point, seeds)[1] for seeds in np.eye(2)]
    jacobian = f.jacobian(point)
    scale = 1 + np.abs(jacobian).max()
    np.testing.assert_allclose(jacobian, rows, rtol=1e-12, atol=1e-12 * scale)
    moved = f.jvp(point, direction)[1]
    np.testing.assert_allclose(moved, jacobian @ direction, rtol=1e-12, atol=1e-12 * scale)

    g = Function(leaves[:3], outputs[0], leaves[3:])
    hessian = g.hessian(point)
    scale = 1 + np.abs(hessian).max()
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-11, atol=1e-11 * scale)
    product = g.hvp(point, direction)
    np.testing.assert_allclose(product, hessian @ direction, rtol=1e-11, atol=1e-11 * scale)


def test_an_infinite_slope_of_one_output_does_not_spoil_the_others_jacobian():
    x, y = Value(1.0), Value(1.0)
    f = Function([x, y], [x * 2 + y, x.sqrt() * y])
    assert f.jacobian([0.0, 1.0]).tolist() == [[2.0, 1.0], [math.inf, 0.0]]
    assert f.jacobian([[0.0, 1.0], [4.0, 1.0]])[1].tolist() == [[2.0, 1.0], [0.25, 2.0]]
    assert np.isnan(f.jacobian([-1.0, 1.0])[1]).all()


def test_what_is_no_number_at_one_point_changes_no_other():
    f = record(lambda x, y, z: [x * y.sin(), y / z + x.tanh()], 3)
    data = np.random.default_rng(2).normal(size=(300, 3))
    wanted = f.jacobian(data)
    data[7, 0], data[9, 1] = math.nan, math.inf
    jacobian = f.jacobian(data)
    others = [i for i in range(300) if i not in (7, 9)]
    assert np.array_equal(jacobian[others], wanted[others])
    assert jacobian[7, 1, 1:].tolist() == wanted[7, 1, 1:].tolist()
    assert math.isnan(jacobian[7, 1, 0])
    assert math.isnan(jacobian[9, 0, 0])
