"""The interpreter ends: with live graphs, in the middle of calls, in every way."""

import os
import signal
import textwrap

import pytest
from support.processes import run

PRELUDE = """
import atexit, gc, os, signal, sys, threading, time, weakref
import numpy as np
from megagrad import Function, Value, nn, optim, record
from megagrad.functional import mean, softmax
from megagrad._core import dot

def square(x):
    out = Value(x.data**2, (x,), "square")
    def rule():
        x.grad += 2 * x.data * out.grad
    out._backward = rule
    return out

def use_the_engine(*_):
    x = Value(3.0)
    (square(x * 2) + dot([x, x], [x, 1.0])).backward()
    assert x.grad == 24.0 + 7.0, x.grad
    f = record(lambda x: x * x, 1)
    assert f([2.0]) == 4.0

class Late:
    def __del__(self, use_the_engine=use_the_engine):
        use_the_engine()

use_the_engine()  # what it loads when first used cannot be loaded at the end
"""

LIVE = {
    "globals": "x = Value(1.0); y = square(x) * 2; y.backward()",
    "a long chain": "x = Value(1.0)\nfor _ in range(200_000): x = x + 1.0",
    "a long chain in a cycle": """
        x = Value(1.0)
        for _ in range(50_000): x = square(x * 0.5)
        first = x
        """,
    "a model and its optimiser": """
        model = nn.MLP(3, [4, 1])
        loss = model([1.0, 2.0, 3.0])
        loss.backward()
        step = optim.Adam(model.parameters())
        step.step()
        """,
    "cycles": "x = Value(1.0); x.me = x; y = x * 2; x.user = y; y.late = Late()",
    "a class attribute": "class Holder: x = square(Value(1.0)) * 2",
    "a generator": """
        def steps():
            x = Value(1.0)
            try:
                while True:
                    x = square(x) * 0.5
                    yield x
            finally:
                (x * 2).backward()
        running = steps()
        next(running), next(running)
        """,
    "a thread's own": """
        local = threading.local()
        def work():
            local.x = square(Value(1.0)) * 2
            ready.set()
            time.sleep(1000)
        ready = threading.Event()
        threading.Thread(target=work, daemon=True).start()
        ready.wait()
        local.x = Value(1.0) * 2
        """,
    "a module that outlives others": "sys.kept = [square(Value(1.0)), record(square_of, 1)]".replace(
        "square_of", "lambda x: x * x"
    ),
    "exit handlers": "atexit.register(use_the_engine); x = Value(1.0)",
    "finalizers": """
        x = Value(1.0)
        weakref.finalize(x, use_the_engine)
        y = weakref.ref(x * 2, use_the_engine)
        """,
    "__del__ of what is left": "late = Late(); x = Value(1.0); x.late = Late(); sys.late = late",
    "a subclass with __del__": """
        class Ending(Value):
            def __del__(self): (self * 2).backward()
        x = Ending(1.0); x.me = x; y = x * 2
        """,
    "__del__ of Value": "Value.__del__ = lambda self: self.data; x = Value(1.0); y = square(x)",
    "functions": """
        f = record(lambda x: x.sin(), 1)
        f.vjp(np.ones((100_000, 1)), threads=2)
        class Held(Function): pass
        x = Value(1.0)
        g = Held([x], x * Value(2.0)); g.me = g
        """,
    "nothing collected": "gc.disable(); x = Value(1.0); x.me = x; gc.freeze()",
}

ENDS = {
    "the end": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "an exception": ("raise KeyError('x')", 1, "KeyError: 'x'\n"),
    "os._exit": ("os._exit(4)", 4, ""),
}


def source(live):
    return textwrap.dedent(LIVE[live]).strip("\n")


# In how many processes daemon threads are busy; the rarest crash that there was came in one of twenty.
# By hand: MEGAGRAD_SHUTDOWNS=100 pytest tests/process/test_shutdown.py -k daemon
SHUTDOWNS = int(os.environ.get("MEGAGRAD_SHUTDOWNS", "1"))


# One after the other once a week: at other times, all at once below.
@pytest.mark.parametrize("live", LIVE if SHUTDOWNS > 1 else ["__del__ of Value"])
def test_a_process_ends_well_with(live):
    code, _, errors = run(PRELUDE + source(live))
    assert (code, errors) == (0, "")


EVERYTHING = PRELUDE + "\n".join(source(live) for live in LIVE if live != "__del__ of Value")


@pytest.mark.parametrize("end", ENDS)
def test_a_process_with_all_of_that_ends_by(end):
    statement, wanted, last = ENDS[end]
    code, _, errors = run(EVERYTHING + "\n" + statement)
    assert code == wanted
    assert errors.endswith(last) if last else errors == ""
    assert "Fatal" not in errors


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_process_with_all_of_that_ends_by_a_signal(name):
    number = getattr(signal, name)
    default = "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code, _, errors = run(EVERYTHING + f"\n{default}os.kill(os.getpid(), {int(number)})\n")
    assert code == -number
    assert errors.endswith("KeyboardInterrupt\n") if name == "SIGINT" else errors == ""


# What threads do that no one waits for, while the interpreter ends. In each of these another thread
# gets its turn in code that the engine calls.
BUSY = {
    "rules": "(square_slowly(w) * 2 + square_slowly(square_slowly(w))).backward()",
    "finalizers": "x = Value(1.0); x.slow = Slow(); y = x * 2; y.slow = Slow(); del x, y",
    "resets": "y = Value(2.0, (w,)); y._backward = Slow(); y.backward(); y.__init__(3.0)",
    "numbers": "w + slow; w.leaky_relu(slow); Value(slow); dot([w, w], [slow, slow])",
    "operators of a subclass": "softmax([V(1.0), V(2.0)]); mean([V(1.0), V(3.0)])",
    "arrays": "f(slow); f.vjp(slow)",
    "copies": "copy.deepcopy(held); pickle.loads(pickle.dumps(held))",
    "iterables": "mean(slowly()); Value(1.0, slowly()); dot(slowly(), slowly())",
    "models": "model([1.0, 2.0]).backward(); optimiser.step(); time.sleep(0)",
    "recording": "record(lambda x: (time.sleep(0), x.tanh())[1], 1)",
    "replays": "f.vjp(points)",
}

SLOW_THINGS = """
import copy, numbers, pickle

class Slow:
    def __init__(self): time.sleep(0)
    def __del__(self): time.sleep(0)
    def __call__(self): time.sleep(0)
    def __float__(self): time.sleep(0); return 1.0
    def __array__(self, dtype=None, copy=None): time.sleep(0); return np.ones(1)
    def __deepcopy__(self, memo): time.sleep(0); return self
    def __reduce__(self): time.sleep(0); return Slow, ()
numbers.Real.register(Slow)

class V(Value):
    def __add__(self, other): time.sleep(0); return V(self.data, (self,))
    __radd__ = __add__
    def exp(self): time.sleep(0); return self

def square_slowly(x):
    out = Value(x.data**2, (x,), "square")
    def rule():
        time.sleep(0)
        x.grad += 2 * x.data * out.grad
    out._backward = rule
    return out

def slowly():
    for _ in range(3):
        time.sleep(0)
        yield Value(1.0)

slow, w, model = Slow(), Value(0.5), nn.MLP(2, [4, 1])
optimiser = optim.SGD(model.parameters(), 0.1)
held = Value(1.0)
held.slow = slow
held = held * 2 + 1
f, points = record(lambda x: x.sin() * 3, 1), np.ones((5_000, 1))
"""


@pytest.mark.parametrize("busy", BUSY)
def test_a_process_ends_well_while_daemon_threads_are_in(busy):
    program = f"""
{PRELUDE}{SLOW_THINGS}
def work():
    while True:
        {BUSY[busy]}
        turns.append(None)
turns = []
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
while len(turns) < 10:
    time.sleep(0.001)
time.sleep({{wait}})
"""
    for i in range(SHUTDOWNS):
        code, _, errors = run(program.format(wait=0.001 * i))
        assert (code, errors) == (0, "")
