"""Threads of Python: on graphs of their own, on shared leaves, on shared Functions, on one graph."""

import copy
import os
import pickle
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from megagrad import Function, Value, draw_dot, explain, nn, optim, record
from megagrad._core import _set_state
from megagrad.functional import mse_loss

# By hand, for as long as one likes: MEGAGRAD_THREADS=32 MEGAGRAD_ROUNDS=2000 pytest tests/test_threads.py
THREADS = int(os.environ.get("MEGAGRAD_THREADS", "8"))
ROUNDS = int(os.environ.get("MEGAGRAD_ROUNDS", "30"))


@pytest.fixture(autouse=True)
def many_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(*works):
    """Runs all at once; what one of them raises is raised."""
    start = threading.Barrier(len(works))
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(lambda work=work: (start.wait(), work())) for work in works]
        for done in running:
            done.result()


def for_each_thread(work):
    in_threads(*[lambda i=i: work(i) for i in range(THREADS)])


# --- graphs of their own -----------------------------------------------------------------------


class SquareRule:
    def __init__(self, x, out):
        self.x, self.out = x, out

    def __call__(self):
        self.x.grad += 2 * self.x.data * self.out.grad


def square(x):
    out = Value(x.data**2, (x,), "square")
    out._backward = SquareRule(x, out)
    return out


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
        while on:
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
        out = Value(x.data**2, (x,))

        def rule():
            with lock:
                x.grad += 2 * x.data * out.grad

        out._backward = rule
        return out

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


# --- one graph -----------------------------------------------------------------------------------


def changing_graph():
    x = Value(1.0, label="x")
    held = Value(0.5)
    held.users = []
    chain = [x]
    for i in range(40):
        node = chain[-1] * 0.5 + (held if i % 3 else x)
        chain.append(square(node) if i % 5 == 4 else node.tanh())
    chain.append(mse_loss(chain[::4], [0.1] * len(chain[::4])))
    return chain


ACTIONS = {
    "backward": lambda chain, i: chain[-1].backward(),
    "an inner backward": lambda chain, i: chain[i].backward(),
    "pickle": lambda chain, i: pickle.loads(pickle.dumps(chain[-1])),
    "copy": lambda chain, i: copy.deepcopy(chain[-1]),
    "shallow copy": lambda chain, i: copy.copy(chain[i]),
    "walk": lambda chain, i: [(v._op, v._children, v._prev, v._local_grads) for v in chain],
    "explain": lambda chain, i: explain(chain[-1]),
    "draw": lambda chain, i: draw_dot(chain[-1]),
    "record": lambda chain, i: Function([chain[0]], chain[4]),
    "reset": lambda chain, i: chain[i].__init__(0.25),
    "give children": lambda chain, i: chain[i].__init__(0.25, (chain[i - 1], chain[0])),
    "give a rule": lambda chain, i: setattr(chain[i], "_backward", lambda: chain[i - 1].data),
    "give partials": lambda chain, i: chain[i].__init__(1.0, (chain[i - 1],), (0.5,)),
    "set state": lambda chain, i: _set_state(chain[i], ({"note": [i]}, str(i), None, None)),
    "attributes": lambda chain, i: (setattr(chain[i], "note", [i]), vars(chain[i]).clear()),
    "labels": lambda chain, i: setattr(chain[i], "label", str(i)),
    "numbers": lambda chain, i: setattr(chain[i], "data", i / 100),
    "let go": lambda chain, i: chain.__setitem__(i, chain[i - 1] * 0.5),
    "anew": lambda chain, i: chain.__setitem__(slice(None), changing_graph()),
}

# What an action may meet in a graph that another one has half way changed.
MAY_FAIL = (
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    IndexError,
    OverflowError,
    pickle.PicklingError,
)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_each_action_works_on_a_graph_of_its_own(action):
    action(changing_graph(), 20)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(3))
def test_one_graph_changed_and_used_by_many_threads(seed):
    """Numbers are whatever the order of things makes them; nothing crashes, hangs or is lost."""
    chain = changing_graph()
    done = dict.fromkeys(ACTIONS, 0)

    def work(i):
        choose = random.Random(f"{seed} {i}")
        for _ in range(ROUNDS * 3):
            name = choose.choice(list(ACTIONS))
            try:
                ACTIONS[name](chain, choose.randrange(1, 40))
            except MAY_FAIL:
                continue
            done[name] += 1

    for_each_thread(work)
    assert sum(done.values()) > ROUNDS * THREADS
    x = Value(2.0)
    (x * x).backward()
    assert x.grad == 4.0


def test_two_passes_over_one_graph_at_once():
    """The second pass runs in the middle of the first one, in a rule that waits for it."""
    x = Value(3.0)
    inner = x * 2.0
    inside, go = threading.Event(), threading.Event()
    outer = Value(inner.data, (inner,))

    def rule():
        inside.set()
        go.wait()
        inner.grad += outer.grad

    outer._backward = rule
    root = outer * 5.0
    first = threading.Thread(target=root.backward)
    first.start()
    inside.wait()
    (inner * 7.0).backward()
    assert (inner.grad, x.grad) == (7.0, 14.0)
    go.set()
    first.join()
    # A pass propagates what it finds in a node that it has still to visit, the other's part too.
    assert (inner.grad, x.grad) == (12.0, 14.0 + 2 * 12.0)


def test_a_graph_freed_by_a_thread_while_another_is_in_its_rule():
    x = Value(3.0)
    y = x * 2.0
    inside, go = threading.Event(), threading.Event()
    holder = [Value(y.data, (y,))]

    def rule():
        inside.set()
        go.wait()
        y.grad += 1.0

    holder[0]._backward = rule
    first = threading.Thread(target=lambda: holder[0].backward())
    first.start()
    inside.wait()
    holder[0].__init__(0.0)  # lets go of its operands and the rule
    y.__init__(1.0)
    holder.clear()
    go.set()
    first.join()
    assert (x.grad, y.grad) == (0.0, 1.0)
