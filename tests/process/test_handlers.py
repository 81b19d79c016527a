"""Code that runs within the engine's own: handlers of signals that look, call and fork."""

import os

import numpy as np
import pytest
from support.processes import printed

from megagrad import Function, Value

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

PRELUDE = """
import copy, os, pickle, signal
import numpy as np
from megagrad import Function, Value

def chain(length):
    x = y = Value(1.0)
    for _ in range(length): y = y * 1.0000001
    return x, y

def after(seconds, handler):
    signal.signal(signal.SIGALRM, lambda *_: handler())
    signal.setitimer(signal.ITIMER_REAL, seconds)
"""


def run(program):
    return printed(PRELUDE + program, "-W", "ignore::DeprecationWarning")


LOOK = """
x, y = chain(600_000)
looks = 0
def look():
    global looks
    looks += 1
    node = y
    for _ in range(100_000):
        children = node._children
        if len(children) < 2: break
        node = children[0]
"""


def test_a_handler_may_look_while_a_graph_is_recorded():
    program = """
for delay in (0.002, 0.01):
    after(delay, look)
    print(abs(Function([x], y)([1.0]) - y.data) < 1e-9)
    signal.setitimer(signal.ITIMER_REAL, 0)
"""
    assert run(LOOK + program) == ["True"] * 2


@pytest.mark.parametrize("copies", ["copy.deepcopy(y)", "pickle.loads(pickle.dumps(y))"])
def test_a_handler_may_look_while_a_graph_is_copied(copies):
    program = f"""
for delay in (0.002, 0.01, 0.05, 0.1):
    x, y = chain(50_000)
    after(delay, look)
    twin = {copies}
    signal.setitimer(signal.ITIMER_REAL, 0)
    twin.backward()
    print(twin.data == y.data)
"""
    assert run(LOOK + program) == ["True"] * 4


def test_the_first_function_may_be_called_by_a_handler():
    program = """
import signal
from megagrad import Function, Value
x = Value(1.0)
f, calls, is_inside = Function([x], x * 2), [], False
def again(*_):
    global is_inside
    if is_inside or len(calls) == 50: return
    is_inside = True
    calls.append(f([2.0]))
    is_inside = False
signal.signal(signal.SIGALRM, again)
signal.setitimer(signal.ITIMER_REAL, 1e-5, 5e-5)
for _ in range(200): assert f([1.0]) == 2.0
signal.setitimer(signal.ITIMER_REAL, 0)
print(set(calls) <= {4.0})
"""
    assert printed(program) == ["True"]


def test_the_first_function_may_be_called_by_a_trace_function():
    program = """
import sys
from megagrad import Function, Value
x = Value(1.0)
f = Function([x], x * 2)
def trace(*_):
    assert f([2.0]) == 4.0
sys.settrace(trace)
print(f([1.0]), f(range(1)))
sys.settrace(None)
"""
    assert printed(program) == ["2.0", "0.0"]


@pytest.mark.parametrize("fails", [False, True])
def test_fork_by_a_handler_during_a_replay_of_several_threads(fails):
    program = f"""
x, y = Value(1.0), Value(2.0)
out = x
for _ in range(40): out = (out * y + x).tanh()
f = Function([x], out)
data = np.random.default_rng(0).random((400_000, 1))
wanted, child = f.vjp(data[:1000], threads=1), None
def fork():
    global child
    child = os.fork()
    if child == 0 and {fails}: raise KeyError("of the handler")
after(0.02, fork)
try:
    f.vjp(data, threads=2)
except (RuntimeError, KeyError) as error:
    if child != 0: raise
    good = "of the handler" in str(error) if {fails} else "fork() was called" in str(error)
    same = all(map(np.array_equal, f.vjp(data[:1000], threads=2), wanted))
    os._exit(0 if good and same else 1)
if child is None: fork()  # too late for this machine
if child == 0: os._exit(0)
same = all(map(np.array_equal, f.vjp(data[:1000], threads=2), wanted))
print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(program) == ["True", "0"]


def test_one_thread_goes_on_in_both_processes():
    program = """
x = Value(1.0)
out = x
for _ in range(40): out = (out + x).tanh()
f = Function([x], out)
data = np.random.default_rng(0).random((400_000, 1))
child = None
def fork():
    global child
    child = os.fork()
after(0.02, fork)
first = f(data, threads=1)
if child is None: fork()
same = np.array_equal(first, f(data, threads=1))
if child == 0: os._exit(0 if same else 1)
print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(program) == ["True", "0"]


def by_a_custom_op():
    x = Value(1.0)
    y = x * 2
    z = y + 1
    y.__init__(3.0, (z,))
    return x, y, z


def by_itself():
    x = Value(1.0)
    x.__init__(2.0, (x,), local_grads=(1.0,))
    return Value(0.0), x, x * 2


def by_dot():
    from megagrad.functional import dot

    x, inner = Value(1.0), Value(2.0)
    y = dot([inner, x], [x, 3.0])
    inner.__init__(3.0, (y,), local_grads=(1.0,))
    return x, y, inner


def by_sum():
    from megagrad.functional import sum as total

    x, inner = Value(1.0), Value(2.0)
    y = total([inner, x, 3.0])
    inner.__init__(3.0, (y * x,), local_grads=(1.0,))
    return x, y, inner


@pytest.mark.filterwarnings("ignore:backward")  # of nodes without a rule
@pytest.mark.parametrize("graph", [by_a_custom_op, by_itself, by_dot, by_sum])
def test_graphs_that_contain_themselves_are_not_recorded(graph):
    x, *roots = graph()
    for root in [*roots, *reversed(roots)]:
        with pytest.raises(ValueError, match=r"^cannot record"):
            Function([x], root)
        with pytest.raises(ValueError, match=r"^cannot record"):
            Function([x], [x, root], [])
        root.backward()
    assert Function([x], x * 3)(np.array([2.0])) == 6.0
