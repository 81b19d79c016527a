"""What classes, attributes and memos have to say while a graph is copied and pickled."""

import copy
import gc
import io
import pickle
import weakref

import pytest
from support.copied_graphs import (
    PROTOCOLS,
    WAYS,
    each_way,
    through_pickle,
)

from megagrad.engine import Value


class Cached(Value):
    """Leaves out what cannot be pickled, as Python's classes may."""

    def __getstate__(self):
        return {"kept": self.kept}


class Counted(Value):
    """Packs and unpacks its state by itself."""

    def __getstate__(self):
        return self.count

    def __setstate__(self, count):
        self.count = count + 1


class Named(Value):
    """Says itself how it is made anew."""

    def __reduce__(self):
        return Named, (self.data + 1,)


class Shared(Value):
    """Is not copied."""

    def __deepcopy__(self, memo):
        return self


@pytest.mark.parametrize("duplicate", [copy.copy, *WAYS])
def test_a_subclass_says_what_its_state_is(duplicate):
    value = Cached(2.0)
    value.kept, value.cache, value.label = 1, lambda: None, "x"
    twin = duplicate(value)
    assert (twin.data, vars(twin), twin.label) == (2.0, {"kept": 1}, "x")
    value = Counted(2.0)
    value.count = 5
    assert (duplicate(value).data, duplicate(value).count) == (2.0, 6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_subclass_says_how_it_is_pickled(protocol):
    value = Named(2.0)
    twin = through_pickle(protocol)(value * 3)
    assert type(twin._children[0]) is Named
    assert twin._children[0].data == 3.0


def test_deepcopy_asks_the_memo_and_the_class_of_every_node():
    x = Value(1.0)
    assert copy.deepcopy(x * 2 + 1, {id(x): x})._children[0]._children[0] is x
    p = Shared(1.0)
    first, second = copy.deepcopy([p * 2, p])
    assert first._children[0] is second is p

    class Wrong(Value):
        def __deepcopy__(self, memo):
            return 5

    with pytest.raises(TypeError, match="must return a Value, not 'int'"):
        copy.deepcopy(Wrong(1.0) * 2)


class Eager(Value):
    """Copies all that it leads to, itself first."""

    def __deepcopy__(self, memo):
        twin = memo[id(self)] = Eager(self.data)
        twin.top = copy.deepcopy(self.top, memo)
        return twin


def test_a_node_that_is_copied_meanwhile_is_copied_once_and_let_go():
    p = Eager(1.0)
    middle = p * 2
    p.top = middle + 1
    twin = copy.deepcopy(p.top)
    inner = twin._children[0]._children[0]
    assert type(inner) is Eager
    assert inner.top is twin
    ends = [weakref.ref(node) for node in (twin, inner, p, middle)]
    del twin, inner, p, middle
    gc.collect()
    assert [reference() for reference in ends] == [None] * 4


def test_a_graph_that_contains_itself_is_refused():
    x = Value(1.0)
    x.__init__(2.0, (x * 2,), (1.0,))
    for root in (x, x * 3):
        for duplicate in (copy.deepcopy, pickle.dumps):
            with pytest.raises(ValueError, match="contains itself"):
                duplicate(root)
    x.__init__(1.0)


class Name(str):
    """A name that is not exactly a str."""


@each_way
def test_attribute_names_of_every_kind(duplicate):
    value = Value(1.0)
    setattr(value, Name("x"), 1)
    vars(value)[5] = 2
    assert vars(duplicate(value)) == {"x": 1, 5: 2}


@each_way
def test_an_attribute_at_the_bottom_that_leads_to_the_top(duplicate):
    x = y = Value(1.0)
    for _ in range(20_000):
        y = y + 1.0
    x.top = y
    twin = duplicate(y)
    node = twin
    while node._children:
        node = node._children[0]
    assert node.top is twin


def test_a_failed_dump_does_not_spoil_the_next():
    x = y = Value(1.0)
    nodes = []
    for _ in range(20_000):
        y = y + 1.0
        nodes.append(y)
    nodes[100].bad = lambda: None
    pickler = pickle.Pickler(io.BytesIO())
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickler.dump(y)
    del nodes[100].bad
    for root in (y, nodes[99], nodes[100], nodes[101], nodes[5000]):
        assert pickle.loads(pickle.dumps(root)).data == root.data
    assert x.data == 1.0


class WalksTheGraph:
    """Its pickling walks the graph that it hangs on."""

    root = None

    def __reduce__(self):
        self.root.backward()
        return (int, ())


def test_an_attribute_may_walk_the_graph_while_it_is_pickled():
    x = y = Value(1.0)
    for _ in range(50_000):
        y = y + 1.0
    x.walker = WalksTheGraph()
    x.walker.root = y
    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_an_attribute_may_clear_the_memo_while_it_is_copied():
    class Clears:
        def __deepcopy__(self, memo):
            memo.clear()
            return self

    x = Value(1.0)
    x.guest = Clears()
    twin = copy.deepcopy(x * 2 + 1)
    assert twin.data == 3.0
    assert type(twin._children[0]._children[0].guest) is Clears


def test_a_memo_with_something_else_in_our_place():
    with pytest.raises(TypeError, match=r"the memo of __deepcopy__\(\) has a 'int'"):
        Value(1.0).__deepcopy__({"megagrad.CopyMap": 5})
