"""Threads of Python: on graphs of their own, on shared leaves, on shared Functions and optimisers."""

import copy
import pickle
import random
import threading
import weakref

import numpy as np
import pytest
from support.busy_threads import (  # noqa: F401
    ROUNDS,
    THREADS,
    for_each_thread,
    in_threads,
    many_switches,
    square,
)
from support.lifetimes import Marker
from support.own_ops import own

from megagrad import Value, explain, nn, optim, record
from megagrad.functional import mse_loss

pytestmark = pytest.mark.usefixtures("many_switches")


# --- graphs of their own -----------------------------------------------------------------------


def cubed(x):
    return Value(x.data**3, (x,), (3 * x.data**2,))


def random_graph(seed):
    """Plain nodes, bulk nodes, labels, attributes, rules of the user's own, and cycles."""
    choose = random.Random(seed)
    leaves = [Value(choose.uniform(-1, 1)) for _ in range(5)]
    weights = [Value(choose.uniform(-1, 1)) for _ in range(3)]
    nodes = list(leaves)
    for _ in range(60):
        x, y = choose.choice(nodes), choose.choice(nodes)
        kind = choose.randrange(9)
        if kind < 4:
            node = (x + y, x * y, x - 2 * y, x.tanh())[kind]
        elif kind == 4:
            node = (square if seed % 2 else cubed)(x.tanh())
        elif kind == 5:
            node = cubed(y.tanh())
        elif kind == 6:
            node = mse_loss([x, y, 1.0], [0.5, x, y])
        elif kind == 7:
            node = x.tanh()
            node.label = f"node {len(nodes)}"
            node.user = [y]
        else:
            node = mse_loss(weights, [x, y, 1.0])
        nodes.append(node.tanh())
    leaves += weights
    return leaves, mse_loss(nodes, [0.0] * len(nodes))


def gradients(seed):
    leaves, root = random_graph(seed)
    root.backward()
    return root.data, [leaf.grad for leaf in leaves]


def test_each_on_graphs_of_its_own():
    wanted = [gradients(seed) for seed in range(ROUNDS)]

    def work(i):
        for turn in range(ROUNDS):
            seed = (turn + i) % ROUNDS
            graphs = [random_graph(seed)]
            if (
                turn % 5 == 0 and seed % 2 == 0
            ):  # a copied rule would go on referring to the original
                graphs += [copy.deepcopy(graphs[0]), pickle.loads(pickle.dumps(graphs[0]))]
            if turn % 10 == 0:
                assert len(explain(graphs[-1][1], limit=None)) > 60
            for leaves, root in graphs:
                root.backward()
                assert root.data == wanted[seed][0]
                assert [leaf.grad for leaf in leaves] == wanted[seed][1]

    for_each_thread(work)


def test_each_makes_graphs_that_others_free():
    """The last reference to a graph, and so its end, is on any of the threads."""
    shelf = [None] * 16

    def work(i):
        choose = random.Random(i)
        for _ in range(ROUNDS * 20):
            x = Value(1.0)
            for _ in range(choose.randrange(100)):
                x = x + 1.0
                if choose.random() < 0.05:
                    x.held = [shelf[choose.randrange(16)]] if choose.random() < 0.5 else (x,)
            shelf[choose.randrange(16)] = x

    for_each_thread(work)


def test_each_trains_a_model_of_its_own():
    def train(seed):
        random.seed(0)
        with_seed = random.Random(seed)
        model = nn.MLP(2, [4, 1], activation="tanh")
        for p in model.parameters():
            p.data = with_seed.uniform(-1, 1)
        optimiser = optim.Adam(model.parameters(), lr=0.05)
        for _ in range(ROUNDS // 2):
            optimiser.zero_grad()
            points = [[with_seed.uniform(-1, 1) for _ in range(2)] for _ in range(5)]
            loss = mse_loss([model(x) for x in points], [x[0] * x[1] for x in points])
            loss.backward()
            optimiser.step()
        return [p.data for p in model.parameters()]

    wanted = [train(i) for i in range(THREADS)]
    results = [None] * THREADS
    for_each_thread(lambda i: results.__setitem__(i, train(i)))
    assert results == wanted


# --- shared leaves -------------------------------------------------------------------------------


def test_gradients_of_shared_leaves_add_up():
    """All numbers are small whole ones, and so sums are exact in any order."""
    shared = [Value(float(i)) for i in range(-3, 4)]

    def work(i):
        for turn in range(ROUNDS * 10):
            root = sum(shared) * (1.0 + i % 3)
            root = root + mse_loss(shared, [0.0] * 7) * 7.0
            if turn % 2:
                root = cubed(root * 0.0) + root
            root.backward()

    for_each_thread(work)
    for x in shared:
        assert x.grad == sum((1.0 + i % 3 + 2 * x.data) * ROUNDS * 10 for i in range(THREADS))


def test_a_backward_pass_is_one_piece_if_no_rule_is_the_users():
    """Others see the gradients of all of it or of nothing."""
    x, y = Value(1.0), Value(1.0)
    root = y * 1.0
    for _ in range(4096):  # a part of them is a fraction
        root = root + x * 2.0**-12
    on = True
    torn = []

    def look():
        goes_on = True
        while goes_on:
            goes_on = on  # once more after the last pass
            torn.append((x.grad, y.grad))
            x.grad = y.grad = 0.0

    def passes():
        nonlocal on
        try:
            for _ in range(ROUNDS * 10):
                root.backward()
        finally:
            on = False

    in_threads(look, passes)
    # Between the two reads there may be passes, but never a part of one.
    assert all(a == int(a) and b == int(b) for a, b in torn)
    assert any(a for a, _ in torn)


def test_rules_of_the_users_on_shared_leaves():
    """Python code of a rule may be interrupted anywhere; the engine's own additions may not."""
    shared, lock = Value(2.0), threading.Lock()

    def squared(x):
        slope = 2 * x.data
        return own(x, x.data**2, slope=slope, before=lock.acquire, after=lock.release)

    def work(i):
        for _ in range(ROUNDS * 5):
            (squared(shared) + squared(shared * 2) * 3).backward()

    for_each_thread(work)
    assert shared.grad == THREADS * ROUNDS * 5 * (4.0 + 3 * 8 * 2)


def test_threads_share_a_function_and_its_parameters():
    model = nn.MLP(2, [3, 1])
    for i, p in enumerate(model.parameters()):
        p.data = float(i % 3 - 1)
    f = record(model, 2)
    points = np.arange(-600.0, 600.0).reshape(600, 2)
    once = f.vjp(points)[2]

    def work(i):
        for turn in range(ROUNDS):
            f.backward(points, threads=1 + turn % 2)
            if turn % 8 == 0:
                twin = copy.deepcopy(f) if i % 2 else pickle.loads(pickle.dumps(f))
                np.testing.assert_array_equal(twin.vjp(points)[2], once)

    for_each_thread(work)
    grads = dict(zip(map(id, f.parameters), once * (THREADS * ROUNDS), strict=True))
    assert [p.grad for p in f.parameters] == [grads[id(p)] for p in f.parameters]


def test_optimisers_step_in_threads():
    parameters = [Value(0.0) for _ in range(100)]

    def work(i):
        optimiser = optim.SGD(parameters, lr=0.5)
        for _ in range(ROUNDS * 10):
            optimiser.step()

    for p in parameters:
        p.grad = -2.0
    for_each_thread(work)
    assert [p.data for p in parameters] == [float(THREADS * ROUNDS * 10)] * 100


def test_one_optimiser_steps_in_many_threads():
    parameters = [Value(1.0) for _ in range(20)]
    optimiser = optim.Adam(parameters, lr=0.01)

    def work(i):
        for turn in range(ROUNDS * 2):
            for p in parameters:
                p.grad = 1.0
            optimiser.step()
            if turn % 10 == 0:
                optimiser.load_state_dict(optimiser.state_dict())

    for_each_thread(work)
    assert len({p.data for p in parameters}) == 1
    assert parameters[0].data < 1.0


# --- beside a thread that waits ------------------------------------------------------------------


def waits_in_a_closure(wait):
    x = Value(2.0)
    out = Value(4.0, (x,), "wait")
    out._backward = wait
    out.backward()


def waits_in_a_finalizer(wait):
    class Waits(Value):
        def __del__(self):
            wait()

    root = Waits(2.0) * 3 + 1
    del root


def waits_in_a_finalizer_of_an_attribute(wait):
    class Waits:
        def __del__(self):
            wait()

    root = Value(2.0) * 3
    root.attribute = Waits()
    root = root + 1
    del root


@pytest.mark.parametrize(
    "waits", [waits_in_a_closure, waits_in_a_finalizer, waits_in_a_finalizer_of_an_attribute]
)
def test_what_is_let_go_beside_a_thread_that_waits_is_freed(waits):
    inside, may_end = threading.Event(), threading.Event()

    def wait():
        inside.set()
        may_end.wait(60)

    thread = threading.Thread(target=waits, args=(wait,))
    thread.start()
    assert inside.wait(60)
    try:
        layer = nn.Layer(2, 1, nonlin=False)
        reference = weakref.ref(leaf := Value(1.0))
        loss = layer([leaf, 2.0])
        loss.backward()
        assert leaf.grad != 0
        del loss, leaf
        assert reference() is None
        x = y = Value(1.0)  # and there is no recursion
        x.attribute = Marker()
        reference = weakref.ref(x.attribute)
        for _ in range(100_000):
            y = y + x
            y.attribute = 1
        del x, y
        assert reference() is None
    finally:
        may_end.set()
        thread.join()
