"""Ops of the user's own: Values whose chain rule is a closure."""

import copy
import pickle
import warnings

import pytest

from megagrad.engine import Value


def softsign(x):
    out = Value(x.data / (1 + abs(x.data)), (x,), "softsign")

    def rule():
        x.grad += out.grad / (1 + abs(x.data)) ** 2

    out._backward = rule
    return out


def test_an_op_with_a_closure():
    x = Value(3.0)
    out = softsign(x * 1)
    (out * 8).backward()
    assert x.grad == 8 / 16
    assert out._op == "softsign"
    assert callable(out._backward)


def test_a_closure_may_replace_a_native_ops_rule_and_be_removed():
    a, b = Value(2.0), Value(3.0)
    out = a * b
    calls = []
    out._backward = lambda: calls.append(out.grad)
    out.backward()
    assert calls == [1.0]
    assert (a.grad, b.grad) == (0.0, 0.0)
    del out._backward
    out.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_a_leafs_closure_runs_when_its_gradient_is_complete():
    x = Value(2.0)
    seen = []
    x._backward = lambda: seen.append(x.grad)
    (x * x + x).backward()
    assert seen == [5.0]


def test_a_closure_must_be_callable():
    with pytest.raises(TypeError, match="_backward must be callable, not 'int'"):
        Value(1.0)._backward = 5


def test_a_closure_that_is_replaced_may_interfere_as_it_goes():
    x = Value(1.0)
    y = x * 3

    class Interferes:
        def __call__(self):
            pass

        def __del__(self):
            del y._backward

    y._backward = Interferes()
    y._backward = lambda: None
    y.backward()
    assert x.grad == 3.0  # the last word was to delete it


def without_a_rule():
    x = Value(2.0)
    return x, Value(4.0, (x,), "square")


def stops(node):
    """The warnings of three passes, and where they say that they come from."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            node.backward()
    return [(warning.category, str(warning.message), warning.filename) for warning in caught]


@pytest.mark.parametrize(
    "user", [lambda node: node, lambda node: node * 2 + 1, lambda node: node.relu()]
)
def test_a_node_without_a_rule_is_warned_of_once(user):
    x, node = without_a_rule()
    [(category, text, file)] = stops(user(node) + x * 3)
    assert (category, file) == (UserWarning, __file__)
    assert "a Value of the op 'square'" in text
    assert "needs local gradients or a _backward" in text
    assert x.grad == 9.0  # what comes by another way still does


def test_each_op_without_a_rule_is_warned_of():
    x, node = without_a_rule()
    cube = Value(8.0, (x,), "cube")
    assert [len(stops(root)) for root in (node, cube, cube)] == [1, 1, 1]


def test_nothing_is_warned_of_that_has_a_rule():
    x, node = without_a_rule()
    node._backward = lambda: None
    others = Value(1.0, (x,), (0.0,)), Value(1.0, (), "input"), node.detach(), Value(node.data)
    for root in (node, *others):
        assert stops(root * 2) == []
    node.__init__(3.0, (x,), (1.0,))
    assert stops(node) == []
    node.__init__(3.0)
    assert stops(node) == []


@pytest.mark.parametrize(
    "change",
    [
        copy.copy,
        copy.deepcopy,
        lambda node: pickle.loads(pickle.dumps(node)),
        lambda node: node.__init__(1.0, node._children, "again") or node,
    ],
)
def test_copies_without_a_rule_are_warned_of_too(change):
    assert len(stops(change(without_a_rule()[1]))) == 1


def test_a_rule_that_is_taken_away():
    x, node = without_a_rule()
    node._backward = lambda: None
    assert stops(node) == []
    del node._backward
    assert len(stops(node)) == 1
    given = Value(1.0, (x,), (5.0,))
    given._backward = lambda: None
    del given._backward
    assert stops(given) == []
    assert x.grad == 15.0


def test_nothing_is_half_done_where_warnings_are_errors():
    x, node = without_a_rule()
    y = x * 5
    root = y + node
    y.grad, root.grad = 7.0, 8.0
    for _ in range(2):
        with pytest.raises(UserWarning, match="stops at"):
            root.backward()
    assert [value.grad for value in (x, y, node, root)] == [0.0, 7.0, 0.0, 8.0]


def test_who_shows_the_warning_may_change_the_graph(monkeypatch):
    x, node = without_a_rule()
    root = node * 2 + x

    def show(*_):
        for value in (root, node, x):
            value.__init__(1.0)

    monkeypatch.setattr(warnings, "showwarning", show)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        root.backward()
    assert (root.data, root.grad) == (1.0, 1.0)
