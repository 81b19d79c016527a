"""Recorded programs, signals, and threads of Python."""

import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.processes import printed

from megagrad import Value, record

LONG = 1_000_000


def sines(x):
    for _ in range(200):
        x = x.sin()
    return x


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_a_long_call(threads):
    f, data = record(sines, 1), np.full((LONG, 1), 0.5)
    calling = threading.Event()

    def interrupt():
        calling.wait()
        time.sleep(0.05)
        signal.raise_signal(signal.SIGINT)

    sender = threading.Thread(target=interrupt)
    sender.start()
    calling.set()
    with pytest.raises(KeyboardInterrupt):
        f.vjp(data, threads=threads)
    sender.join()
    assert f([0.5]) == f([[0.5]])[0]


def test_other_threads_run_meanwhile():
    f, data = record(sines, 1), np.full((LONG // 2, 1), 0.5)
    done = threading.Event()
    worker = threading.Thread(target=lambda: (f(data, threads=1), done.set()))
    worker.start()
    turns = 0
    while not done.is_set():
        time.sleep(0.001)
        turns += 1
    worker.join()
    assert turns > 3


def test_threads_share_a_function():
    f = record(lambda x, y: (x * y).tanh() + Value(2.0) * x, 2)
    data = np.random.default_rng(1).normal(size=(5000, 2))
    want = f.vjp(data)
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda _: f.vjp(data), range(40)):
            for ours, theirs in zip(results, want, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("points", [1000, 300_000])
def test_the_interpreter_ends_while_a_thread_computes(points):
    code = f"""
        import threading, time, numpy as np
        from megagrad import record
        def sines(x):
            for _ in range(200):
                x = x.sin()
            return x
        f, data = record(sines, 1), np.full(({points}, 1), 0.5)
        def work():
            while True:
                f.vjp(data)
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.2)
    """
    assert printed(code) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's measure of memory")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("call", "numbers"),
    [
        ("f(x, threads=n)", 1),
        ("f.value_and_grad(x, threads=n)", 4),
        ("f.backward(x, threads=n)", 1),
        ("f.hvp(x, x, threads=n)", 3),
    ],
)
def test_memory_does_not_grow_with_the_batch_beyond_inputs_and_outputs(call, numbers, threads):
    # In a process of its own, as the peak is that of a process's whole life.
    program = f"""
        import re
        import numpy as np
        from megagrad import nn, record

        def peak():
            with open("/proc/self/status") as status:
                return int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read())[1]) << 10

        f, n = record(nn.MLP(3, [16, 16, 1], activation="tanh"), 3), {threads}
        x = np.ones((20_000, 3))
        {call}
        x = np.ones(({LONG}, 3))
        before = peak()
        results = {call}
        print(peak() - before)
    """
    (grown,) = printed(program)
    results = 8 * numbers * LONG
    slack = 4 << 20
    assert abs(int(grown) - results) < slack
