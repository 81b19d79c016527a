"""backward() on graphs of any shape, and when things go wrong meanwhile."""

import gc
import os
import threading
import weakref

import pytest
from support.processes import printed

from megagrad.engine import Value


def chain(length, start=None):
    x = Value(1.0) if start is None else start
    one = Value(1.0)
    for _ in range(length):
        x = x + one
    return x, one


def test_a_deep_chain():
    x, one = chain(400_000)
    x.backward()
    assert one.grad == 400_000.0


def test_a_wide_sum():
    leaf = Value(2.0)
    sum(leaf * float(i) for i in range(10_000)).backward()
    assert leaf.grad == sum(range(10_000))


def test_a_graph_with_exponentially_many_paths():
    x = y = Value(1.0)
    for _ in range(200):
        y = y + y
    y.backward()
    assert x.grad == 2.0**200


def test_a_diamond_adds_up_before_it_goes_on():
    x = Value(3.0)
    shared = x * 2
    (shared * shared + shared).backward()
    assert shared.grad == 13.0
    assert x.grad == 26.0


def custom(operand, rule):
    out = Value(operand.data, (operand,), "custom")
    out._backward = lambda: rule(out)
    return out


def test_an_exception_in_a_closure_reaches_the_caller_and_the_engine_goes_on():
    x = Value(1.0)

    def fail(out):
        raise LookupError("on purpose")

    middle = custom(x * 2, fail)
    loss = middle * 3
    for _ in range(3):
        with pytest.raises(LookupError, match="on purpose"):
            loss.backward()
    assert x.grad == 0.0
    assert middle.grad == 9.0  # each pass reached it, and its own share was kept
    (x * 5).backward()
    assert x.grad == 5.0


def test_a_closure_may_call_backward_on_another_graph():
    x, other = Value(2.0), Value(7.0)

    def rule(out):
        inner = other * other
        inner.backward()
        x.grad += out.grad

    (custom(x, rule) * 3 + x).backward()
    assert other.grad == 14.0
    assert x.grad == 4.0


def test_a_closure_may_call_backward_deeply_nested():
    ends = []

    def level(depth):
        leaf = Value(1.0)

        def rule(out):
            if depth > 0:
                level(depth - 1)
            leaf.grad += out.grad

        (custom(leaf, rule) * 2).backward()
        ends.append(leaf.grad)

    level(50)
    assert ends == [2.0] * 51


def test_a_closure_may_call_backward_on_a_graph_that_shares_nodes():
    x = Value(3.0)
    shared = x * 2

    def rule(out):
        (shared * 10).backward()
        shared.grad += out.grad

    (custom(shared, rule) * 1).backward()
    # The outer pass puts 1 through the closure; the inner one 10, which reaches x by itself, and
    # leaves its mark in shared.grad before the outer pass takes it from there.
    assert x.grad == 2 * 10 + 2 * (10 + 1)


def test_a_closure_may_drop_the_graph_under_its_feet():
    x = Value(1.0)
    nodes = [x * 2]
    for _ in range(100):
        nodes.append(nodes[-1] + 1)

    alive = [weakref.ref(node) for node in nodes]
    kept = []

    def rule(out):
        for node in nodes:
            node.__init__(0.0)
        nodes.clear()
        gc.collect()
        kept.append(sum(reference() is not None for reference in alive))

    top = custom(nodes[-1], rule)
    top.backward()
    assert x.grad == 0.0
    assert kept == [101]  # the pass may still come by
    assert sum(reference() is not None for reference in alive) == 1
    (x * 2).backward()
    assert x.grad == 2.0


def test_a_closure_that_builds_more_graph_meanwhile():
    x = Value(2.0)
    grown = []

    def rule(out):
        grown.append(out * x)
        x.grad += out.grad

    custom(x, rule).backward()
    assert x.grad == 1.0
    grown[0].backward()
    # Through the product by hand: d(out*x)/dx directly is out.data, and out.grad flows through rule.
    assert x.grad == 1.0 + 2.0 + 2.0


def test_a_node_that_is_its_own_child_ends():
    x = Value(1.0)
    x.__init__(2.0, (x,), (1.0,))
    x.backward()
    assert x.grad == 2.0
    del x
    gc.collect()


def test_passes_in_many_threads():
    failures = []

    def work(seed):
        for round_ in range(50):
            x = Value(float(seed))
            y = x
            for _ in range(200):
                y = y * 1.0 + 1.0
            y.backward()
            if x.grad != 1.0:
                failures.append((seed, round_, x.grad))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.skipif(os.name == "nt", reason="signals are delivered otherwise")
def test_ctrl_c_during_a_huge_pass_arrives_after_it():
    """A pass runs no code of the user's, and is short: nothing is left half done."""
    program = """
        import os, signal
        from megagrad.engine import Value

        x = leaf = Value(1.0)
        for _ in range(1_000_000):
            x = x + leaf
        middle = x
        root = middle + 1
        middle.grad = 42.0
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.005)
            root.backward()
            while True: pass
        except KeyboardInterrupt:
            print(leaf.grad, middle.grad)
    """
    assert printed(program) == ["1000001.0", "43.0"]


@pytest.mark.skipif(os.name == "nt", reason="signals are delivered otherwise")
@pytest.mark.parametrize("walk", ["y.__reduce_ex__(4)", "copy.deepcopy(y)", "pickle.dumps(y)"])
def test_a_signal_handler_may_take_the_graph_apart_meanwhile(walk):
    program = f"""
        import copy, pickle, signal
        from megagrad.engine import Value

        taken = 0
        def take_apart(*_):
            global taken
            taken += 1
            y.__init__(0.0)
        signal.signal(signal.SIGALRM, take_apart)
        for delay in (0.001, 0.002, 0.004, 0.008):
            y = Value(1.0)
            for _ in range(100_000):
                y = y + 1.0
            signal.setitimer(signal.ITIMER_REAL, delay)
            try:
                {walk}
            except RuntimeError as error:
                assert "changes meanwhile" in str(error)
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert taken
    """
    assert printed(program) == []
