"""Who keeps whom alive, what the cyclic collector sees, and that memory comes back."""

import gc
import inspect
import os
import sys
import textwrap
import weakref

import pytest
from support.lifetimes import Node, ended
from support.needs import needs_plain_memory, needs_pymalloc
from support.processes import printed

from megagrad.engine import Value


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def in_a_process(program):
    prelude = "import gc, os, sys\nfrom megagrad.engine import Value\n"
    assert printed(prelude + inspect.getsource(resident) + textwrap.dedent(program)) == []


# --- plain graphs ----------------------------------------------------------------------------


@pytest.mark.usefixtures("no_collector")
def test_a_plain_graph_is_freed_by_counting_references_at_once():
    x = Value(1.0)
    y = x * 2 + 3
    first, last = weakref.ref(x), weakref.ref(y)
    del x
    assert not ended(first)
    y.backward()
    del y
    assert ended(last)
    assert ended(first)


@pytest.mark.usefixtures("no_collector")
def test_looking_at_children_does_not_keep_them():
    y = (Value(1.0) * 2 + 3.0).relu()
    inner = weakref.ref(y._children[0])
    assert len(y._prev) == 1
    del y
    assert ended(inner)


# What the collector sees is asked in a fresh process: from the first object that is attached to a
# node with users on, it sees every node.


def test_plain_nodes_are_unknown_to_the_collector():
    in_a_process("""
        import copy, pickle
        x = Value(1.0)
        y = x * 2 + 3
        y.label = "y"
        y.colour = "red"
        y.position = (1, 2.5)
        x.m = 0.0
        y.backward()
        for root in (y, copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
            assert not gc.is_tracked(root)
            assert not any(map(gc.is_tracked, root._children))
    """)


def test_a_node_that_holds_an_object_is_known_and_so_is_what_comes_of_it():
    in_a_process("""
        import copy, pickle
        x = Value(1.0)
        x.history = []
        y = x * 2
        for root in (y, copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
            assert gc.is_tracked(root)
            assert gc.is_tracked(root._children[0])
            assert gc.is_tracked(root + 1)
        assert not gc.is_tracked(Value(1.0) + 1)
    """)


def test_an_object_attached_late_makes_every_node_known():
    in_a_process("""
        x = Value(1.0)
        y = x * 2
        elsewhere = [Value(float(i)) for i in range(1000)]
        freed = [Value(float(i)) for i in range(1000)]
        del freed
        x.users = []
        assert gc.is_tracked(x) and gc.is_tracked(y)
        assert all(map(gc.is_tracked, elsewhere))
        assert gc.is_tracked(elsewhere[0] + 1)
        gc.collect()
        assert y.data + sum(v.data for v in elsewhere) == 2.0 + sum(range(1000))
    """)


# --- depth and memory ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "labelled", "closures", "subclass"])
def test_freeing_a_deep_graph_uses_no_recursion(kind):
    x = Value(1.0)
    for _ in range(200_000):
        if kind == "closures":
            inner = x
            x = Value(inner.data, (inner,), "id")
            x._backward = lambda: None
        else:
            x = x + 1.0
        if kind == "labelled":
            x.label = "x"
            x.colour = "red"
        if kind == "subclass":
            x = Node(x.data, (x,), (1.0,))
    x.backward()
    del x
    gc.collect()


@needs_proc
@needs_plain_memory
@needs_pymalloc
def test_a_live_binary_node_takes_at_most_96_bytes():
    in_a_process("""
        x = y = Value(1.0)
        for _ in range(200_000):  # what a process takes once
            x = x + y
        before = resident()
        for _ in range(1_000_000):
            x = x + y
        taken = (resident() - before) / 1_000_000
        assert taken <= 96, taken
    """)


@needs_proc
@needs_plain_memory
@needs_pymalloc
def test_freeing_a_large_graph_returns_its_memory():
    in_a_process("""
        x = y = Value(1.0)
        before = resident()
        for _ in range(3_000_000):
            x = x + y
        x.backward()
        assert resident() - before > 200e6
        x = None
        left = resident() - before
        assert left < 64e6, left
    """)


@needs_proc
@needs_plain_memory
@needs_pymalloc
def test_training_steps_hold_their_memory_level():
    in_a_process("""
        def square(x):
            out = Value(x.data**2, (x,), "square")
            def rule():
                x.grad += 2 * x.data * out.grad
            out._backward = rule
            return out

        w = Value(3.0)
        levels = []
        for step in range(30_000):
            loss = square(w - 1) + 0.5 * w
            w.grad = 0.0
            loss.backward()
            w.data -= 0.01 * w.grad
            if step % 10_000 == 9_999:
                levels.append(resident())
        assert abs(w.data - 0.75) < 1e-6
        assert max(levels) - min(levels) < 1e6, levels
    """)


@needs_proc
@needs_plain_memory
def test_failing_calls_leak_nothing():
    in_a_process("""
        import copy, pickle
        v = Value(1.0)
        failing = [
            lambda: v + "x", lambda: v / 0, lambda: Value("x"), lambda: Value(-1.0).log(),
            lambda: Value(1.0, (v, v), (1.0,)), lambda: Value(1.0, (v, 5)), lambda: float(v),
            lambda: v.leaky_relu("x"), lambda: v.missing, lambda: setattr(v, "data", "x"),
            lambda: Value(1000.0).exp(), lambda: copy.deepcopy(refuses), lambda: v < "x",
        ]
        class Refuses:
            def __deepcopy__(self, memo):
                raise ValueError
        refuses = Value(1.0)
        refuses.guest = Refuses()
        refuses = refuses * 2 + 1
        def all_fail():
            for call in failing:
                try:
                    call()
                except Exception:
                    pass
                else:
                    raise AssertionError(call)
        for _ in range(2_000):
            all_fail()
        gc.collect()
        before = resident()
        for _ in range(10_000):
            all_fail()
        gc.collect()
        assert resident() - before < 1e6, resident() - before
    """)


def test_reference_counts_balance():
    x = Value(1.0)
    before = sys.getrefcount(x)
    for _ in range(10):
        y = ((x + 1) * x - 2 * x) ** 2
        y.backward()
        assert y._prev
        assert x._backward
    del y
    assert sys.getrefcount(x) == before
