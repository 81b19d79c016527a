"""Threads that run at once, and how many of them; and a rule that can be copied and pickled."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from megagrad import Value

# By hand, for as long as one likes: MEGAGRAD_THREADS=32 MEGAGRAD_ROUNDS=2000 pytest tests/process/test_threads.py
THREADS = int(os.environ.get("MEGAGRAD_THREADS", "8"))
ROUNDS = int(os.environ.get("MEGAGRAD_ROUNDS", "30"))


@pytest.fixture
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


class SquareRule:
    def __init__(self, x, out):
        self.x, self.out = x, out

    def __call__(self):
        self.x.grad += 2 * self.x.data * self.out.grad


def square(x):
    out = Value(x.data**2, (x,), "square")
    out._backward = SquareRule(x, out)
    return out
