"""Finalizers, closures and hashes that interfere with the node that is being worked on."""

import contextlib
import gc
import weakref

import pytest
from support.lifetimes import Marker, ended
from support.needs import FREE_THREADED

from megagrad.engine import Value


class Trigger:
    """Garbage whose finalizer runs a function, when the collector next runs."""

    def __init__(self, function):
        self.function = function
        self.me = self

    def __del__(self):
        self.function()


@pytest.fixture
def collect_at_every_allocation():
    if FREE_THREADED:
        pytest.skip("its collector runs between instructions alone")
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


def test_a_finalizer_may_take_apart_what_is_listed_for_a_pickle(collect_at_every_allocation):
    value = Value(0.0)
    for _ in range(50):
        value = value + 1.0
    reduce = value.__reduce_ex__
    reduce(2)
    hold = []

    def take_apart():
        value.__init__(0.0)
        hold.extend(Value(-1.0) for _ in range(60))  # where freed nodes were

    gc.disable()
    Trigger(take_apart)
    collect_at_every_allocation()
    gc.enable()
    descendants = reduce(2)[1][0][0]
    gc.disable()
    assert hold
    assert [node.data for node in descendants] in ([], [float(i) for i in range(50)])


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
