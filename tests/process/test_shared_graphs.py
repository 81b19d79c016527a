"""One graph that many threads change and use."""

import copy
import pickle
import random
import threading

import pytest
from support.busy_threads import ROUNDS, THREADS, for_each_thread, many_switches, square  # noqa: F401
from support.own_ops import own

from megagrad import Function, Value, draw_dot, explain
from megagrad._core import _set_state
from megagrad.functional import mse_loss

pytestmark = pytest.mark.usefixtures("many_switches")


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
    *(ValueError, TypeError, RuntimeError, AttributeError, IndexError),
    *(OverflowError, pickle.PicklingError),
)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_each_action_works_on_a_graph_of_its_own(action):
    action(changing_graph(), 20)


@pytest.mark.filterwarnings("error", "ignore:backward")
@pytest.mark.parametrize("seed", range(3))
def test_one_graph_changed_and_used_by_many_threads(seed):
    """Numbers are whatever the order of things makes them; nothing crashes, hangs or is lost."""
    chain = changing_graph()
    done = dict.fromkeys(ACTIONS, 0)

    def work(i):
        choose = random.Random(f"{seed} {i}")
        for _ in range(ROUNDS):
            name = choose.choice(list(ACTIONS))
            try:
                ACTIONS[name](chain, choose.randrange(1, 40))
            except MAY_FAIL:
                continue
            done[name] += 1

    for_each_thread(work)
    assert sum(done.values()) > ROUNDS * THREADS // 3
    x = Value(2.0)
    (x * x).backward()
    assert x.grad == 4.0


def test_two_passes_over_one_graph_at_once():
    """The second pass runs in the middle of the first one, in a rule that waits for it."""
    x = Value(3.0)
    inner = x * 2.0
    inside, go = threading.Event(), threading.Event()
    outer = own(inner, before=lambda: (inside.set(), go.wait()))
    first = threading.Thread(target=(outer * 5.0).backward)
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
