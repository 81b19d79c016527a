"""Picklers, deep graphs, and pickles and states that were tampered with."""

import io
import pickle

import pytest
from support.copied_graphs import each_way, graph
from support.trees import everything, nodes_below

from megagrad.engine import Value


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
    assert x2 in nodes_below(out2)


@each_way
def test_depth_is_no_limit(duplicate):
    length = 100_000
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
