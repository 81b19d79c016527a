"""Attributes of a Value, its own and free ones, and weak references to it."""

import sys
import weakref
from fractions import Fraction

import pytest

from megagrad.engine import Value


class Whole(int):
    pass


class Real(float):
    pass


def test_data_and_grad_can_be_set():
    value = Value(1.0)
    value.data -= 0.5
    value.grad = 3
    assert (value.data, value.grad) == (0.5, 3.0)
    assert type(value.grad) is float


@pytest.mark.parametrize("name", ["data", "grad"])
@pytest.mark.parametrize("wrong", ["1", None, Value(1.0), [1.0]])
def test_data_and_grad_take_numbers_only(name, wrong):
    value = Value(1.0)
    with pytest.raises(TypeError, match=f"{name} must be a real number"):
        setattr(value, name, wrong)
    assert (value.data, value.grad) == (1.0, 0.0)


def test_numbers_that_are_kept_stay_as_they_were_read():
    values = [Value(i) for i in range(9)]
    kept = [value.data for value in values]
    first, second, third = (value.data for value in values[:3])
    best = max(value.data for value in values)
    for value in values:
        value.grad = value.data - 0.5
        assert (value.data, value.grad) == (value.data, value.data - 0.5)
        value.data -= 2 * value.grad
    assert kept == [*range(9)]
    assert (first, second, third, best) == (0, 1, 2, 8)
    assert [value.data for value in values] == [1.0 - i for i in range(9)]
    assert {type(number) for number in kept} == {float}


@pytest.mark.parametrize("name", ["data", "grad"])
def test_reading_numbers_in_a_loop_makes_no_objects(name):
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("a free-threaded Python counts references another way")
    value, others = Value(1.0), [float(i) for i in range(1000)]
    used = {id(getattr(value, name)), id(getattr(value, name))}
    more = [float(i) for i in range(1000)]  # takes whatever memory floats were freed to
    assert {id(getattr(value, name)) for _ in others} == used
    assert not used & {*map(id, more)}


@pytest.mark.parametrize("name", ["data", "grad"])
@pytest.mark.parametrize("number", [2, True, 2.5, Fraction(5, 2), Whole(3), Real(0.5)])
def test_what_data_and_grad_take_besides_floats(name, number):
    value = Value(1.0)
    setattr(value, name, number)
    assert getattr(value, name) == number
    assert type(getattr(value, name)) is float
    with pytest.raises(OverflowError, match=f"{name} is an int too large"):
        setattr(value, name, 10**400)
    assert getattr(value, name) == number


@pytest.mark.parametrize("name", ["data", "grad", "label", "_op"])
def test_own_fields_cannot_be_deleted(name):
    with pytest.raises(AttributeError, match="cannot be deleted"):
        delattr(Value(1.0), name)


def test_free_attributes():
    value = Value(1.0)
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'm'"):
        value.m  # noqa: B018
    value.m = 0.5
    value.m += 1
    value.colour = "red"
    assert vars(value) == {"m": 1.5, "colour": "red"}
    assert hasattr(value, "m")
    del value.m
    assert not hasattr(value, "m")
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'm'"):
        del value.m
    assert {"data", "backward", "colour"} <= set(dir(value))


def test_attributes_on_nodes_leave_the_arithmetic_alone():
    a, b = Value(2.0), Value(3.0)
    for build in (lambda: a * b, lambda: a * 3.0, lambda: 3.0 - a, lambda: a**2, lambda: a.relu()):
        plain, dressed = build(), build()
        dressed.colour = "red"
        dressed.label = "y"
        assert dressed._children == plain._children or len(plain._children) == 2
        assert dressed._op == plain._op
        assert dressed._local_grads == plain._local_grads
        a.grad = b.grad = 0.0
        plain.backward()
        expected = a.grad, b.grad
        a.grad = b.grad = 0.0
        dressed.backward()
        assert (a.grad, b.grad) == expected


def test_a_free_attribute_does_not_hide_a_field():
    value = Value(1.0)
    vars(value)["label"] = "hidden"
    vars(value)["data"] = "hidden"
    assert value.label == ""
    assert value.data == 1.0


def test_label_must_be_a_str():
    with pytest.raises(TypeError, match="label must be a str"):
        Value(1.0).label = 5


def test_the_dict_of_attributes_can_be_replaced():
    class Sub(Value):
        pass

    for value in (Value(1.0), Sub(1.0)):
        value.old = 1
        value.__dict__ = {"new": 2}
        assert vars(value) == {"new": 2}
        with pytest.raises(TypeError, match="__dict__ must be"):
            value.__dict__ = 5
        assert value.new == 2
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del Value(1.0).__dict__


def test_weak_references():
    value = Value(1.0)
    ends = []
    reference = weakref.ref(value, ends.append)
    table = weakref.WeakKeyDictionary({value: "x"})
    assert reference() is value
    del value
    assert reference() is None
    assert ends == [reference]
    assert len(table) == 0


def test_a_node_inside_a_dying_graph_tells_its_weak_references():
    inner = Value(1.0) * 2
    ends = []
    reference = weakref.ref(inner, ends.append)
    outer = inner + 1
    del inner
    assert reference() is not None
    del outer
    assert ends == [reference]


def test_attribute_names_are_strings():
    value = Value(1.0)
    for call in (
        lambda: Value.__setattr__(value, 5, 3),
        lambda: Value.__delattr__(value, b"x" * 300),
        lambda: Value.__getattribute__(value, 5),
    ):
        with pytest.raises(TypeError, match="attribute name must be string"):
            call()
    assert vars(value) == {}
