"""copy, deepcopy and pickle: data, gradients, labels, attributes, and the graph's sharing."""

import copy
import pickle

import pytest
from support.copied_graphs import (
    WAYS,
    Parameter,
    Slotted,
    each_way,
    graph,
    rule_of_the_module,
)
from support.trees import everything

from megagrad.engine import Value


@each_way
def test_the_whole_graph_comes_along(duplicate):
    _x, _w, _product, out = graph()
    out.backward()
    twin = duplicate(out)
    assert twin is not out
    assert everything(twin) == everything(out)


@each_way
def test_the_copy_is_a_graph_of_its_own(duplicate):
    x, w, product, out = graph()
    x2, w2, product2, out2 = duplicate((x, w, product, out))
    out2.backward()
    assert (x.grad, w.grad, out.grad) == (0.0, 0.0, 0.0)
    out.backward()
    assert (x2.grad, w2.grad, product2.grad) == (x.grad, w.grad, product.grad)
    x2.data = 100.0
    assert x.data == 2.0


@each_way
def test_sharing_between_roots_is_kept(duplicate):
    x = Value(2.0)
    shared = x * 3
    roots = [shared + 1, shared * shared, x, shared]
    first, second, leaf, middle = duplicate(roots)
    assert first._children[0] is middle
    assert second._children == (middle, middle)
    assert middle._children[0] is leaf
    again, same = duplicate([x, x])
    assert again is same


@each_way
def test_roots_in_every_order(duplicate):
    x = Value(2.0)
    y = x * 3
    z = y + x
    for order in ([x, y, z], [z, y, x], [y, z, x], [y, x, z]):
        copies = dict(zip(order, duplicate(order), strict=True))
        assert copies[z]._children == (copies[y], copies[x])
        assert copies[y]._children[0] is copies[x]


@each_way
def test_local_gradients_of_the_users_own_op(duplicate):
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, (a, b, a), (1.0, 2.0, 3.0))
    out._op = "mine"
    twin = duplicate(out)
    assert (twin._local_grads, twin._op, twin.data) == ((1.0, 2.0, 3.0), "mine", 3.0)
    first, second, third = twin._children
    assert first is third
    assert (first.data, second.data) == (1.0, 2.0)
    twin.backward()
    assert first.grad == 4.0


@each_way
def test_closures_that_have_a_name(duplicate):
    out = Value(3.0, (Value(1.0),), "mine")
    out._backward = rule_of_the_module
    assert duplicate(out)._backward is rule_of_the_module


def test_a_local_closure_is_an_error_of_pickles_and_shared_by_deepcopy():
    out = Value(3.0, (Value(1.0),), "mine")
    out._backward = lambda: None
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"lambda|local object"):
        pickle.dumps(out)
    assert copy.deepcopy(out)._backward is out._backward


@each_way
def test_subclasses(duplicate):
    p = Parameter("w")
    p.more = [1, 2]
    out = p * p
    out.backward()
    twin = duplicate(out)._children[0]
    assert type(twin) is Parameter
    assert (twin.data, twin.grad, vars(twin)) == (2.5, 5.0, {"name": "w", "more": [1, 2]})
    assert twin.more is not p.more


@each_way
def test_attributes_that_lead_back_into_the_graph(duplicate):
    x = Value(2.0)
    y = x * 3
    x.users = [y]
    y.origin = x
    y.me = y
    twin = duplicate(y)
    assert twin.me is twin
    assert twin.origin is twin._children[0]
    assert twin.origin.users == [twin]


@each_way
def test_unusual_numbers(duplicate):
    for text in ("inf", "-inf", "nan", "-0.0", "5e-324"):
        value = Value(float(text))
        value.grad = float(text)
        assert repr(duplicate(value)) == repr(value)


@pytest.mark.parametrize("duplicate", [copy.copy, *WAYS[:1], *WAYS[3:]])
def test_slots_of_a_subclass(duplicate):
    p = Slotted(2.0)
    p.free, p.momentum = 1, [0.5]
    twin = duplicate(p)
    assert type(twin) is Slotted
    assert (twin.data, twin.free, twin.momentum) == (2.0, 1, [0.5])
    assert not hasattr(duplicate(Slotted(2.0)), "momentum")


def test_a_pickle_of_a_slotted_subclass_keeps_the_graph():
    p = Slotted(2.0)
    p.momentum = 0.5
    twin = pickle.loads(pickle.dumps(p * 3))._children[0]
    assert type(twin) is Slotted
    assert twin.momentum == 0.5


def test_copy_shares_the_operands_and_nothing_else():
    x = Value(2.0)
    y = x * 3
    y.label, y.notes = "y", ["a"]
    y.grad = 5.0
    twin = copy.copy(y)
    assert (twin.data, twin.grad, twin.label, twin._op) == (6.0, 5.0, "y", "*")
    assert twin._children[0] is x
    assert twin.notes is y.notes
    twin.data, twin.label, twin.other = 1.0, "twin", 2
    assert (y.data, y.label) == (6.0, "y")
    assert not hasattr(y, "other")
    twin.backward()
    assert x.grad == 3.0


def test_copy_of_a_custom_op_and_of_a_subclass():
    a = Value(1.0)
    out = copy.copy(Value(3.0, (a,), (2.0,)))
    out.backward()
    assert a.grad == 2.0
    p = copy.copy(Parameter("w"))
    assert (type(p), p.name, p.data) == (Parameter, "w", 2.5)


def test_deepcopy_keeps_to_its_memo():
    x = Value(2.0)
    y = x * 3
    memo = {}
    x2 = copy.deepcopy(x, memo)
    y2 = copy.deepcopy(y, memo)
    assert y2._children[0] is x2
    assert copy.deepcopy(y, memo) is y2


def test_a_deepcopy_that_fails_leaves_the_original_alone():
    class Refuses:
        def __deepcopy__(self, memo):
            raise LookupError("not me")

    x = Value(2.0)
    y = x * 3
    x.guest = Refuses()
    with pytest.raises(LookupError, match="not me"):
        copy.deepcopy(y)
    x.guest = [1]
    assert copy.deepcopy(y)._children[0].guest == [1]


def test_deepcopy_asks_for_a_dict():
    with pytest.raises(TypeError, match=r"__deepcopy__\(\) needs a dict, not 'int'"):
        Value(1.0).__deepcopy__(5)
