"""Who keeps whom alive, what the cyclic collector sees, and that memory comes back."""

import contextlib
import gc
import inspect
import os
import subprocess
import sys
import textwrap
import weakref

import pytest

from megagrad.engine import Value


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def ended(reference):
    return reference() is None


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")


def in_a_process(program, *arguments):
    source = textwrap.dedent(program)
    prelude = "import gc, os, sys\nfrom megagrad.engine import Value\n"
    done = subprocess.run(
        [sys.executable, "-c", prelude + inspect.getsource(resident) + source, *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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


# --- cycles ----------------------------------------------------------------------------------


class Marker:
    """Something to hang on a Value and watch."""


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


class Node(Value):
    """Subclass instances are always known to the collector."""


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
    program = textwrap.dedent(f"""
        import gc, weakref, runpy
        cycle = runpy.run_path({__file__!r})[{make.__name__!r}]
        gc.collect()
        gc.disable()
        reference = weakref.ref(cycle())
        assert reference() is not None, "not a cycle"
        gc.collect()
        assert reference() is None, "leaked"
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
    program = textwrap.dedent("""
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
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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


class Trigger:
    """Garbage whose finalizer runs a function, when the collector next runs."""

    def __init__(self, function):
        self.function = function
        self.me = self

    def __del__(self):
        self.function()


@pytest.fixture
def collect_at_every_allocation():
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    yield lambda: gc.set_threshold(1, 1, 1)
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.parametrize("look", ["_children", "_prev", "_local_grads"])
@pytest.mark.parametrize("count", [0, 1, 5000])
def test_a_finalizer_may_remake_the_node_that_is_looked_at(
    look, count, collect_at_every_allocation
):
    others = [Value(2.0) for _ in range(count)]
    for make in (
        lambda: Value(0.0, [Value(1.0) for _ in range(50)], [1.0] * 50),
        lambda: (Value(3.0) * 1.0) / 2.0,
        lambda: 2.0 - Value(1.0),
    ):
        node = make()
        gc.disable()
        Trigger(lambda node=node: node.__init__(0.0, others, [1.0] * count))
        collect_at_every_allocation()
        gc.enable()
        found = getattr(node, look)
        assert all(type(item) in (Value, float) for item in found)
        gc.collect()
        assert len(getattr(node, look)) in (count, 1 if look == "_prev" and count else count)


def test_a_finalizer_may_replace_what_is_being_saved(collect_at_every_allocation):
    value = Value(1.0)
    value.label = "first" * 50
    reduce = value.__reduce_ex__
    reduce(2)
    hold = [tuple([i] * 4) for i in range(3000)]  # empties the free list of tuples

    def change():
        value.label = "second"
        hold.append([f"x{i}" * 20 for i in range(1000)])

    gc.disable()
    Trigger(change)
    collect_at_every_allocation()
    gc.enable()
    saved = reduce(2)
    assert saved[2][1] in ("first" * 50, "second")


def test_a_finalizer_may_set_the_first_attribute_before_us(collect_at_every_allocation):
    value, marker = Value(1.0), Marker()
    reference = weakref.ref(marker)
    gc.disable()
    Trigger(lambda value=value, marker=marker: setattr(value, "from_finalizer", marker))
    del marker
    hold = [{} for _ in range(400)]  # empties the free list of dicts
    collect_at_every_allocation()
    gc.enable()
    value.other = 1
    gc.collect()
    assert set(vars(value)) == {"from_finalizer", "other"}
    assert len(hold) == 400
    del value
    gc.collect()
    assert ended(reference)


def test_a_closure_may_remake_its_node_as_it_goes():
    class Remakes:
        def __init__(self, node, kept):
            self.node, self.kept = node, kept

        def __call__(self):
            pass

        def __del__(self):
            self.node.__init__(5.0, [self.kept])

    kept = Value(1.0)
    reference = weakref.ref(kept)
    node = Value(0.0)
    node._backward = Remakes(node, kept)
    node.__init__(7.0, [Value(2.0)])
    del node, kept
    gc.collect()
    assert ended(reference)


@pytest.mark.parametrize("use", [getattr, delattr, hasattr])
def test_a_name_whose_hash_replaces_the_attributes(use):
    class Name(str):
        __slots__ = ()

        def __hash__(self):
            value.__dict__ = {f"y{i}": i for i in range(100)}
            gc.collect()
            return hash(str(self))

    value = Value(1.0)
    value.__dict__ = {f"x{i}": i for i in range(100)}
    if use is hasattr:
        use(value, Name("x5"))
    else:
        with contextlib.suppress(AttributeError):  # it is in the old ones, or no more
            use(value, Name("x5"))
    assert value.y99 == 99
