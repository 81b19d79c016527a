"""topological_order: operands before their users, however deep."""

import random

import pytest

from megagrad import Value, nn, topological_order


def test_the_order_of_the_lecture():
    a, b = Value(2.0), Value(3.0)
    product = a * b
    total = product + a
    assert topological_order(total) == [a, b, product, total]
    assert topological_order(a) == [a]


def test_operands_come_first_and_each_once():
    random.seed(1)
    root = nn.MLP(3, [4, 4, 1])([1.0, 2.0, 3.0])
    order = topological_order(root)
    places = {value: place for place, value in enumerate(order)}
    assert order[-1] is root
    assert len(places) == len(order) > 80
    assert all(places[child] < places[value] for value in order for child in value._children)


def test_a_deep_graph():
    x = total = Value(0.0)
    for _ in range(100_000):
        total = total + 1.0
    order = topological_order(total)
    assert order[0] is x
    assert order[-1] is total
    assert len(order) == 200_001


@pytest.mark.parametrize("root", [None, 1.0, [Value(1.0)]])
def test_what_is_no_value(root):
    with pytest.raises(TypeError, match="root must be a Value, not"):
        topological_order(root)
