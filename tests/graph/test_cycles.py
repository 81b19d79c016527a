"""Cycles through closures and attributes: the collector finds them, and finalizers see them end."""

import copy
import gc
import weakref

import pytest
from support.cycles import CYCLES, attribute_to_a_later_node
from support.lifetimes import Marker
from support.places import TESTS
from support.processes import printed

from megagrad.engine import Value


@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_a_cycle_is_found_by_the_collector(make):
    # In a process of its own: once a program attaches objects late, every node is tracked.
    program = f"""
        import gc, sys, weakref
        sys.path.append({str(TESTS)!r})
        from support.cycles import {make.__name__} as cycle
        gc.collect()
        gc.disable()
        reference = weakref.ref(cycle())
        assert reference() is not None, "not a cycle"
        gc.collect()
        assert reference() is None, "leaked"
    """
    assert printed(program) == []


def test_a_live_cycle_survives_the_collector():
    y = attribute_to_a_later_node()
    x = y._children[0]._children[0]._children[0]
    gc.collect()
    assert x.users == [y]
    y.backward()
    assert x.grad == 2.0


def test_finalizers_and_weak_references_see_a_whole_cycle_end():
    ends = []
    marker = Marker()
    x = Value(1.0)
    x.marker = marker
    x.me = x
    weakref.finalize(marker, ends.append, "marker")
    weakref.finalize(x, ends.append, "value")
    del x, marker
    gc.collect()
    assert sorted(ends) == ["marker", "value"]


def test_a_finalizer_may_build_and_free_graphs():
    class Busy:
        def __del__(self):
            ((Value(1.0) + 2) * 3).backward()

    root = Value(1.0)
    for _ in range(50):
        node = root * 2
        node.guest = Busy()
        root = node + 1
    del root, node
    gc.collect()


def test_a_finalizer_may_bring_a_value_back():
    kept = []

    class Phoenix(Value):
        def __del__(self):
            kept.append(self)

    root = Phoenix(3.0) * 2
    del root
    gc.collect()
    (phoenix,) = kept
    (phoenix * 5).backward()
    assert phoenix.grad == 5.0


def test_a_finalizer_on_the_class_itself():
    program = """
        import gc
        from megagrad.engine import Value
        ends = []
        Value.__del__ = lambda self: ends.append(self.data)
        y = Value(1.0) * Value(2.0)
        y = None
        assert sorted(ends) == [1.0, 2.0, 2.0], ends
        for _ in range(1000):
            Value(7.0)
        assert ends[3:] == [7.0] * 1000, len(ends)
        del Value.__del__
        Value(5.0)
        assert len(ends) == 1003
    """
    assert printed(program) == []


@pytest.mark.parametrize("holds", ["original", "copy"])
def test_a_cycle_through_a_memo(holds):
    def cycle():
        memo, a = {}, Value(1.0)
        b = a * 2
        twin = copy.deepcopy(b, memo)
        leaf = a if holds == "original" else twin._children[0]
        leaf.memo = memo
        return weakref.ref(b), weakref.ref(twin)

    ends = [end for _ in range(20) for end in cycle()]
    gc.collect()
    assert not any(end() is not None for end in ends)


PARTS_OF_A_PICKLE = {
    "all": lambda reduced: reduced,
    "descendants": lambda reduced: reduced[1][0][0],
    "their end": lambda reduced: reduced[1][0][1],
    "descendants handed out": lambda reduced: (iterator := iter(reduced[1][0][0]), next(iterator)),
}


@pytest.mark.parametrize("part", PARTS_OF_A_PICKLE.values(), ids=PARTS_OF_A_PICKLE)
def test_a_cycle_through_what_pickle_is_given(part):
    def cycle():
        x = Value(1.0)
        y = x * 2
        x.kept = part((y + 1).__reduce_ex__(4))
        return weakref.ref(x), weakref.ref(y)

    ends = [end for _ in range(20) for end in cycle()]
    assert any(end() is not None for end in ends)
    gc.collect()
    assert not any(end() is not None for end in ends)
