"""Bulk nodes: what a loop over + and * would give, folded or not."""

import copy
import functools
import gc
import operator
import pickle
import random
import signal
import weakref
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megagrad import nn
from megagrad.engine import Value
from megagrad.functional import dot
from megagrad.functional import sum as total

numbers = st.floats(-3, 3)
# What a Value is made of, or a plain number: (True, 1.0) is Value(1.0).
operand = st.tuples(st.booleans(), numbers)


def made(operands):
    return [Value(number) if is_value else number for is_value, number in operands]


def added(terms, start=0):
    # Not by sum(), which adds plain floats by another algorithm from Python 3.12 on.
    return functools.reduce(operator.add, terms, start)


def loop(w, x, bias=0):
    return added(map(operator.mul, w, x), bias)


def tree(node):
    """Everything that can be seen of a graph, with shared nodes told apart from equal ones."""
    numbering, seen = count(), {}

    def look(value):
        if value in seen:
            return seen[value]
        seen[value] = next(numbering)
        return (
            value._op,
            value.data,
            value.grad,
            value._local_grads,
            tuple(look(child) for child in value._children),
        )

    return look(node)


def twins(w, x, bias):
    """Make two sets of the same operands."""
    return [(made(w), made(x), made([bias])[0]) for _ in range(2)]


def grads(*operands):
    return [value.grad for value in operands if isinstance(value, Value)]


@given(st.lists(st.tuples(operand, operand), min_size=1, max_size=6), operand)
def test_a_dot_is_its_loop(pairs, bias):
    w, x = zip(*pairs, strict=True)
    (w1, x1, b1), (w2, x2, b2) = twins(w, x, bias)
    folded, reference = dot(w1, x1, b1), loop(w2, x2, b2)
    if not isinstance(reference, Value):  # all are plain numbers
        assert (folded.data, folded._op) == (reference, "")
        return
    assert folded.data == reference.data
    folded.backward()
    reference.backward()
    assert grads(*w1, *x1, b1) == pytest.approx(grads(*w2, *x2, b2), rel=1e-15, abs=1e-15)
    assert tree(folded) == tree(reference)
    folded.backward()  # now of ordinary nodes
    reference.backward()
    assert tree(folded) == tree(reference)


@given(st.lists(operand, min_size=1, max_size=6), operand)
def test_a_sum_is_its_loop(terms, start):
    (xs, _, b), (ys, _, c) = twins(terms, [], start)
    folded, reference = total(xs, b), added(ys, c)
    if not isinstance(reference, Value):
        assert (folded.data, folded._op) == (reference, "")
        return
    folded.backward()
    reference.backward()
    assert tree(folded) == tree(reference)


def neuron_of(w, x, b):
    return dot(w, x, b).tanh()


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


def test_operands_are_bound_late_and_nodes_show_the_numbers_of_their_time():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    out = dot(w, x)
    w[0].data, x[1].data = 20.0, 70.0
    out.backward()
    assert grads(*w, *x) == [5.0, 70.0, 20.0, 3.0]
    assert out.data == 31.0
    first, second = out._children
    assert (first.data, second.data) == (10.0, 21.0)
    assert dot(w, x).data == 310.0


def test_a_row_that_is_used_again_has_its_present_numbers():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    before = dot(w, x)
    w[1].data = 4.0
    after = dot(w, x)
    w[1] = Value(0.5)
    replaced = dot(w, x)
    assert [before.data, after.data, replaced.data] == [31.0, 38.0, 13.5]
    w[1].__init__(1.0)
    assert dot(w, x).data == 17.0
    (before + after).backward()
    assert grads(*x) == [4.0, 8.0]


def test_a_row_is_told_from_one_with_another_start():
    w, x = [Value(2.0)], [Value(5.0)]
    kept = [dot(w, x, bias) for bias in (None, 0, 1, Value(2.0), -0.0)]
    assert [k.data for k in kept] == [10.0, 10.0, 11.0, 12.0, 10.0]


@pytest.mark.parametrize("first", [None, 0, -0.0])
def test_a_row_that_starts_from_minus_zero_is_another(first):
    w, x = [Value(-0.0)], [1.0]
    kept = dot(w, x, first)
    assert str(dot(w, x, -0.0).data) == "-0.0"
    assert str(dot(w, x).data) == "0.0"
    del kept


def test_a_subclass_may_be_given_operators_later():
    class Later(Value):
        pass

    w, x = [Later(2.0)], [Value(3.0)]
    kept = [dot(w, x), total(w)]
    Later.__mul__ = lambda _, other: Value(100.0)
    Later.__radd__ = lambda _, other: Value(200.0)
    assert (dot(w, x).data, total(w).data) == (100.0, 200.0)
    del kept


def test_the_sign_of_zero_is_the_loops():
    assert str(dot([Value(-0.0)], [1.0]).data) == str(loop([Value(-0.0)], [1.0]).data) == "0.0"
    assert str(dot([Value(-0.0)], [1.0], -0.0).data) == "-0.0"


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_gradients_of_several_passes_add_up_in_nodes_unfolded_later(passes):
    def root(product):
        inner = product([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)], Value(1.0))
        return inner, inner * inner

    trees = []
    for product in (dot, loop):
        inner, out = root(product)
        for _ in range(passes):
            out.backward()
        inner.backward()
        out.backward()
        trees.append(tree(out))
    assert trees[0] == trees[1]


def test_setting_a_gradient_is_seen_by_that_node_alone():
    out = dot([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
    (out * 2).backward()
    out.grad = 0
    assert out.grad == 0
    assert [child.grad for child in out._children] == [2.0, 2.0]


def test_a_closure_that_adds_to_a_folded_nodes_gradient():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    inner = dot(w, x)
    out = Value(inner.data**2, (inner,), "square")

    def rule():
        inner.grad += 2 * inner.data * out.grad

    out._backward = rule
    out.backward()
    assert grads(*w) == [310.0, 434.0]
    assert [child.grad for child in inner._children] == [62.0, 62.0]


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_node_may_be_looked_at_while_the_pass_is_on_its_way_to_it(earlier):
    trees = []
    for product in (dot, loop):
        w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
        inner = product(w, x)
        middle = Value(inner.data, (inner,), "look")

        def rule(inner=inner, middle=middle):
            inner.grad += middle.grad / 2
            assert len(inner._prev) == 2
            inner.grad += middle.grad / 2

        middle._backward = rule
        out = middle * inner + product(w, x) + inner
        if earlier:
            (inner * 3).backward()
        out.backward()
        trees.append((tree(out), grads(*w, *x)))
    assert trees[0][1] == pytest.approx(trees[1][1])
    assert trees[0][0] == trees[1][0]


def test_a_pass_within_a_pass_over_shared_rows():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    results = []
    for product in (dot, loop):
        for value in (*w, *x):
            value.grad = 0
        side = product(w, x)
        middle = Value(1.0, (x[0],), "inner")
        middle._backward = side.backward
        # The outer pass has begun to gather for w and x when the closure runs.
        (product(w, x) * 2 + product(w, [middle, x[1]])).backward()
        results.append(grads(*w, *x))
    assert results[0] == results[1]


def test_a_pass_that_fails_leaves_nothing_for_the_next():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    failing = Value(1.0, (x[0],), "failing")

    def rule():
        raise RuntimeError("no")

    failing._backward = rule
    folded = dot(w, x)
    with pytest.raises(RuntimeError, match="no"):
        (folded + dot(w, [failing, x[1]])).backward()
    for value in (*w, *x, folded):
        value.grad = 0
    folded.backward()
    assert grads(*w, *x) == [5.0, 7.0, 2.0, 3.0]


def test_what_a_closure_sees_and_adds_where_it_looks():
    results = []
    for product in (dot, loop):
        w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
        inner = product(w, x)
        middle = Value(1.0, (inner,), "look")
        seen = []

        def rule(inner=inner, middle=middle, seen=seen):
            inner.grad += middle.grad
            partial, last = inner._children
            seen.append((partial.grad, last.grad))
            last.grad += 5

        middle._backward = rule
        middle.backward()
        results.append((seen, tree(inner), grads(*w, *x)))
    assert results[0] == results[1]


def test_a_closure_that_looks_and_fails_loses_nothing():
    results = []
    for product in (dot, loop):
        inner = product([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
        (inner * 3).backward()
        middle = Value(1.0, (inner,), "look")

        def rule(inner=inner):
            assert inner._children
            raise LookupError

        middle._backward = rule
        with pytest.raises(LookupError):
            middle.backward()
        results.append(tree(inner))
    assert results[0] == results[1]


def test_a_neuron_that_a_later_pass_unfolds_has_its_earlier_gradients():
    random.seed(1)
    layer = nn.Layer(2, 1, activation="tanh")
    results = []
    for run in (layer, lambda x: neuron_loop(layer.neurons[0], x)):
        layer.zero_grad()
        hidden = run([Value(0.5), Value(0.25)])
        (hidden * 3).backward()
        middle = Value(hidden.data, (hidden,), "look")

        def rule(hidden=hidden, middle=middle):
            hidden.grad += middle.grad
            assert hidden._children

        middle._backward = rule
        middle.backward()
        results.append(flattened(tree(hidden)))
    assert results[0] == pytest.approx(results[1], rel=1e-14)


def test_a_nested_pass_over_a_row_of_computed_operands():
    results = []
    for product in (dot, loop):
        leaf = Value(2.0)
        w, x = [Value(2.0), Value(3.0)], [leaf * 3, Value(7.0)]
        side = product(w, x)
        middle = Value(1.0, (Value(1.0),), "inner")
        middle._backward = side.backward
        (product(w, x) * 2 + (middle + product(w, x))).backward()
        results.append(grads(leaf, *w, *x))
    assert results[0] == results[1]


def test_a_nested_pass_from_a_node_that_the_outer_one_has_still_to_visit():
    results = []
    for product in (dot, loop):
        w, x = [Value(2.0), Value(3.0)], [Value(1.0), Value(7.0)]
        inner = product(w, x)
        middle = Value(1.0, (inner,), "inner")

        def rule(inner=inner, middle=middle):
            inner.backward()
            inner.grad += middle.grad

        middle._backward = rule
        middle.backward()
        results.append(grads(*w, *x, inner))
    assert results[0] == results[1]


def test_a_gradient_set_in_a_closure_on_a_node_of_another_graph():
    other = dot([Value(1.0), Value(2.0)], [Value(1.0), Value(2.0)])
    middle = Value(1.0, (Value(1.0),), "set")
    middle._backward = lambda: setattr(other, "grad", 5)
    middle.backward()
    assert (other.grad, [child.grad for child in other._children]) == (5.0, [0.0, 0.0])


def test_data_set_after_a_pass_leaves_the_gradients_that_were():
    random.seed(1)
    layer = nn.Layer(2, 1, activation="tanh")
    results = []
    for run in (layer, lambda x: neuron_loop(layer.neurons[0], x)):
        hidden = run([Value(0.5), Value(0.25)])
        (hidden * 3).backward()
        hidden.data = 0.9
        results.append(hidden._children[0].grad)
    assert results[0] == results[1]


@pytest.mark.parametrize("activation", ["sqrt", "cbrt"])
def test_no_gradient_times_an_infinite_slope_is_no_gradient(activation):
    out = nn.Layer(1, 1, activation=activation)([Value(0.0)])
    assert out._children[0].grad == 0.0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_a_signals_handler_may_look_while_a_pass_is_ordering():
    w, x, kept = [Value(1.0)], Value(1.0), []
    for _ in range(200_000):
        x = dot(w, [x])
        kept.append(x)
    handled = []

    def handler(*_):
        for node in (kept[-1], kept[-2], kept[100_000]):
            handled.append(len(node._children))

    before = signal.signal(signal.SIGALRM, handler)
    try:
        for delay in (0.0005, 0.002, 0.004):
            w[0].grad = 0.0
            signal.setitimer(signal.ITIMER_REAL, delay)
            x.backward()
            assert w[0].grad == 200_000.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled


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


class Loud(Value):
    """Counts what its operators are asked."""

    asked = 0

    def __mul__(self, other):
        Loud.asked += 1
        return super().__mul__(other)

    def __add__(self, other):
        Loud.asked += 1
        return super().__add__(other)

    __radd__ = __add__


class Quiet(Value):
    pass


def test_a_subclass_with_operators_of_its_own_is_asked():
    Loud.asked = 0
    assert dot([Loud(2.0), Value(3.0)], [5.0, 7.0]).data == 31.0
    assert total([Loud(2.0), 3.0]).data == 5.0
    assert nn.Neuron(1)([Loud(0.0)]).data == 0.0
    assert Loud.asked == 2  # multiplied by 5, added to 0; an exact Value's own * comes first
    out = dot([Quiet(2.0), Value(3.0)], [5.0, 7.0], Quiet(1.0))
    assert (out.data, type(out)) == (32.0, Value)


def test_a_patched_operator_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(Value, "__add__", lambda a, b: asked.append((a, b)) or Value(7.0))
    assert dot([Value(2.0)], [Value(3.0)], Value(1.0)).data == 7.0
    assert len(asked) == 1


def looked_at(make):
    out = make()
    assert out._children
    return out


@pytest.mark.parametrize("through", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_and_pickles_are_of_the_unfolded_graph(through):
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), 7.0]
    hidden = dot(w, x, Value(1.0))
    out = dot([hidden, hidden.tanh()], [w[0], hidden])
    out.backward()
    twin = through(out)
    assert tree(twin) == tree(out)
    twin.backward()
    out.backward()
    assert tree(twin) == tree(out)


def test_a_shallow_copy_shares_operands():
    out = dot([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
    assert copy.copy(out)._children == out._children


@pytest.mark.parametrize("look", [False, True])
def test_everything_is_freed_at_once(look):
    gc.collect()
    gc.disable()
    try:
        w, x = [Quiet(2.0), Quiet(3.0)], [Quiet(5.0), Quiet(7.0)]
        alive = [weakref.ref(value) for value in (*w, *x)]
        out = dot(w, x).relu()
        if look:
            assert len(out._children[0]._children) == 2
        out.backward()
        del w, x, out
        assert [ref() for ref in alive] == [None] * 4
    finally:
        gc.enable()


@pytest.mark.parametrize("when", ["before", "after"])
def test_cycles_through_rows_are_found(when):
    class Marker:
        pass

    marker = Marker()
    alive = weakref.ref(marker)
    leaf = Value(2.0)
    if when == "before":
        leaf.marker = marker
    out = dot([leaf, Value(1.0)], [Value(3.0), leaf])
    if when == "after":
        leaf.marker = marker
    marker.out = out
    del marker, leaf, out
    gc.collect()
    assert alive() is None


def test_a_deep_chain_of_folded_nodes():
    depth = 100_000
    weight, x = Value(0.5), Value(1.0)
    for _ in range(depth):
        x = dot([weight], [x], 0.25)
    x.backward()
    assert x.data == pytest.approx(0.5)
    assert weight.grad == pytest.approx(1.0)
    twin = copy.deepcopy(x)
    assert twin.data == x.data
    del x, twin


def test_the_graph_may_be_made_anew_under_a_folded_node():
    w, x = [Value(2.0)], [Value(5.0)]
    out = dot(w, x)
    out.__init__(3.0)
    assert (out.data, out._op, out._children) == (3.0, "", ())
    out = dot(w, x)
    w[0].__init__(1.0, (x[0],), (4.0,))
    out.backward()
    assert x[0].grad == 1.0 + 5.0 * 4.0


def shrink(items):
    """Return an operand whose conversion to a number empties the list that holds it."""

    class Treacherous:
        def __float__(self):
            items.clear()
            return 1.0

    import numbers

    numbers.Real.register(Treacherous)
    return Treacherous()


def test_a_list_that_changes_meanwhile_does_no_harm():
    items = [Value(1.0), Value(2.0)]
    items.append(shrink(items))
    assert total(items).data == 4.0
    assert items == []


def test_operators_that_change_the_lists_do_no_harm():
    class Clearing(Value):
        def __mul__(self, other):
            w.clear()
            x.clear()
            return super().__mul__(other)

        def __add__(self, other):
            w.clear()
            return super().__add__(other)

        __radd__ = __add__

    w, x = [Clearing(2.0), Value(3.0)], [5.0, Value(7.0)]
    assert dot(w, x).data == 31.0
    w = [Clearing(2.0), Value(3.0)]
    assert total(w).data == 5.0


def test_numbers_meet_as_in_python():
    leaf = Value(0.0)
    assert total([2**53, 1, 1, leaf]).data == 2.0**53 + 2
    assert dot([2**53, 1, 1, leaf], [1, 1, 1, 1]).data == 2.0**53 + 2
    thirds = np.array([1, 1], dtype=np.float32) / np.float32(3)
    assert dot([*thirds, leaf], [*thirds, 1.0]).data == sum(map(operator.mul, thirds, thirds))

    class Odd(float):
        def __mul__(self, other):
            return 100.0

        def __radd__(self, other):
            return Value(200.0)

    assert dot([Odd(2)], [3.0]).data == 100.0
    assert total([Odd(2)]).data == 200.0
    assert dot([Odd(2)], [leaf]).data == 0.0  # its own * does not know Values, ours is asked


def test_a_neurons_picture_is_micrograds():
    random.seed(1)
    neuron = nn.Neuron(2)
    out = neuron([1.0, -2.0])
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(out)
    assert sorted(node._op for node in nodes) == ["", "", "", "", "", "*", "*", "+", "+", "ReLU"]
    assert len(edges) == 9


def test_a_restored_value_cannot_be_folded():
    from megagrad._core import _restore

    for name in ("dot", "sum", "operands"):
        with pytest.raises(ValueError, match="unknown op"):
            _restore(None, Value, name, 1.0, 0.0, Value(1.0), Value(2.0))


def neuron_loop(neuron, x):
    act = loop(neuron.w, x, neuron.b)
    return getattr(act, neuron.activation)() if neuron.nonlin else act


def network_loop(model, x):
    for layer in model.layers:
        x = [neuron_loop(neuron, x) for neuron in layer.neurons]
    return x[0]


def drawn_twice(activation):
    models = []
    for _ in range(2):
        random.seed(11)
        models.append(nn.MLP(3, [4, 3, 1], activation=activation))
        for p in models[-1].parameters():
            p.data = random.uniform(0.1, 0.5)  # where log, arccos and the others are defined
    return models


@pytest.mark.parametrize("activation", sorted(nn.ACTIVATIONS))
@pytest.mark.parametrize("passes", [0, 1, 2])
def test_a_network_is_its_loop(activation, passes):
    trees = []
    for model, run in zip(drawn_twice(activation), (nn.MLP.__call__, network_loop), strict=True):
        x = [Value(0.25), Value(0.5), 0.125]
        try:
            out = run(model, x)
        except ValueError as error:
            trees.append(str(error))
            continue
        for _ in range(passes):
            (out * 3).backward()
        trees.append((tree(out), [p.grad for p in model.parameters()]))
    if isinstance(trees[0], str):
        assert trees[0] == trees[1]
        return
    assert trees[0][1] == pytest.approx(trees[1][1], rel=1e-13)
    assert flattened(trees[0][0]) == pytest.approx(flattened(trees[1][0]), rel=1e-13)
    assert shape(trees[0][0]) == shape(trees[1][0])


def flattened(looked):
    """All numbers of a tree, in its order."""
    if isinstance(looked, int):
        return []
    _, data, grad, partials, children = looked
    return [data, grad, *partials, *(number for child in children for number in flattened(child))]


def shape(looked):
    """A tree without its numbers."""
    return looked if isinstance(looked, int) else (looked[0], tuple(map(shape, looked[4])))


def test_a_neuron_unfolds_one_level_at_a_time():
    random.seed(2)
    layer = nn.Layer(2, 2, activation="gelu")
    out = layer([Value(0.5), Value(-0.25)])[1]
    out.backward()
    assert out._op == "gelu"
    (act,) = out._children
    assert (act._op, act.grad) == ("+", out._local_grads[0])
    assert act.gelu().data == out.data
    assert [child._op for child in act._children] == ["+", "*"]


def test_what_an_activation_refuses_is_an_error():
    layer = nn.Layer(1, 1, activation="log")
    layer.neurons[0].w[0].data, layer.neurons[0].b.data = 1.0, -1.0
    with pytest.raises(ValueError, match="log"):
        layer([0.5])
    layer.neurons[0].b.data = 1.0
    assert layer([0.0]).data == 0.0


class TestLayersAsTheyAreChanged:
    """Whatever is done to a network takes effect at its next call."""

    def model(self):
        random.seed(4)
        return nn.MLP(2, [3, 1], activation="tanh")

    def check(self, model, x=(0.5, -0.25)):
        x = list(x)
        assert model(x).data == network_loop(model, x).data

    def test_numbers(self):
        model = self.model()
        for p in model.parameters():
            p.data *= 1.5
            self.check(model)

    def test_parameters(self):
        model = self.model()
        self.check(model)
        neuron = model.layers[0].neurons[1]
        neuron.w[1] = Value(0.75)
        self.check(model)
        neuron.w = [Value(0.1), Value(0.2)]
        self.check(model)
        neuron.b = Value(3.0)
        self.check(model)
        vars(neuron)["b"] = Value(-3.0)
        self.check(model)
        neuron.b = Value(1.0).tanh()
        self.check(model)

    def test_activations(self):
        model = self.model()
        model.layers[0].neurons[0].activation = "relu"
        model.layers[0].neurons[1].nonlin = False
        self.check(model)
        model.layers[0].neurons[2].activation = lambda act: act * 2
        model.layers[1].neurons[0].b.data = 0.5
        before = model([0.5, -0.25]).data
        model.layers[0].neurons[2].activation = lambda act: act * 3
        assert model([0.5, -0.25]).data != before

    def test_neurons_and_layers(self):
        class Doubled(nn.Neuron):
            def __call__(self, x):
                return 2 * super().__call__(x)

        model = self.model()
        first = model.layers[0]
        before = first([0.5, -0.25])[0].data
        doubled = Doubled(2, activation="tanh")
        doubled.w, doubled.b = first.neurons[0].w, first.neurons[0].b
        first.neurons[0] = doubled
        assert first([0.5, -0.25])[0].data == 2 * before
        first.neurons.append(first.neurons[1])
        assert len(first([0.5, -0.25])) == 4
        first.neurons = tuple(first.neurons[:3])
        assert len(first([0.5, -0.25])) == 3
        model.layers[1] = nn.Layer(3, 2)
        assert len(model([0.5, -0.25])) == 2

    def test_methods(self, monkeypatch):
        model = self.model()
        monkeypatch.setattr(Value, "tanh", lambda self: self * 0)
        assert [h.data for h in model.layers[0]([0.5, -0.25])] == [0.0] * 3
        monkeypatch.undo()
        monkeypatch.setattr(nn.Neuron, "__call__", lambda self, x: len(x))
        assert model.layers[0]([0.5, -0.25]) == [2, 2, 2]
        monkeypatch.undo()
        monkeypatch.setattr(nn.Layer, "__call__", lambda self, x: [1.0] * 3)
        assert model([0.5, -0.25]) == [1.0] * 3
        monkeypatch.undo()
        self.check(model)

    def test_while_a_layer_is_called(self, monkeypatch):
        random.seed(1)
        layer, x = nn.Layer(1, 3, activation="tanh"), [Value(0.5)]

        def outputs(change):
            def activation(act):
                change()
                return act

            layer.neurons[0].activation = activation
            x[:] = [Value(0.5)]
            return [out.data for out in layer(x)][1:]

        second, third = layer.neurons[1:]
        assert outputs(lambda: setattr(x[0], "data", 10.0)) == [n(x).data for n in (second, third)]
        assert x[0].data == 10.0
        assert outputs(lambda: x.__setitem__(0, Value(3.0))) == [n(x).data for n in (second, third)]
        patch = monkeypatch.setattr
        assert outputs(lambda: patch(Value, "tanh", lambda v: v * 0)) == [0.0, 0.0]
        monkeypatch.undo()
        assert outputs(lambda: patch(nn.Neuron, "__call__", lambda n, x: x[0])) == [0.5, 0.5]

    def test_cycles_that_come_about_while_a_layer_is_called(self):
        class Marker:
            pass

        def cycle():
            marker = Marker()

            class Attaching(nn.Neuron):
                def __call__(self, x):
                    x[0].marker = marker
                    return Value(0.0)

            layer = nn.Layer(2, 2)
            layer.neurons[0] = Attaching(2)
            marker.out = layer([Value(1.0), Value(2.0)])[1]
            return weakref.ref(marker)

        alive = cycle()
        gc.collect()
        assert alive() is None

    def test_nobody_comes_across_an_unfinished_list(self):
        found = []

        class Searching(nn.Neuron):
            def __call__(self, x):
                lists = [o for o in gc.get_objects() if type(o) is list and len(o) == 7]
                found.extend(o for o in lists if len(gc.get_referents(o)) < 7)
                return Value(1.0)

        layer = nn.Layer(1, 7)
        layer.neurons[3] = Searching(1)
        outputs = layer([1.0])
        assert not found
        assert gc.is_tracked(outputs)

    def test_what_is_missing(self):
        model = self.model()
        del model.layers[0].neurons[0].b
        with pytest.raises(AttributeError, match="'b'"):
            model([0.5, -0.25])

    def test_lengths(self):
        model = self.model()
        with pytest.raises(ValueError, match=r"TanhNeuron\(2\) got 3 inputs, expected 2"):
            model([1.0, 2.0, 3.0])
        model.layers[0].neurons[1].w.append(Value(1.0))
        with pytest.raises(ValueError, match=r"TanhNeuron\(3\) got 2 inputs, expected 3"):
            model([1.0, 2.0])
        with pytest.raises(ValueError, match="got 0 inputs"):
            self.model()([])
