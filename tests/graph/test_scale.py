"""Graphs of many nodes, in every shape and every operation: none recurses or is lost.

Nothing is timed here; bench/scale.py fits how the time grows, up to 10,000,000 nodes.
"""

import copy
import gc
import io
import itertools
import os
import pickle
from functools import partial

import pytest
from support.own_ops import own
from support.processes import printed
from support.trees import everything

from megagrad import Function, explain, optim
from megagrad._core import census
from megagrad.engine import Value
from megagrad.functional import dot
from megagrad.functional import sum as total

NODES = 20_000
NODES_FOR_PYTHON = 4_000  # recursion in Python fails at 1,000


class Instance(Value):
    """At the top of a module, so that pickle finds it."""


def named_rule():
    """A closure that pickle can name; it passes nothing on."""


def deep(nodes=NODES):
    leaf, root = Value(1.0), Value(0.0)
    for _ in range(nodes):
        root = root + leaf
    return leaf, root, nodes


def wide(nodes=NODES):
    leaf = Value(0.5)
    return leaf, total([leaf] * nodes), nodes


def long_dot(nodes=NODES):
    leaf = Value(0.5)
    return leaf, dot([leaf] * nodes, [2.0] * nodes), 2 * nodes


def own_op_of_many(nodes=NODES):
    leaf = Value(1.0)
    return leaf, Value(0.0, [leaf] * nodes, (0.5,) * nodes), nodes / 2


def diamonds(nodes=NODES):
    leaf = root = Value(1.0)
    for _ in range(nodes // 3):
        root = root * 0.75 + root * 0.25
    return leaf, root, 1


def network(nodes=NODES):
    width, layers = 16, nodes // 512
    weights = [[Value(1 / width) for _ in range(width)] for _ in range(width)]
    x = [Value(1.0) for _ in range(width)]
    for _ in range(layers):
        x = [dot(row, x) for row in weights]
    return weights[0][0], total(x), layers


def labelled(nodes=NODES):
    leaf, root, grad = deep(nodes)
    node = root
    while node._children:
        node.label, node.colour = "x", "red"
        node = node._children[0]
    return leaf, root, grad


def closures(nodes=NODES):
    leaf = root = Value(1.0)
    for _ in range(nodes // 2):
        root = own(root)
    return leaf, root, 1


def named_closures(nodes=NODES):
    leaf = root = Value(1.0)
    for _ in range(nodes // 2):
        root = Value(root.data, (root,), "own")
        root._backward = named_rule
    return leaf, root, 0


def instances(nodes=NODES):
    leaf = root = Value(1.0)
    for _ in range(nodes // 2):
        root = Instance(root.data, (root,), (1.0,))
    return leaf, root, 1


SHAPES = [
    *(deep, wide, long_dot, own_op_of_many, diamonds, network),
    *(labelled, closures, named_closures, instances),
]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
OWN = (own_op_of_many, closures, named_closures, instances)


@each_shape
def test_backward_twice_and_zeroed(shape):
    leaf, root, grad = shape()
    for times in (1, 2):
        root.backward()
        assert leaf.grad == times * grad
    optim.SGD([leaf], lr=0.1).zero_grad()
    assert leaf.grad == 0


def through(pickler, unpickle):
    def duplicate(root):
        file = io.BytesIO()
        pickler(file, 5).dump(root)
        return unpickle(file.getvalue())

    return duplicate


WAYS = {
    "deepcopy": copy.deepcopy,
    "pickle": through(pickle.Pickler, pickle.loads),
    "pickle in Python": through(pickle._Pickler, pickle._loads),
}


def nodes_for(duplicate):
    return NODES_FOR_PYTHON if duplicate is WAYS["pickle in Python"] else NODES


each_way = pytest.mark.parametrize("duplicate", WAYS.values(), ids=WAYS)


@each_way
@each_shape
def test_copies(shape, duplicate):
    if shape is closures and duplicate is not copy.deepcopy:
        pytest.skip("pickle takes no local functions")
    _, root, _ = shape(nodes_for(duplicate))
    root.backward()
    twin = duplicate(root)
    assert census(twin) == census(root)
    assert everything(twin) == everything(root)


@each_shape
def test_recorded_or_refused(shape, tmp_path):
    leaf, root, grad = shape()
    if shape in OWN:
        with pytest.raises(ValueError, match="a rule of the user's own"):
            Function([leaf], root)
        return
    f = Function([leaf], root)
    f.save(tmp_path / "f")
    for g in (f, Function.load(tmp_path / "f"), pickle.loads(pickle.dumps(f))):
        output, grads, _ = g.vjp([leaf.data])
        assert output == g([leaf.data]) == root.data
        assert grads[0] == grad
        assert g.jvp([leaf.data], [1.0])[1] == grad
        assert str(g) == str(f)


@each_shape
def test_counted_instead_of_shown(shape):
    _, root, _ = shape()
    before = census(root)
    if shape is own_op_of_many:
        assert before == {"custom": 1, "leaf": 1}
        return
    assert sum(before.values()) >= NODES // 2
    heading = explain(root).heading
    assert heading.startswith(f"{sum(before.values()):,} nodes, more than the limit of 400")
    pytest.importorskip("graphviz")
    from megagrad import draw_dot

    assert draw_dot(root).summary == heading
    assert len(draw_dot(root).body) == 1
    assert census(root) == before


@each_shape
def test_freed(shape):
    leaf, root, _ = shape()
    root.end = leaf.end = [root]  # a cycle through all of it
    del root
    gc.collect()
    assert leaf.end[0].backward() is None
    del leaf
    gc.collect()


# --- many roots --------------------------------------------------------------------------------


def running_sums(count):
    sums = [Value(1.0)]
    for _ in range(count):
        sums.append(sums[-1] * 0.5 + 1)
    return sums


@each_way
@pytest.mark.parametrize("turn", [1, -1], ids=["first to last", "last to first"])
def test_a_list_of_running_sums_is_copied_in_one_go(duplicate, turn):
    sums = running_sums(nodes_for(duplicate) // 2)
    twins = duplicate(sums[::turn])[::turn]
    assert [twin.data for twin in twins] == [root.data for root in sums]
    assert all(
        twin._children[0]._children[0] is before for before, twin in itertools.pairwise(twins)
    )


def test_picklers_that_take_turns_know_nothing_of_each_other():
    sums = running_sums(2_000)
    files = [io.BytesIO() for _ in range(3)]
    picklers = [pickle.Pickler(file) for file in files]
    for root in sums[::100]:
        for pickler in picklers:
            pickler.dump(root)
            assert pickle.loads(pickle.dumps(root)).data == root.data
    for file in files:
        file.seek(0)
        unpickler = pickle.Unpickler(file)
        twins = [unpickler.load() for _ in sums[::100]]
        assert [twin.data for twin in twins] == [root.data for root in sums[::100]]
        for before, twin in itertools.pairwise(twins):
            for _ in range(200):
                twin = twin._children[0]
            assert twin is before


def test_a_pickler_that_begins_while_another_one_knows_the_graph():
    sums = running_sums(20_000)
    kept = pickle.Pickler(io.BytesIO())
    kept.dump(sums[-1])
    top = sums[-1] * 2  # is new to both
    kept.dump(top)
    assert pickle.loads(pickle.dumps(sums[-2])).data == sums[-2].data
    kept.dump(top * 3)
    assert pickle.loads(pickle.dumps([top, top * 4]))[1].data == 4 * top.data


def test_a_backward_pass_between_two_roots_is_no_harm():
    class Walks:
        def __reduce__(self):
            sums[-1].backward()
            return (int, ())

    sums = running_sums(2_000)
    for root in sums[::50]:
        root.guest = Walks()
    twins = pickle.loads(pickle.dumps(sums))
    assert [twin.data for twin in twins] == [root.data for root in sums]


# --- closures that ask -------------------------------------------------------------------------


def test_many_closures_of_one_bulk_node():
    w = Value(0.5)
    shared = dot([w, w], [1.0, 2.0])
    root = total([own(shared) for _ in range(NODES)])
    root.backward()
    assert shared.grad == NODES
    assert w.grad == 3 * NODES
    root.backward()
    assert w.grad == 6 * NODES


def test_closures_that_differentiate_another_graph():
    w = Value(0.5)
    x = root = Value(1.0)
    for _ in range(NODES):
        root = own(root, before=lambda: dot([w, w, w], [1.0, 2.0, 3.0]).backward())
    root.backward()
    assert (x.grad, w.grad) == (1.0, 6.0 * NODES)


def test_closures_that_look_at_bulk_nodes_before_and_after():
    """Each unfolds its own operand, that of the next one, and a node that the pass has left."""
    count = 20_000
    w = Value(0.25)
    dots = [dot([w, w], [1.0, 2.0])]
    outs = []

    def look_at(others):
        for other in others:
            assert len(other._children) == 2

    for i in range(count):
        dots.append(dot([w, w], [1.0, 2.0]))
        looked_at = dots[i], dots[(i * 7919) % (i + 1)]
        outs.append(own(dots[i], before=partial(look_at, looked_at)))
    root = total([*outs, *dots])
    root.backward()
    assert w.grad == 3 * (2 * count + 1)
    root.backward()
    assert w.grad == 6 * (2 * count + 1)


# --- interrupted -------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="signals are delivered otherwise")
@pytest.mark.parametrize(
    ("work", "argument"),
    [
        ("y.__deepcopy__", "{}"),
        ("pickle.dumps", "y"),
        ("pickle.loads", "pickle.dumps(y)"),
    ],
)
def test_ctrl_c_stops_it(work, argument):
    """What map() calls is not followed by Python code, which would look for signals."""
    program = f"""
        import pickle, signal
        from megagrad.engine import Value

        x = y = Value(1.0)
        for _ in range(200_000):
            y = y + x
        results, work, argument = [], {work}, {argument}
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        try:
            results.extend(map(work, [argument]))
        except KeyboardInterrupt:
            print("stopped", results)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(work(argument) is not None)
    """
    assert printed(program) == ["stopped", "[]", "True"]
