"""Bulk nodes that are looked at: they unfold to the nodes of their loop, with its gradients."""

import random

import pytest
from support.loops import loop, neuron_loop
from support.trees import grads, nodes_below, tree

from megagrad import nn
from megagrad.engine import Value
from megagrad.functional import dot


def test_nodes_that_are_looked_at_before_a_pass_give_the_same_gradients():
    rng = random.Random(3)
    results = []
    for looked_at in range(8):
        rng.seed(5)
        w = [[Value(rng.uniform(-1, 1)) for _ in range(3)] for _ in range(3)]
        x = [Value(rng.uniform(-1, 1)) for _ in range(3)]
        sums = [dot(row, x, row[0]) for row in w]
        hidden = [s.tanh() for s in sums]
        out = dot(hidden, hidden, x[0])
        for bit, node in enumerate((sums[0], sums[2], out)):
            if looked_at >> bit & 1:
                assert len(node._prev) == 2
        for _ in range(2):
            out.backward()
        results.append([out.data, *grads(*x, *w[0], *w[1], *w[2])])
    for result in results[1:]:
        assert result == pytest.approx(results[0], rel=1e-14)


def test_a_folded_node_shows_what_it_stands_for():
    w, x, b = [Value(2.0), Value(-1.0)], [Value(0.5), 4], Value(1.0)
    out = dot(w, x, b)
    assert out._op == "+"
    assert out._local_grads == (1.0, 1.0)
    partial, product = out._children
    assert (partial._op, partial.data, partial._children[0]) == ("+", 2.0, b)
    assert partial._children[1]._children == (w[0], x[0])
    assert (product._op, product.data) == ("*", -4.0)
    assert product._children[0] is w[1]
    assert product._children[1].data == 4.0
    assert out._children == (partial, product)  # the same objects every time
    assert out._prev == {partial, product}


def test_a_folded_nodes_own_rule_reaches_its_two_operands_only():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    out = dot(w, x)
    out.grad = 1.0
    out._backward()
    assert [child.grad for child in out._children] == [1.0, 1.0]
    assert grads(*w, *x) == [0.0] * 4


def test_a_walk_by_hand_is_backward():
    w, x, b = [Value(2.0), Value(-1.0)], [Value(0.5), Value(4.0)], Value(1.0)
    out = dot(w, x, b).tanh() * 3
    topo, visited = [], set()

    def build(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            topo.append(v)

    build(out)
    out.grad = 1.0
    for v in reversed(topo):
        v._backward()
    by_hand = grads(*w, *x, b)
    for v in topo:
        v.grad = 0.0
    dot(w, x, b).tanh().__mul__(3).backward()
    assert grads(*w, *x, b) == by_hand


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_gradients_of_several_passes_add_up_in_nodes_unfolded_later(passes):
    def outcome(product):
        inner = product([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)], Value(1.0))
        out = inner * inner
        for root in (*[out] * passes, inner, out):
            root.backward()
        return tree(out)

    assert outcome(dot) == outcome(loop)


def test_setting_a_gradient_is_seen_by_that_node_alone():
    out = dot([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
    (out * 2).backward()
    out.grad = 0
    assert out.grad == 0
    assert [child.grad for child in out._children] == [2.0, 2.0]


def test_data_set_after_a_pass_leaves_the_gradients_that_were():
    random.seed(1)
    layer = nn.Layer(2, 1, activation="tanh")

    def outcome(run):
        hidden = run([Value(0.5), Value(0.25)])
        (hidden * 3).backward()
        hidden.data = 0.9
        return hidden._children[0].grad

    assert outcome(layer) == outcome(lambda x: neuron_loop(layer.neurons[0], x))


@pytest.mark.parametrize("activation", ["sqrt", "cbrt"])
def test_no_gradient_times_an_infinite_slope_is_no_gradient(activation):
    out = nn.Layer(1, 1, activation=activation)([Value(0.0)])
    assert out._children[0].grad == 0.0


def test_a_folded_node_may_have_a_closure_attributes_and_a_label():
    w, x = [Value(2.0)], [Value(5.0)]
    out = dot(w, x)
    out.label, out._op, out.colour = "sum", "neuron", "red"
    (out * 2).backward()
    assert grads(*w, *x) == [10.0, 4.0]
    assert (out.label, out._op, out.colour, len(out._children)) == ("sum", "neuron", "red", 2)
    other = dot(w, x)
    other._backward = lambda: None
    other.backward()
    assert grads(*w, *x) == [10.0, 4.0]


def test_a_neurons_picture_is_micrograds():
    random.seed(1)
    neuron = nn.Neuron(2)
    out = neuron([1.0, -2.0])
    nodes = nodes_below(out)
    assert sorted(node._op for node in nodes) == ["", "", "", "", "", "*", "*", "+", "+", "ReLU"]
    assert sum(len(node._prev) for node in nodes) == 9
