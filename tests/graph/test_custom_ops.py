"""Ops of the user's own: Values whose chain rule is a closure."""

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
