"""Random graphs over all ops and bulk operations: recorded programs against the engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ops import apply

from megagrad import Function, Value
from megagrad._core import instruction_sets, ops, use_instruction_set
from megagrad.functional import dot
from megagrad.functional import sum as total

ROWS = [*ops(), "dot", "sum", "number"]
STEPS = st.tuples(
    st.sampled_from(ROWS), *[st.integers(0, 10**6)] * 4, st.floats(0.3, 0.9, allow_nan=False)
)
NUMBERS = st.lists(st.floats(0.3, 0.9), min_size=6, max_size=6)


def tamed(node):
    """Between 0.3 and 0.9, where every op is defined and smooth enough."""
    return 0.6 + 0.3 * node.tanh()


def computed(row, operands, number):
    a, b, c, d = operands
    if row == "dot":
        return dot([a, b, number], [c, d, a], b)
    if row == "sum":
        return total([a, b, c, a], number)
    if row == "number":
        return number * a - b / number + (number - c) * d
    return apply(row, a, b) if row.arity == 2 else apply(row, a)


def graph(steps, numbers):
    """Three inputs, three parameters, and a list of outputs."""
    leaves = [Value(number) for number in numbers]
    nodes = list(leaves)
    for row, *places, number in steps:
        operands = [nodes[place % len(nodes)] for place in places]
        nodes.append(tamed(computed(row, operands, number)))
    return leaves, [nodes[-1], nodes[len(nodes) // 2] * nodes[-1]]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(STEPS, min_size=1, max_size=25), NUMBERS)
def test_values_and_gradients(steps, numbers):
    leaves, outputs = graph(steps, numbers)
    f = Function(leaves[:3], outputs, leaves[3:])
    data = np.array([numbers[:3]] * 9)
    try:
        for name in instruction_sets():
            use_instruction_set(name)
            batch = f.vjp(data)
            single = f.vjp(data[0])
            np.testing.assert_array_equal(batch[0][8], single[0])
            np.testing.assert_array_equal(batch[1][8], single[1])
            check(leaves, outputs, single)
    finally:
        use_instruction_set(instruction_sets()[0])


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
