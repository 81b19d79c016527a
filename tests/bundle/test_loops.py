"""Bulk nodes: what a loop over + and * would give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.loops import added, loop
from support.trees import grads, tree

from megagrad.engine import Value
from megagrad.functional import dot
from megagrad.functional import sum as total

numbers = st.floats(-3, 3)
# What a Value is made of, or a plain number: (True, 1.0) is Value(1.0).
operand = st.tuples(st.booleans(), numbers)


def made(operands):
    return [Value(number) if is_value else number for is_value, number in operands]


def twins(w, x, bias):
    """Make two sets of the same operands."""
    return [(made(w), made(x), made([bias])[0]) for _ in range(2)]


@given(st.lists(st.tuples(operand, operand), min_size=1, max_size=6), operand)
def test_a_dot_is_its_loop(pairs, bias):
    w, x = zip(*pairs, strict=True)
    (w1, x1, b1), (w2, x2, b2) = twins(w, x, bias)
    folded, reference = dot(w1, x1, b1), loop(w2, x2, b2)
    if not isinstance(reference, Value):  # all are plain numbers
        assert (folded.data, folded._op) == (reference, "")
        return
    assert folded.data == reference.data
    folded.backward()
    reference.backward()
    assert grads(*w1, *x1, b1) == pytest.approx(grads(*w2, *x2, b2), rel=1e-15, abs=1e-15)
    assert tree(folded) == tree(reference)
    folded.backward()  # now of ordinary nodes
    reference.backward()
    assert tree(folded) == tree(reference)


@given(st.lists(operand, min_size=1, max_size=6), operand)
def test_a_sum_is_its_loop(terms, start):
    (xs, _, b), (ys, _, c) = twins(terms, [], start)
    folded, reference = total(xs, b), added(ys, c)
    if not isinstance(reference, Value):
        assert (folded.data, folded._op) == (reference, "")
        return
    folded.backward()
    reference.backward()
    assert tree(folded) == tree(reference)


def test_operands_are_bound_late_and_nodes_show_the_numbers_of_their_time():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    out = dot(w, x)
    w[0].data, x[1].data = 20.0, 70.0
    out.backward()
    assert grads(*w, *x) == [5.0, 70.0, 20.0, 3.0]
    assert out.data == 31.0
    first, second = out._children
    assert (first.data, second.data) == (10.0, 21.0)
    assert dot(w, x).data == 310.0


def test_a_row_that_is_used_again_has_its_present_numbers():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    before = dot(w, x)
    w[1].data = 4.0
    after = dot(w, x)
    w[1] = Value(0.5)
    replaced = dot(w, x)
    assert [before.data, after.data, replaced.data] == [31.0, 38.0, 13.5]
    w[1].__init__(1.0)
    assert dot(w, x).data == 17.0
    (before + after).backward()
    assert grads(*x) == [4.0, 8.0]


def test_a_row_is_told_from_one_with_another_start():
    w, x = [Value(2.0)], [Value(5.0)]
    kept = [dot(w, x, bias) for bias in (None, 0, 1, Value(2.0), -0.0)]
    assert [k.data for k in kept] == [10.0, 10.0, 11.0, 12.0, 10.0]


@pytest.mark.parametrize("first", [None, 0, -0.0])
def test_a_row_that_starts_from_minus_zero_is_another(first):
    w, x = [Value(-0.0)], [1.0]
    kept = dot(w, x, first)
    assert str(dot(w, x, -0.0).data) == "-0.0"
    assert str(dot(w, x).data) == "0.0"
    del kept


def test_the_sign_of_zero_is_the_loops():
    assert str(dot([Value(-0.0)], [1.0]).data) == str(loop([Value(-0.0)], [1.0]).data) == "0.0"
    assert str(dot([Value(-0.0)], [1.0], -0.0).data) == "-0.0"


def test_the_graph_may_be_made_anew_under_a_folded_node():
    w, x = [Value(2.0)], [Value(5.0)]
    out = dot(w, x)
    out.__init__(3.0)
    assert (out.data, out._op, out._children) == (3.0, "", ())
    out = dot(w, x)
    w[0].__init__(1.0, (x[0],), (4.0,))
    out.backward()
    assert x[0].grad == 1.0 + 5.0 * 4.0


def test_a_restored_value_cannot_be_folded():
    from megagrad._core import _restore

    for name in ("dot", "sum", "operands"):
        with pytest.raises(ValueError, match="unknown op"):
            _restore(None, Value, name, 1.0, 0.0, Value(1.0), Value(2.0))
