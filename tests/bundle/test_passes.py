"""Bulk nodes in passes that closures interfere with."""

import random

import pytest
from support.loops import loop, neuron_loop
from support.own_ops import own
from support.trees import flattened, grads, tree

from megagrad import functional, nn
from megagrad.engine import Value
from megagrad.functional import dot


def test_a_closure_that_adds_to_a_folded_nodes_gradient():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    inner = dot(w, x)
    own(inner, inner.data**2, slope=2 * inner.data).backward()
    assert grads(*w) == [310.0, 434.0]
    assert [child.grad for child in inner._children] == [62.0, 62.0]


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_node_may_be_looked_at_while_the_pass_is_on_its_way_to_it(earlier):
    trees = []
    for product in (dot, loop):
        w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
        inner = product(w, x)
        middle = Value(inner.data, (inner,), "look")

        def rule(inner=inner, middle=middle):
            inner.grad += middle.grad / 2
            assert len(inner._prev) == 2
            inner.grad += middle.grad / 2

        middle._backward = rule
        out = middle * inner + product(w, x) + inner
        if earlier:
            (inner * 3).backward()
        out.backward()
        trees.append((tree(out), grads(*w, *x)))
    assert trees[0][1] == pytest.approx(trees[1][1])
    assert trees[0][0] == trees[1][0]


def test_a_pass_within_a_pass_over_shared_rows():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    results = []
    for product in (dot, loop):
        for value in (*w, *x):
            value.grad = 0
        side = product(w, x)
        middle = Value(1.0, (x[0],), "inner")
        middle._backward = side.backward
        # The outer pass has begun to gather for w and x when the closure runs.
        (product(w, x) * 2 + product(w, [middle, x[1]])).backward()
        results.append(grads(*w, *x))
    assert results[0] == results[1]


def test_a_pass_that_fails_leaves_nothing_for_the_next():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    failing = Value(1.0, (x[0],), "failing")

    def rule():
        raise RuntimeError("no")

    failing._backward = rule
    folded = dot(w, x)
    with pytest.raises(RuntimeError, match="no"):
        (folded + dot(w, [failing, x[1]])).backward()
    for value in (*w, *x, folded):
        value.grad = 0
    folded.backward()
    assert grads(*w, *x) == [5.0, 7.0, 2.0, 3.0]


def test_what_a_closure_sees_and_adds_where_it_looks():
    def outcome(product):
        w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
        inner, seen = product(w, x), []

        def look():
            partial, last = inner._children
            seen.append((partial.grad, last.grad))
            last.grad += 5

        own(inner, after=look).backward()
        return seen, tree(inner), grads(*w, *x)

    assert outcome(dot) == outcome(loop)


def test_a_closure_that_looks_and_fails_loses_nothing():
    def outcome(product):
        inner = product([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
        (inner * 3).backward()

        def look():
            assert inner._children
            raise LookupError

        with pytest.raises(LookupError):
            own(inner, before=look).backward()
        return tree(inner)

    assert outcome(dot) == outcome(loop)


def test_a_neuron_that_a_later_pass_unfolds_has_its_earlier_gradients():
    random.seed(1)
    layer = nn.Layer(2, 1, activation="tanh")

    def outcome(run):
        layer.zero_grad()
        hidden = run([Value(0.5), Value(0.25)])
        (hidden * 3).backward()
        own(hidden, after=lambda: hidden._children).backward()
        return flattened(tree(hidden))

    by_loop = outcome(lambda x: neuron_loop(layer.neurons[0], x))
    assert outcome(layer) == pytest.approx(by_loop, rel=1e-14)


def test_a_nested_pass_over_a_row_of_computed_operands():
    def outcome(product):
        leaf = Value(2.0)
        w, x = [Value(2.0), Value(3.0)], [leaf * 3, Value(7.0)]
        middle = own(Value(1.0), before=product(w, x).backward)
        (product(w, x) * 2 + (middle + product(w, x))).backward()
        return grads(leaf, *w, *x)

    assert outcome(dot) == outcome(loop)


def test_a_nested_pass_from_a_node_that_the_outer_one_has_still_to_visit():
    def outcome(product):
        w, x = [Value(2.0), Value(3.0)], [Value(1.0), Value(7.0)]
        inner = product(w, x)
        own(inner, before=inner.backward).backward()
        return grads(*w, *x, inner)

    assert outcome(dot) == outcome(loop)


def test_a_gradient_set_in_a_closure_on_a_node_of_another_graph():
    other = dot([Value(1.0), Value(2.0)], [Value(1.0), Value(2.0)])
    middle = Value(1.0, (Value(1.0),), "set")
    middle._backward = lambda: setattr(other, "grad", 5)
    middle.backward()
    assert (other.grad, [child.grad for child in other._children]) == (5.0, [0.0, 0.0])


def test_rounding_does_not_depend_on_where_lists_are_in_memory():
    """A row of weights is found again however many there are, so all sums are in the same order."""
    points = [[0.1 * i, 0.7 / i] for i in range(1, 8)]
    weights = [[Value(0.5), Value(0.25)] for _ in range(5_000)]
    functional.sum([dot(row, x) for x in points for row in weights]).backward()
    assert len({tuple(grads(*row)) for row in weights}) == 1


def test_rounding_does_not_depend_on_which_lists_are_new():
    """A row is found by what is in it: lists that are made anew may be anywhere in memory."""

    def gradient(keeps):
        w, kept = [Value(0.1), Value(0.3)], []
        outputs = []
        for i in range(1, 40):
            outputs.append(dot([w[0], w[1]], [0.1 * i, 0.7]) * (0.31 * i))
            if keeps and i % 3:
                kept.append([0, 0])
        functional.sum(outputs).backward()
        return grads(*w)

    assert gradient(keeps=False) == gradient(keeps=True)
