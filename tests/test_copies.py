"""copy, deepcopy and pickle: data, gradients, labels, attributes, and the graph's sharing."""

import copy
import gc
import io
import itertools
import pickle
import weakref

import pytest

from megagrad.engine import Value

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def through_pickle(protocol):
    return lambda thing: pickle.loads(pickle.dumps(thing, protocol))


WAYS = [copy.deepcopy, *map(through_pickle, PROTOCOLS)]
each_way = pytest.mark.parametrize(
    "duplicate", WAYS, ids=["deepcopy", *(f"pickle{p}" for p in PROTOCOLS)]
)


class Parameter(Value):
    """At the top of a module, so that pickle finds it."""

    def __init__(self, name):
        super().__init__(2.5)
        self.name = name


class Slotted(Value):
    __slots__ = ("momentum",)


def rule_of_the_module():
    """A closure that pickle can name."""


def graph():
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    product = x * w
    product.colour = "red"
    out = ((product + 1).tanh() - 2 / product) ** 3 + (x ** product.relu() + w.leaky_relu(0.3))
    out = out.maximum(w) + x / 7 + (5 - x) ** 2.0
    return x, w, product, out


def everything(root):
    """The graph below root as a list without identities, in a fixed order."""
    index, rows, stack = {}, [], [root]
    while stack:
        node = stack.pop()
        if node in index:
            continue
        index[node] = len(index)
        children = node._children
        rows.append((node, children))
        stack.extend(children)
    return [
        (type(n), n.data, n.grad, n._op, n.label, vars(n), n._local_grads, [index[c] for c in kids])
        for n, kids in rows
    ]


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


def test_one_pickler_for_many_dumps():
    x = Value(1.0)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    pickler.dump(x * 2 + 1)
    pickler.dump(x * 3 + 1)
    buffer.seek(0)
    unpickler = pickle.Unpickler(buffer)
    first, second = unpickler.load(), unpickler.load()
    assert first._children[0]._children[0] is second._children[0]._children[0]


def test_the_plain_python_pickler():
    x, _w, _product, out = graph()
    buffer = io.BytesIO()
    pickle._Pickler(buffer).dump([out, x])
    out2, x2 = pickle._loads(buffer.getvalue())
    assert everything(out2) == everything(out)
    assert x2 in set(_nodes(out2))


def _nodes(root):
    seen, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node._children)
    return seen


@pytest.mark.parametrize("length", [100_000])
@each_way
def test_depth_is_no_limit(duplicate, length):
    x = start = Value(1.0)
    for _ in range(length):
        x = x + start
    twin = duplicate(x)
    assert twin.data == length + 1
    twin.backward()
    while twin._children:
        twin = twin._children[0]
    assert twin.grad == length + 1


def test_a_graph_that_changes_while_it_is_pickled():
    x = Value(1.0)
    nodes = [x]
    for _ in range(100):
        nodes.append(nodes[-1] + 1)

    class Meddles:
        def __reduce__(self):
            for node in nodes[1:50]:
                node.__init__(0.0)
            return (int, ())

    x.guest = Meddles()
    nodes.append(nodes[-1] * x)
    twin = pickle.loads(pickle.dumps(nodes[-1]))
    assert twin.data == 101.0


HOSTILE = [
    ((None, int, "leaf", 1.0, 0.0), TypeError),
    ((None, Value, "nonsense", 1.0, 0.0), ValueError),
    ((None, Value, 5, 1.0, 0.0), ValueError),
    ((None, Value, "add", 1.0, 0.0), ValueError),
    ((None, Value, "add", 1.0, 0.0, 1.0, 2.0), ValueError),
    ((None, Value, "add", 1.0, 0.0, "x", Value(1.0)), TypeError),
    ((None, Value, "exp", 1.0, 0.0, 1.0, 0.0), ValueError),
    ((None, Value, "exp", 1.0, 0.0, Value(1.0), Value(1.0)), ValueError),
    ((None, Value, "leaf", 1.0, 0.0, Value(1.0), Value(1.0)), ValueError),
    ((None, Value, "custom", 1.0, 0.0, 1.0, 2.0), TypeError),
    ((None, Value, "custom", 1.0, 0.0, (1.0,), ()), TypeError),
    ((None, Value, "custom", 1.0, 0.0, (Value(1.0),), (1.0, 2.0)), ValueError),
    ((None, Value, "leaf", "x", 0.0), TypeError),
    ((None, Value, "leaf", 1.0, "x"), TypeError),
    ((), TypeError),
]


@pytest.mark.parametrize(("arguments", "error"), HOSTILE)
def test_a_pickle_that_was_tampered_with_is_an_error(arguments, error):
    from megagrad._core import _restore

    with pytest.raises(error):
        _restore(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, Value, "leaf", "x", 0.0), "data to restore must be a real number, not 'str'"),
        ((None, Value, "leaf", 0.0, []), "grad to restore must be a real number, not 'list'"),
        ((None, Value, "add", 1.0, 0.0, "x", 2.0), "must be a Value or a real number, not 'str'"),
        ((None, Value, "custom", 1.0, 0.0, (), 2.0), "two tuples, not 'tuple' and 'float'"),
    ],
)
def test_what_was_tampered_with_is_named(arguments, message):
    from megagrad._core import _restore

    with pytest.raises(TypeError, match=message):
        _restore(*arguments)


@pytest.mark.parametrize(
    "state",
    [
        *(None, 5, (), (1, 2), (None, None, None, None, None), (5, None, None, None)),
        *(((None, 5), None, None, None), (({}, 5), None, None, None), (None, 5, None, None)),
        *((None, None, 5, None), (None, None, None, 5)),
    ],
)
def test_a_state_that_was_tampered_with_is_an_error(state):
    from megagrad._core import _set_state

    with pytest.raises(TypeError):
        _set_state(Value(1.0), state)
    with pytest.raises(TypeError):
        _set_state(5, state)


@pytest.mark.parametrize("wrong", [("x", None, 5), ("x", 5, None), (5, "y", None)])
def test_a_state_that_is_wrong_in_part_is_not_applied_in_part(wrong):
    from megagrad._core import _set_state

    value = Value(1.0) + 1
    with pytest.raises(TypeError, match="must be"):
        _set_state(value, ({"free": 1}, *wrong))
    assert (vars(value), value.label, value._op) == ({}, "", "+")


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
        with pytest.raises(RuntimeError, match="contains itself"):
            copy.deepcopy(root)
        with pytest.raises(ValueError, match="contains itself"):
            pickle.dumps(root)
    x.__init__(1.0)


def test_a_list_of_running_sums_is_copied_in_one_go():
    sums = [Value(1.0)]
    for _ in range(20_000):
        sums.append(sums[-1] + 1)
    twins = copy.deepcopy(sums)
    assert all(twin._children[0] is before for before, twin in itertools.pairwise(twins))


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
