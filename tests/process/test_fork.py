"""fork() at bad moments, and the ways of multiprocessing to start a process."""

import copy
import multiprocessing
import os
import sys

import numpy as np
import pytest
from support.needs import FREE_THREADED, needs_fork_beside_threads, needs_plain_memory
from support.processes import printed

from megagrad import Value, nn, record

START_METHODS = multiprocessing.get_all_start_methods()
if sys.platform == "darwin":  # whose own libraries do not survive fork()
    START_METHODS.remove("fork")

needs_fork = pytest.mark.skipif("fork" not in START_METHODS, reason="needs fork()")

PRELUDE = """
import copy, faulthandler, gc, os, sys, threading, time, weakref
import numpy as np
from megagrad import Value, nn, record
from megagrad.functional import mean, mse_loss

def in_child(work):
    gc.collect()
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(60, exit=True)
        try:
            work()
        except BaseException as error:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def in_threads(work, count=4):
    failures = []
    def guarded():
        try:
            work()
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not failures, failures

class Wait:
    def __init__(self, value=None):
        self.inside, self.go, self.value = threading.Event(), threading.Event(), value
    def __call__(self):
        self.inside.set()
        self.go.wait()
        if self.value is not None: self.value.grad += 1.0
    def __del__(self):
        if self.value is None: self()

def use_everything():
    model = nn.MLP(3, [4, 4, 1], activation="tanh")
    rows = [[0.1 * i, 0.2, -0.3] for i in range(10)]
    loss = mse_loss([model(row) for row in rows], [0.0] * 10)
    loss.backward()
    by_hand = Value(0.0)
    for row in rows:
        by_hand = by_hand + model(row) ** 2 * 0.1
    wanted = [p.grad for p in model.parameters()]
    model.zero_grad()
    by_hand.backward()
    assert np.allclose(wanted, [p.grad for p in model.parameters()])
    f = record(model, 3)
    points = np.random.default_rng(0).normal(size=(3000, 3))
    for one, two in zip(f.vjp(points, threads=1), f.vjp(points, threads=2)):
        assert np.array_equal(one, two)
    x, y = Value(1.0), Value(2.0)
    z, end = x * y, weakref.ref(x)
    def rule():
        nonlocal x
        z.__init__(3.0)
        del x
    root = Value(1.0, (z,))
    root._backward = rule
    root.backward()
    del rule, root
    z._backward = lambda: None
    gc.collect()
    assert end() is None, "what was let go is kept"
"""


def forked(program):
    return printed(PRELUDE + program, "-W", "ignore::DeprecationWarning")


@needs_fork
def test_while_another_thread_is_in_a_backward_pass():
    program = """
x, y = Value(2.0), Value(5.0)
y.grad = 7.0
middle = mean([x, y * 3.0]) * 2.0
middle.grad = 100.0
waiting = Value(1.0, (middle,))
waiting._backward = wait = Wait(middle)
root = waiting * 2
thread = threading.Thread(target=root.backward)
thread.start()
wait.inside.wait()

def child():
    in_threads(use_everything)  # on the stack that the other thread had
    use_everything()
    assert middle.grad == 100.0, middle.grad  # as after a pass that was stopped
    assert (x.grad, y.grad) == (0.0, 7.0)
    z = middle * 2
    z.backward()
    assert (x.grad, y.grad, middle.grad) == (2.0, 13.0, 102.0)

print(in_child(child))
wait.go.set()
thread.join()
print(x.grad, y.grad, middle.grad)
use_everything()
"""
    assert forked(program) == ["0", "1.0", "10.0", "101.0"]


@needs_fork
@pytest.mark.skipif(FREE_THREADED, reason="what one thread lets go, the one that made it frees")
def test_while_another_thread_frees_a_graph():
    program = """
x = Value(1.0)
holder = x * 2
wait = Wait()
holder.wait = wait
inside, go = wait.inside, wait.go
def free():
    global holder
    del holder
del wait
thread = threading.Thread(target=free)
thread.start()
inside.wait()

def child():
    in_threads(use_everything)
    y = Value(1.0)
    end = weakref.ref(y)
    del y
    assert end() is None
    before = len(gc.get_objects())
    for _ in range(1000):
        z = Value(1.0)
        z.list = []
        del z
    assert len(gc.get_objects()) < before + 500, "nothing is freed"

print(in_child(child))
go.set()
thread.join()
use_everything()
"""
    assert forked(program) == ["0"]


@needs_fork
@needs_fork_beside_threads
@needs_plain_memory
def test_while_other_threads_replay():
    program = """
f = record(lambda x, y: (x * y).tanh() + x.sin(), 2)
points = np.random.default_rng(0).normal(size=(20_000, 2))
wanted = f.vjp(points)
on = True
def replay():
    while on: f.vjp(points, threads=2)
threads = [threading.Thread(target=replay) for _ in range(3)]
for thread in threads: thread.start()

def child():
    for threads in (1, 2, 4, None):
        for ours, theirs in zip(f.vjp(points, threads=threads), wanted):
            assert np.array_equal(ours, theirs)
    use_everything()

print(*[in_child(child) for _ in range(10)])
on = False
for thread in threads: thread.join()
"""
    assert forked(program) == ["0"] * 10


@needs_fork
def test_in_a_rule_both_processes_finish_the_pass():
    program = """
def double(x):
    out = Value(2 * x.data, (x,))
    def rule():
        global pid
        pid = os.fork()
        x.grad += 2 * out.grad
        y._children  # unfolds what both are to visit
    out._backward = rule
    return out

model = nn.Neuron(2)
x, pid = Value(3.0), None
x.grad = 10.0
y = model([x * 1.0, 2.0])
(double(y * 1.0) + y).backward()
good = x.grad == 10.0 + 3 * model.w[0].data * (y.data > 0)
kept = [y]
del y
use_everything()
if pid == 0: os._exit(0 if good else 1)
print(good, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert forked(program) == ["True", "0"]


@needs_fork
def test_in_a_finalizer_both_processes_free_the_rest():
    program = """
class Forking:
    def __del__(self):
        global pid
        pid = os.fork()

x, ends = Value(1.0), []
for i in range(1000):
    x = x + 1.0
    weakref.finalize(x, ends.append, i)
    if i == 500: x.forking = Forking()
del x
use_everything()
if pid == 0: os._exit(0 if len(ends) == 1000 else 1)
print(len(ends), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert forked(program) == ["1000", "0"]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", START_METHODS)
def test_functions_and_graphs_go_to_processes_and_back(method):
    model = nn.MLP(2, [3, 1], activation="tanh")
    f = record(model, 2)
    points = np.random.default_rng(0).normal(size=(500, 2))
    wanted = f.vjp(points, threads=2)  # and so threads have been here
    x = Value(0.5, label="x")
    graph = model([x, 2.0]) * x
    with multiprocessing.get_context(method).Pool(2) as pool:
        for results in pool.starmap(f.vjp, [(points,)] * 4):
            for ours, theirs in zip(results, wanted, strict=True):
                np.testing.assert_array_equal(ours, theirs)
        copies = pool.map(copy.deepcopy, [graph] * 4)
    graph.backward()
    for ours in copies:
        ours.backward()
        leaf = next(child for child in ours._children if child.label == "x")
        assert (ours.data, leaf.grad) == (graph.data, x.grad)


@needs_fork
def test_in_a_copy_both_processes_finish_it():
    program = """
class Forks:
    def __deepcopy__(self, memo):
        global pid
        pid = os.fork()
        return self

x, pid = Value(3.0), None
y = x * 2.0
y.held = Forks()
twin = copy.deepcopy(y * y)
twin.backward()
(ours,) = twin._prev
good = (ours.held is y.held, ours._children[0].grad, x.grad) == (True, 24.0, 0.0)
use_everything()
if pid == 0: os._exit(0 if good else 1)
print(good, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert forked(program) == ["True", "0"]


@needs_fork
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_many_children_of_children():
    x = Value(3.0)
    y = (x * x).tanh() + x
    depth = child = 0
    while depth < 5 and not child:
        child = os.fork()
        depth += child == 0
    y.backward()
    good = x.grad == 6.0 * (1 - y._children[0].data ** 2) + 1.0
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0
    if depth:
        os._exit(code if good else 1)
    assert (good, code) == (True, 0)
