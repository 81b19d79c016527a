"""Bulk nodes are copied, pickled and freed as the nodes of their loop are."""

import copy
import gc
import pickle
import weakref

import pytest
from support.trees import tree

from megagrad.engine import Value
from megagrad.functional import dot


class Quiet(Value):
    pass


@pytest.mark.parametrize("through", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_and_pickles_are_of_the_unfolded_graph(through):
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), 7.0]
    hidden = dot(w, x, Value(1.0))
    out = dot([hidden, hidden.tanh()], [w[0], hidden])
    out.backward()
    twin = through(out)
    assert tree(twin) == tree(out)
    twin.backward()
    out.backward()
    assert tree(twin) == tree(out)


def test_a_shallow_copy_shares_operands():
    out = dot([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
    assert copy.copy(out)._children == out._children


@pytest.mark.parametrize("look", [False, True])
def test_everything_is_freed_at_once(look):
    gc.collect()
    gc.disable()
    try:
        w, x = [Quiet(2.0), Quiet(3.0)], [Quiet(5.0), Quiet(7.0)]
        alive = [weakref.ref(value) for value in (*w, *x)]
        out = dot(w, x).relu()
        if look:
            assert len(out._children[0]._children) == 2
        out.backward()
        del w, x, out
        assert [ref() for ref in alive] == [None] * 4
    finally:
        gc.enable()


@pytest.mark.parametrize("when", ["before", "after"])
def test_cycles_through_rows_are_found(when):
    class Marker:
        pass

    marker = Marker()
    alive = weakref.ref(marker)
    leaf = Value(2.0)
    if when == "before":
        leaf.marker = marker
    out = dot([leaf, Value(1.0)], [Value(3.0), leaf])
    if when == "after":
        leaf.marker = marker
    marker.out = out
    del marker, leaf, out
    gc.collect()
    assert alive() is None


def test_a_deep_chain_of_folded_nodes():
    depth = 100_000
    weight, x = Value(0.5), Value(1.0)
    for _ in range(depth):
        x = dot([weight], [x], 0.25)
    x.backward()
    assert x.data == pytest.approx(0.5)
    assert weight.grad == pytest.approx(1.0)
    twin = copy.deepcopy(x)
    assert twin.data == x.data
    del x, twin
