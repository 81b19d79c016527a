"""What "drop-in" means: where a Value is, its graph, how it compares and prints."""

import math

import pytest

import megagrad
from megagrad.engine import Value


def test_value_is_where_micrograd_has_it_and_at_the_top():
    assert megagrad.Value is Value
    assert (Value.__module__, Value.__qualname__) == ("megagrad.engine", "Value")


# --- the graph -------------------------------------------------------------------------------


def test_children_are_the_same_objects_every_time():
    a, b = Value(1.0), Value(2.0)
    out = a * b
    assert out._children == (a, b)
    assert out._children[0] is a
    assert out._prev == {a, b}
    assert isinstance(out._prev, set)
    assert isinstance(out._children, tuple)


@pytest.mark.parametrize(
    ("build", "numbers"),
    [
        (lambda v: v + 2.0, [5.0, 2.0]),
        (lambda v: 2.0 + v, [5.0, 2.0]),
        (lambda v: 2.0 * v, [5.0, 2.0]),
        (lambda v: v - 2.0, [5.0, 2.0]),
        (lambda v: 2.0 - v, [2.0, 5.0]),
        (lambda v: 2.0 / v, [2.0, 5.0]),
        (lambda v: 2.0**v, [2.0, 5.0]),
        (lambda v: v**2.0, [5.0]),
    ],
)
def test_a_plain_number_shows_as_a_leaf_and_stays_the_same(build, numbers):
    out = build(Value(5.0))
    out.backward()
    children = out._children
    assert [child.data for child in children] == numbers
    assert [id(child) for child in out._children] == [id(child) for child in children]
    assert [child.grad for child in children] == list(out._local_grads)
    assert out._prev == set(children)


def test_operands_are_bound_late():
    x, w = Value(2.0), Value(3.0)
    out = x * w
    x.data = 10.0
    assert out._local_grads == (3.0, 10.0)
    out.backward()
    assert w.grad == 10.0


def test_backward_of_one_node_applies_its_chain_rule_once():
    a, b = Value(2.0), Value(3.0)
    out = a * b
    out.grad = 10.0
    out._backward()
    assert (a.grad, b.grad) == (30.0, 20.0)
    out._backward()
    assert (a.grad, b.grad) == (60.0, 40.0)
    rule = out._backward
    del out
    rule()  # keeps its node alive
    assert a.grad == 90.0


def test_gradients_accumulate_each_call_its_own():
    x = Value(1.0)
    y = x * 2
    z = y * 3
    z.backward()
    assert (x.grad, y.grad, z.grad) == (6.0, 3.0, 1.0)
    z.backward()
    assert (x.grad, y.grad, z.grad) == (12.0, 6.0, 1.0)


def test_the_roots_gradient_is_set_even_where_it_is_a_leaf():
    x = Value(1.0)
    x.grad = 5.0
    x.backward()
    assert x.grad == 1.0


def test_sub_neg_and_div_are_one_node_each():
    a, b = Value(1.0), Value(3.0)
    for out in (a - b, a / b):
        assert out._prev == {a, b}
    assert (-a)._prev == {a}
    assert (a / b).data == 1.0 / 3.0


def test_sum_and_in_place_operators():
    values = [Value(x) for x in (1.0, 2.0, 3.0)]
    total = sum(values)
    first = total
    total += 1
    total *= 2
    total -= 1
    total /= 2
    total **= 2
    assert total.data == (((6.0 + 1) * 2 - 1) / 2) ** 2
    assert first.data == 6.0
    total.backward()
    assert [value.grad for value in values] == [13.0] * 3


# --- identity, order, text -------------------------------------------------------------------


def test_equality_and_hash_are_identity():
    a, b = Value(1.0), Value(1.0)
    assert a == a  # noqa: PLR0124
    assert a != b
    assert a != 1.0
    assert len({a, b, a}) == 2
    assert {a: "x"}[a] == "x"
    assert a in [a]
    assert b not in [a]
    assert bool(Value(0.0)) is True


def test_order_compares_data():
    a, b = Value(1.0), Value(2.0)
    assert a < b
    assert a <= b
    assert b > a
    assert b >= a
    assert not a > b
    assert a < 1.5
    assert b > 1.5
    assert b >= 2
    assert max(a, b) is b
    assert sorted([b, a]) == [a, b]
    assert not Value(math.nan) < a
    assert a < 10**400
    assert Value(2.0**53) < 2**53 + 1
    with pytest.raises(TypeError):
        a < "1"  # noqa: B015


def test_text_of_unusual_numbers():
    inf = Value(math.inf)
    assert str(inf - inf) == "Value(data = nan)"
    assert str(-inf) == "Value(data = -inf)"


@pytest.mark.parametrize("convert", [float, math.sqrt, math.exp])
def test_a_silent_detach_is_refused(convert):
    with pytest.raises(TypeError, match=r"use its \.data"):
        convert(Value(1.0))
    with pytest.raises(TypeError):
        int(Value(1.0))
