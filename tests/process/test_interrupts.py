"""Ctrl-C in a pass and in a replay: every reference is given back."""

import _thread
import sys
import threading

import numpy as np
import pytest

from megagrad import Value, record


def test_ctrl_c_in_a_pass_loses_nothing():
    leaf = Value(1.0)
    root = leaf * 1.0
    for _ in range(200_000):
        root = root + 0.5
    interrupt = Value(1.0, (root,), "interrupt")
    interrupt._backward = _thread.interrupt_main  # no code of Python's, so the pass itself looks
    top = interrupt * 2.0
    before = [sys.getrefcount(node) for node in (leaf, root, interrupt, top)]
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            top.backward()
    assert [sys.getrefcount(node) for node in (leaf, root, interrupt, top)] == before
    root.backward()
    assert leaf.grad == 1.0


def test_ctrl_c_in_a_replay_loses_nothing():
    weight = Value(1.0)
    chain = function = None

    def long(x):
        nonlocal chain
        chain = x * weight
        for _ in range(500):
            chain = chain.sin()
        return chain

    def replay_until(timer, threads):
        timer.start()
        while True:
            function.backward(points, threads=threads)

    function, points = record(long, 1), np.full((100_000, 1), 0.5)
    counted = [weight, function, points]
    before = [sys.getrefcount(thing) for thing in counted]
    for threads in (1, 2):
        timer = threading.Timer(0.05, _thread.interrupt_main)
        with pytest.raises(KeyboardInterrupt):
            replay_until(timer, threads)
        timer.join()
    assert [sys.getrefcount(thing) for thing in counted] == before
    assert np.array_equal(function(points[:2]), function(points)[:2])
