"""Programs without contraction have the bits of eager code; random ones, over all ops and numbers."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.op_table import TABLE
from support.random_programs import (
    ALL,
    ANY,
    Bulk,
    bounds,
    examples,
    in_order,
    is_close,
    result_of,
    steps,
)

from megagrad import Function, Value
from megagrad._core import instruction_sets, use_instruction_set

ERRORS = (ZeroDivisionError, ValueError, OverflowError)
COPIES = 9  # of a point: whole vectors, and what is left


@pytest.fixture(autouse=True, scope="module")
def _the_best_instruction_set_again():
    yield
    use_instruction_set(instruction_sets()[0])


def bits(numbers):
    """Equal for equal numbers; 0.0 and -0.0 are two, and all NaNs one."""
    return [b"nan" if math.isnan(x) else struct.pack("d", x) for x in numbers]


def results_at(program, leaves):
    """What eager code computes, without the steps that raise there."""
    nodes = list(leaves)
    for step in program:
        try:
            nodes.append(result_of(step, nodes, Bulk()))
        except ERRORS:
            continue
    return nodes[len(leaves) :]


def replays(leaves, results):
    """Values and gradients of the sum of all results, with every instruction set."""
    f = Function(leaves, results, contract=False)
    data = np.array([[leaf.data for leaf in leaves]] * COPIES)
    for name in instruction_sets():
        use_instruction_set(name)
        outputs, grads, _ = f.vjp(data, np.ones((COPIES, len(results))))
        yield from zip(outputs.tolist(), grads.tolist(), strict=True)


@examples(150)
@given(steps(ALL, ANY), st.lists(ANY, min_size=3, max_size=3))
def test_values_are_eager_codes_to_the_bit(program, numbers):
    leaves = [Value(x) for x in numbers]
    results = results_at(program, leaves)
    if not results:
        return
    expected = bits(node.data for node in results)
    for node in results:
        node.backward()
    order = in_order(results)
    allowed = bounds(order, [(node, 1.0) for node in results])
    for values, slopes in replays(leaves, results):
        assert bits(values) == expected
        for leaf, slope in zip(leaves, slopes, strict=True):
            bound = (allowed or {}).get(id(leaf))
            if bound is not None and math.isfinite(bound.weight):
                assert is_close(slope, leaf.grad, bound), (slope, leaf.grad)


def tree(program, numbers):
    """Leaves and results of a program in which each Value is used once, so no gradients meet."""
    leaves, results, unused = [], [], []

    def take():
        if unused:
            return unused.pop()
        leaves.append(Value(numbers[len(leaves) % len(numbers)]))
        return leaves[-1]

    for step in program:
        operands = [take() for _ in range(2)]
        try:
            node = result_of(step, operands, Bulk())
        except ERRORS:
            continue
        results.append(node)
        unused.insert(0, node)
    return leaves, results


@examples(150)
@given(steps(TABLE, ANY, most=8), st.lists(ANY, min_size=8, max_size=8))
def test_gradients_that_do_not_meet_are_eager_codes_to_the_bit(program, numbers):
    leaves, results = tree([step._replace(places=(0, 1, 0, 0)) for step in program], numbers)
    if not results:
        return
    results[-1].backward()
    expected = bits(leaf.grad for leaf in leaves)
    f = Function(leaves, results[-1], contract=False)
    data = np.array([[leaf.data for leaf in leaves]] * COPIES)
    for name in instruction_sets():
        use_instruction_set(name)
        for slopes in f.vjp(data)[1].tolist():
            assert (
                bits(slope + 0.0 for slope in slopes) == expected
            )  # added to 0.0, as eager code does
