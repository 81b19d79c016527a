"""How a Value is made: micrograd's arguments in all their forms, and wrong ones."""

import inspect
from fractions import Fraction

import pytest

from megagrad.engine import Value


def test_signature():
    signature = str(inspect.signature(Value))
    assert signature.startswith("(data, _children=(), _op='', label='', *")


@pytest.mark.parametrize("data", [2, 2.0, True, Fraction(5, 2), 10**20])
def test_data_is_a_float(data):
    value = Value(data)
    assert type(value.data) is float
    assert value.data == float(data)
    assert type(value.grad) is float
    assert value.grad == 0.0


def test_a_leaf_has_no_past():
    leaf = Value(1.0)
    assert leaf._prev == set()
    assert leaf._children == ()
    assert leaf._op == ""
    assert leaf.label == ""
    assert leaf._local_grads == ()
    leaf._backward()
    assert leaf.grad == 0.0


def test_third_argument_a_str_is_the_op_label():
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, (a, b), "join", "joined")
    assert (out._op, out.label, out._children) == ("join", "joined", (a, b))
    assert out._local_grads == ()


@pytest.mark.parametrize("partials", [(2.0, -1), [2.0, -1.0]])
def test_third_argument_a_sequence_is_the_local_gradients(partials):
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, (a, b), partials)
    assert out._op == ""
    assert out._local_grads == (2.0, -1.0)
    (out * 3).backward()
    assert (a.grad, b.grad) == (6.0, -3.0)


def test_keywords():
    a, b = Value(1.0), Value(2.0)
    first = Value(data=3.0, _children=(a, b), _op="+", label="sum")
    assert (first._children, first._op, first.label) == ((a, b), "+", "sum")
    second = Value(3.0, children=[a, b], local_grads=[1.0, 1.0])
    assert (second._children, second._local_grads) == ((a, b), (1.0, 1.0))
    third = Value(3.0, children={a}, op="f")
    assert (third._prev, third._op) == ({a}, "f")
    fourth = Value(3.0, _prev=(a, b), _op="f", name="sum", local_grads=(1.0, 2.0), grad=5)
    assert (fourth._children, fourth._op, fourth.label) == ((a, b), "f", "sum")
    assert (fourth._local_grads, fourth.grad, type(fourth.grad)) == ((1.0, 2.0), 5.0, float)


def test_none_is_as_good_as_nothing():
    names = ("_children", "children", "_prev", "_op", "op", "local_grads", "label", "name", "grad")
    value = Value(1.0, **dict.fromkeys(names))
    assert (value._children, value._op, value._local_grads) == ((), "", ())
    assert (value.label, value.grad) == ("", 0.0)
    assert Value(1.0, None, None, None).label == ""
    assert Value(1.0, label=None, name="x").label == "x"


def test_one_child_twice_gets_both_shares():
    a = Value(3.0)
    Value(9.0, (a, a), (3.0, 3.0)).backward()
    assert a.grad == 6.0


def test_an_op_label_without_children_is_kept():
    assert Value(1.0, (), "input")._op == "input"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((), TypeError, "data"),
        (("1",), TypeError, "real number, not 'str'"),
        ((None,), TypeError, "real number, not 'NoneType'"),
        ((1j,), TypeError, "real number, not 'complex'"),
        ((Value(1.0),), TypeError, r"not 'Value'; use its \.data"),
        ((10**400,), OverflowError, "too large"),
        ((1.0, 5), TypeError, "_children must be a sequence, not 'int'"),
        ((1.0, (5,)), TypeError, "_children must be Values, not 'int'"),
        ((1.0, (Value(1.0),), 5), TypeError, "local_grads"),
        ((1.0, (Value(1.0),), ("x",)), TypeError, "local gradient must be a real number"),
        ((1.0, (Value(1.0),), (1.0, 2.0)), ValueError, "2 local gradients for 1 children"),
        ((1.0, (), (1.0,)), ValueError, "1 local gradients for 0 children"),
        ((1.0, (1 / 0 for _ in "x")), ZeroDivisionError, "division"),
        ((1.0, (len(5) for _ in "x")), TypeError, r"has no len\(\)"),
        ((1.0, (), "", 5), TypeError, "label must be a str, not 'int'"),
        ((1.0, (), "", "", 5), TypeError, "at most 4"),
        ((1.0, (Value(1.0),), "ab", 5), TypeError, "label must be a str"),
    ],
)
def test_bad_arguments(arguments, error, says):
    with pytest.raises(error, match=says):
        Value(*arguments)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"lable": "x"}, r"no argument 'lable'; it takes data, .*label \(or name\)"),
        ({"requires_grad": True}, "no argument 'requires_grad'; it takes data, _children"),
        ({"_children": (), "children": ()}, "both _children and children"),
        ({"_children": (), "_prev": ()}, "both _children and _prev"),
        ({"children": (), "_prev": ()}, "both children and _prev"),
        ({"_op": "", "op": ""}, "both _op and op"),
        ({"_op": (), "local_grads": ()}, "both local gradients as _op and local_grads"),
        ({"label": "x", "name": "x"}, "both label and name"),
        ({"name": 5}, "label must be a str, not 'int'"),
        ({"grad": "x"}, "grad must be a real number, not 'str'"),
        ({"grad": Value(1.0)}, r"grad must be a real number, not 'Value'; use its \.data"),
        ({"data": 2.0}, "data"),
    ],
)
def test_bad_keywords(keywords, says):
    with pytest.raises(TypeError, match=says):
        Value(1.0, **keywords)
    value = Value(1.0)
    with pytest.raises(TypeError, match=says):
        value.__init__(2.0, **keywords)
    assert (value.data, value.grad, value.label) == (1.0, 0.0, "")


def test_initialising_again_replaces_everything_but_attributes():
    a = Value(1.0)
    out = a * 2
    out.note, out.label = "kept", "product"
    out.__init__(5.0)
    assert (out.data, out._children, out._op, out.note) == (5.0, (), "", "kept")
    assert out.label == ""
    out.backward()
    assert a.grad == 0.0


def test_a_failed_initialisation_changes_nothing():
    a = Value(1.0)
    out = a * 2
    with pytest.raises(ValueError, match="local gradients"):
        out.__init__(9.0, (a,), (1.0, 2.0))
    with pytest.raises(TypeError):
        out.__init__("x")
    assert (out.data, out._op, out._children[0]) == (2.0, "*", a)


def test_numbers_that_fail_as_they_are_looked_at():
    class Interrupted:
        def __float__(self):
            return 1.0

        @property
        def dtype(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Value(Interrupted())
    with pytest.raises(OverflowError, match=r"Value\(\) data is an int too large"):
        Value(10**400)
