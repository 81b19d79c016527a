"""Cycles through closures and attributes: the collector finds them, and finalizers see them end."""

import copy
import gc
import weakref

import pytest
from support.lifetimes import Marker, Node
from support.places import TESTS
from support.processes import printed

from megagrad.engine import Value


def closure_cycle():
    x = Value(2.0)
    out = Value(4.0, (x,), "square")

    def rule():
        x.grad += 2 * x.data * out.grad

    out._backward = rule
    return out


def attribute_cycle():
    x = Value(2.0)
    x.me = x
    return x


def attribute_to_a_later_node():
    x = Value(2.0)
    x.users = []
    y = (x * 2 + 1).relu()
    x.users.append(y)
    return y


def attribute_set_late():
    x = Value(2.0)
    middle = x * 2 + 1
    y = middle.relu()
    x.owner = y
    return y


def container_set_and_filled_late():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    x.users = []
    x.users.append(y)
    return y


def dict_filled_late():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    vars(x)["owner"] = y
    return y


def closure_set_late():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    x._backward = lambda: y
    return y


def plain_number_that_turned_leaf():
    y = (Value(2.0) + 5.0).relu()
    leaf = y._children[0]._children[1]
    leaf.owner = y
    return y


def initialised_again_with_a_descendant():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    x.__init__(3.0, (y,), (1.0,))
    return y


def its_own_child():
    x = Value(2.0)
    x.__init__(3.0, (x,), (1.0,))
    return x


def initialised_again_with_what_is_tracked():
    x = Value(1.0)
    y = x * 2
    holder = Value(0.0)
    holder.users = []
    x.__init__(1.0, (holder,))
    holder.users.append(y)
    return holder


class Text(str):
    """A str that can hold anything."""


def label_that_leads_back():
    x = Value(1.0)
    label = Text("x")
    label.owner = x
    x.label = label
    return x


def subclass_cycle():
    x = Node(2.0)
    y = (x * 2 + 1).relu()
    x.owner = y
    return y


CYCLES = [
    closure_cycle,
    attribute_cycle,
    attribute_to_a_later_node,
    attribute_set_late,
    container_set_and_filled_late,
    dict_filled_late,
    closure_set_late,
    plain_number_that_turned_leaf,
    initialised_again_with_a_descendant,
    its_own_child,
    initialised_again_with_what_is_tracked,
    label_that_leads_back,
    subclass_cycle,
]


@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_a_cycle_is_found_by_the_collector(make):
    # In a process of its own: once a program attaches objects late, every node is tracked.
    program = f"""
        import gc, os, sys, weakref, runpy
        sys.path.append({str(TESTS)!r})
        cycle = runpy.run_path({__file__!r})[{make.__name__!r}]
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
