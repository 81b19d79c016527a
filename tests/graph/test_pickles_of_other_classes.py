"""Pickles of a Value in pure Python, micrograd's or a class like it, where the class is ours now."""

import gc
import pickle
import weakref

import pytest

from megagrad import engine, nn
from megagrad.engine import Value


def under_our_name(cls):
    """The class as pickles name it."""
    cls.__module__, cls.__qualname__ = engine.__name__, "Value"
    return cls


@under_our_name
class WithDict:
    """micrograd's attributes, with a rule that can be pickled."""

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = data
        self.grad = 0
        self._backward = None
        self._prev = set(_children)
        self._op = _op
        self.label = label


@under_our_name
class WithSlots:
    """As in a GPT of scalars: the local gradients are kept."""

    __slots__ = ("_children", "_local_grads", "data", "grad")

    def __init__(self, data, children=(), local_grads=()):
        self.data = data
        self.grad = 0
        self._children = children
        self._local_grads = local_grads


class Slots:
    __slots__ = ("_prev", "data", "momentum")


@under_our_name
class WithBoth(Slots):
    def __init__(self, data, children=(), **others):
        self.data = data
        self._prev = frozenset(children)
        vars(self).update(others, grad=0.0)


def saved(monkeypatch, cls, make, protocol=pickle.DEFAULT_PROTOCOL):
    """The pickle of what make() returns, in a process where engine.Value is that class."""
    with monkeypatch.context() as patch:
        patch.setattr(engine, "Value", cls)
        return pickle.dumps(make(), protocol)


@pytest.fixture(params=[pickle.loads, pickle._loads], ids=["C", "Python"])
def load(request):
    return request.param


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("cls", [WithDict, WithSlots, WithBoth])
def test_a_leaf(monkeypatch, load, cls, protocol):
    def make():
        leaf = cls(-1.5)
        leaf.grad = 0.25
        return leaf

    value = load(saved(monkeypatch, cls, make, protocol))
    assert type(value) is Value
    assert (value.data, value.grad, value._children, value._op) == (-1.5, 0.25, (), "")
    assert vars(value) == {}
    (value * 2).backward()
    assert value.grad == 2.25


def test_a_graph_with_local_gradients(monkeypatch, load):
    def make():
        x = WithSlots(3.0)
        square = WithSlots(9.0, (x, x), (3.0, 3.0))
        return [x, WithSlots(90.0, (square,), (10.0,))]

    x, out = load(saved(monkeypatch, WithSlots, make))
    assert out._children[0]._children == (x, x)
    assert out._children[0]._local_grads == (3.0, 3.0)
    out.backward()
    assert x.grad == 60.0


def rule():
    """A rule that pickle finds by its name."""


def test_a_graph_of_micrograds(monkeypatch, load):
    def make():
        a, b = WithDict(2.0, label="a"), WithDict(3.0)
        product = WithDict(6.0, (a, b), "*", "ab")
        product._backward = rule
        return [a, b, product, WithDict(7, (product,), "+")]

    a, b, product, out = load(saved(monkeypatch, WithDict, make))
    assert (a.label, a._op, product.label, product._op) == ("a", "", "ab", "*")
    assert (product._prev, out._prev, out.data) == ({a, b}, {product}, 7.0)
    assert product._backward is rule
    with pytest.warns(UserWarning, match=r"stops at a Value of the op '\+'"):
        out.backward()  # its rule was not saved


def test_other_attributes_stay(monkeypatch, load):
    def make():
        leaf = WithBoth(1.0, note=["kept"], requires_grad=True)
        leaf.momentum = 0.5
        return leaf

    value = load(saved(monkeypatch, WithBoth, make))
    assert vars(value) == {"note": ["kept"], "requires_grad": True, "momentum": 0.5}


def test_a_programs_subclass(monkeypatch, load):
    class Parameter(Value):
        pass

    monkeypatch.setattr(engine, "Parameter", Parameter, raising=False)
    Parameter.__module__, Parameter.__qualname__ = engine.__name__, "Parameter"
    state = {"data": 2.0, "grad": 1.0, "_prev": set(), "_backward": None, "_op": "", "rate": 0.1}
    frame = pickle.dumps(Parameter(5.0))
    assert load(frame).data == 5.0
    value = Parameter.__new__(Parameter)
    value.__setstate__(state)
    assert (value.data, value.grad, vars(value)) == (2.0, 1.0, {"rate": 0.1})
    # What a __reduce__ of its own may leave to pickle, beside the data.
    value.__setstate__({"rate": 0.2})
    assert (value.data, vars(value)) == (2.0, {"rate": 0.2})
    with pytest.raises(TypeError, match="no attribute 'data'"):
        value.__setstate__({"grad": 0.2})


def test_a_network_computes_what_it_computed(monkeypatch, load):
    """micrograd's neurons know no activation, which ours have."""
    model = nn.MLP(2, [3, 1])
    numbers = model.state_dict()

    def make():
        for layer in model.layers:
            for neuron in layer.neurons:
                neuron.w = [WithSlots(w.data) for w in neuron.w]
                neuron.b = WithSlots(neuron.b.data)
                del neuron.activation
        return model

    loaded = load(saved(monkeypatch, WithSlots, make))
    assert loaded.state_dict() == numbers
    model = nn.MLP(2, [3, 1])
    model.load_state_dict(numbers)
    assert loaded([1.0, -2.0]).data == model([1.0, -2.0]).data


def test_a_cycle(monkeypatch, load):
    """A child whose attribute leads back: it is in a set before it has its state."""

    def make():
        child = WithDict(1.0)
        out = WithDict(2.0, (child,), "f")
        child.user, child.own, out._backward = out, {child: 1}, rule
        return out

    out = load(saved(monkeypatch, WithDict, make))
    [child] = out._prev
    assert child.user is out
    assert child.own == {child: 1}
    out.backward()
    gone = weakref.ref(out)
    del out, child
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("protocol", [0, 1])
def test_protocols_that_make_a_plain_object_are_refused(monkeypatch, load, protocol):
    with pytest.raises(TypeError, match="Value"):
        load(saved(monkeypatch, WithDict, lambda: WithDict(1.0), protocol))


@under_our_name
class NoData:
    def __init__(self):
        self.value = 3.0


@under_our_name
class ATuple(WithDict):
    def __getstate__(self):
        return (self.data, self.grad)


@pytest.mark.parametrize(
    ("cls", "make", "error", "says"),
    [
        (NoData, NoData, TypeError, "no attribute 'data'; load it with that class"),
        (ATuple, lambda: ATuple(1.0), TypeError, "neither a dict nor a pair of dicts"),
        (WithDict, lambda: WithDict([1.0]), TypeError, "data must be a real number, not 'list'"),
        (WithDict, lambda: WithDict(1.0, (2.0,)), TypeError, "_children must be Values"),
        (WithDict, lambda: WithDict(1.0, (), 5), TypeError, "_op must be a str, not 'int'"),
        (WithDict, lambda: WithDict(1.0, (), "", b"x"), TypeError, "label must be a str"),
        (
            WithSlots,
            lambda: WithSlots(1.0, (WithSlots(2.0),)),
            ValueError,
            "0 local gradients for 1 children",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(monkeypatch, load, cls, make, error, says):
    with pytest.raises(error, match=says):
        load(saved(monkeypatch, cls, make))


@pytest.mark.parametrize(
    "state",
    [
        *(None, 5, (), ({}, 5), ({}, {}, {}), {}, {"note": 1}, {"data": None}, {"grad": 1.0}),
        *({"data": 1.0, "_backward": 5}, {"data": 1.0, "grad": "x"}, {"data": 1.0, "_prev": 5}),
        *((None, {"grad": 1.0}), {"data": 1.0, "_local_grads": {1.0: 2.0, "x": 1.0}}),
    ],
)
def test_a_state_that_is_refused_changes_nothing(state):
    x = Value(2.0)
    value = x * 3
    value.grad, value.label = 4.0, "kept"
    with pytest.raises((TypeError, ValueError)):
        value.__setstate__(state)
    assert (value.data, value.grad, value._op, value.label) == (6.0, 4.0, "*", "kept")
    assert value._children[0] is x


def test_names_that_interfere_as_they_are_looked_up():
    value = Value(1.0)

    class Meddles(str):
        __slots__ = ()

        def __hash__(self):
            return hash("grad")

        def __eq__(self, other):
            value.__init__(9.0)
            state.clear()
            return False

    state = {Meddles("x"): 1, "data": 5.0}
    value.__setstate__(state)
    assert value.data == 5.0


def test_pickles_of_ours_do_not_pass_by_it(monkeypatch):
    value = Value(1.0)
    value.note, value.label = [1], "x"
    value.__dict__["data"] = "free"
    twin = pickle.loads(pickle.dumps(value))
    assert (twin.data, twin.label, vars(twin)) == (1.0, "x", {"note": [1], "data": "free"})
    monkeypatch.setattr(Value, "__setstate__", lambda self, state: setattr(self, "got", state))
    assert pickle.loads(pickle.dumps(value)).got == {"note": [1], "data": "free"}
