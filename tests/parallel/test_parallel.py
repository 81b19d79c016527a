"""megagrad.parallel: the results of one call, from many chunks."""

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from support.executors import Here, Losing, Waiting
from support.recorded_functions import SCALE, network, points_of, repeated, same

from megagrad import Function, Value, optim, parallel, record


def pool(method="spawn"):
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))


@pytest.fixture(scope="module")
def processes():
    with pool() as executor:
        yield executor


# What one call computes.


@pytest.mark.parametrize("chunks", [None, 1, 2, 3, 5, 16, 1000])
@pytest.mark.parametrize("stripes", [0, 1, 2, 3, 4, 7, 8, 11, 21])
@pytest.mark.parametrize("more", [0, 1, 5])
def test_every_bit_is_that_of_one_call(chunks, stripes, more):
    f = network()
    data = points_of(f, stripes * f.stripe + more)
    seeds = np.random.default_rng(1).normal(size=len(data))
    results = parallel.vjp(f, data, Here(), seeds=seeds, chunks=chunks)
    assert same(results, f.vjp(data, seeds))


@pytest.mark.parametrize("chunks", [1, 2, 3, 7, 8, 100])
def test_chunks_are_powers_of_two_of_stripes(chunks):
    f = network()
    executor = Here()
    parallel.vjp(f, points_of(f, 13 * f.stripe + 3), executor, chunks=chunks)
    sizes = [len(data) for _, data, *_ in executor.chunks]
    assert len(sizes) <= chunks
    assert len(set(sizes[:-1])) <= 1
    assert sum(sizes) == 13 * f.stripe + 3
    stripes, left = divmod(sizes[0], f.stripe)
    assert len(sizes) == 1 or (left == 0 and stripes & (stripes - 1) == 0)
    assert sizes[-1] <= sizes[0]


def test_by_default_chunks_are_worth_sending():
    f = record(repeated, 1)
    counts = []
    for points in (1, 200_000, 100_000_000):
        data = np.broadcast_to(np.zeros((1, 1)), (points, 1))
        executor = Waiting(MemoryError())
        with pytest.raises(MemoryError):
            parallel.vjp(f, data, executor)
        counts.append(len(executor.futures))
    assert 1 == counts[0] < counts[1] < counts[2] <= 32


@pytest.mark.parametrize("seeds", [None, 0.5, "array"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_processes(processes, seeds, outputs):
    f = network(outputs)
    data = points_of(f, 5 * f.stripe + 17)
    if seeds == "array":
        seeds = np.random.default_rng(2).normal(size=f(data).shape)
    results = parallel.vjp(f, data, processes, seeds=seeds, chunks=8)
    assert same(results, f.vjp(data, seeds))


def test_threads():
    f = network()
    data = points_of(f, 9 * f.stripe)
    with ThreadPoolExecutor(4) as executor:
        assert same(parallel.vjp(f, data, executor, chunks=9), f.vjp(data))


def test_lists_of_outputs_have_their_dimension(processes):
    x, y, w = Value(1.0), Value(2.0), Value(3.0)
    f = Function([x, y], [x * y * w], [w])
    data = points_of(f, 20)
    assert same(parallel.vjp(f, data, processes), f.vjp(data))


@pytest.mark.parametrize("kind", ["list", "float32", "int", "bool", "columns", "big-endian"])
def test_data_may_be_whatever_a_function_takes(kind):
    f = network()
    data = points_of(f, 2 * f.stripe + 1)
    data = {
        "list": data.tolist(),
        "float32": data.astype("f4"),
        "int": data.astype(int),
        "bool": data > 0,
        "columns": np.asfortranarray(data),
        "big-endian": data.astype(">f8"),
    }[kind]
    assert same(parallel.vjp(f, data, Here(), chunks=2), f.vjp(data))


@pytest.mark.parametrize(
    "data", [[0.5, 2.0], np.zeros((0, 2)), np.ones(2)], ids=["point", "empty", "array"]
)
def test_a_point_and_an_empty_batch_are_computed_here(data):
    f = network()
    executor = Here()
    assert same(parallel.vjp(f, data, executor, seeds=2.0), f.vjp(data, 2.0))
    assert not executor.chunks


def test_a_function_without_inputs_or_parameters():
    f = Function([], SCALE * 2)
    assert same(parallel.vjp(f, np.zeros((5, 0)), Here()), f.vjp(np.zeros((5, 0))))
    x = Value(0.0)
    f = Function([x], x * x)
    assert same(parallel.vjp(f, [[1.0], [2.0]], Here()), f.vjp([[1.0], [2.0]]))


def test_shared_parameters_and_expressions_of_them_are_the_same_to_rounding():
    x, v, w = Value(0.0), Value(0.7), Value(1.3)
    f = Function([x], ((v * w).exp() * x - v) * (v + x) * v, [v, w])
    data = points_of(f, 9 * f.stripe + 1)
    outputs, grads, parameter_grads = parallel.vjp(f, data, Here(), chunks=16)
    expected = f.vjp(data)
    assert same((outputs, grads), expected[:2])
    np.testing.assert_allclose(parameter_grads, expected[2], rtol=1e-12)


# Parameters.


def test_parameters_are_read_once():
    f = network()
    data = points_of(f, 4 * f.stripe)
    expected = f.vjp(data)

    class Changing(Here):
        def submit(self, *args, **kwargs):
            f.parameters[0].data += 1
            return super().submit(*args, **kwargs)

    assert same(parallel.vjp(f, data, Changing(), chunks=4), expected)


def test_params_take_the_place_of_the_parameters_data(processes):
    f = network()
    data = points_of(f, 3 * f.stripe)
    params = [0.01 * i for i in range(len(f.parameters))]
    assert same(
        parallel.vjp(f, data, processes, params=params, chunks=3), f.vjp(data, None, params)
    )
    assert all(parameter.grad == 0 for parameter in f.parameters)


def test_what_is_sent_of_a_function_stays_the_same_while_its_parameters_change():
    f = network()
    executor = Here()
    parallel.backward(f, points_of(f, 10), executor)
    for parameter in f.parameters:
        parameter.data -= 0.1 * parameter.grad
    parallel.backward(f, points_of(f, 10), executor)
    first, second = executor.chunks
    assert first[0] == second[0]
    assert not np.array_equal(first[3], second[3])


def test_backward_adds_to_gradients(processes):
    f, twin = network(), network()
    data = points_of(f, 3 * f.stripe + 1)
    for seeds in (None, 0.25):
        outputs = parallel.backward(f, data, processes, seeds=seeds, chunks=4)
        assert np.array_equal(outputs, twin.backward(data, seeds))
    assert [p.grad for p in f.parameters] == [p.grad for p in twin.parameters]


def test_backward_of_a_point():
    f, twin = network(), network()
    assert parallel.backward(f, [1.0, 2.0], Here()) == twin.backward([1.0, 2.0])
    assert [p.grad for p in f.parameters] == [p.grad for p in twin.parameters]


def test_training_is_the_same_to_the_last_bit(processes):
    def trained(backward):
        f = network()
        data = points_of(f, 4 * f.stripe)
        optimizer = optim.Adam(f.parameters, lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            backward(f, data)
            optimizer.step()
        return [p.data for p in f.parameters]

    far = trained(lambda f, data: parallel.backward(f, data, processes, chunks=4))
    assert far == trained(lambda f, data: f.backward(data))


# Wrong arguments.


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(
    "wrong",
    [
        {"data": np.zeros((5, 3))},
        {"data": np.zeros(3)},
        {"data": np.zeros((0, 3))},
        {"data": 1.0},
        {"data": np.zeros((5, 2, 1))},
        {"data": np.zeros((5, 2), complex)},
        {"data": [["a", "b"]]},
        {"data": [[1.0, 2.0], [3.0]]},
        {"seeds": np.zeros(4)},
        {"seeds": np.zeros((5, 3))},
        {"seeds": np.zeros((4, 2))},
        {"seeds": "none"},
        {"params": np.zeros(3)},
        {"params": 0.0},
        {"params": [None] * 33},
    ],
    ids=str,
)
def test_arguments_are_refused_here_as_by_the_function(wrong, outputs):
    f = network(outputs)
    arguments = {"data": np.zeros((5, 2)), **wrong}
    with pytest.raises((TypeError, ValueError)) as expected:
        f.vjp(**arguments)
    executor = Here()
    for call in (parallel.vjp, parallel.backward):
        with pytest.raises(expected.type) as raised:
            call(f, executor=executor, **arguments)
        assert str(raised.value) == str(expected.value)
    assert not executor.chunks
    assert all(parameter.grad == 0 for parameter in f.parameters)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"f": len}, TypeError, "f must be a Function, not 'builtin_function_or_method'"),
        ({"executor": 2}, TypeError, "executor must be a concurrent.futures.Executor"),
        ({"executor": lambda: None}, TypeError, "not 'function'"),
        ({"chunks": 0}, ValueError, "chunks must be at least 1, got 0"),
        ({"chunks": 1.5}, TypeError, "chunks must be an integer, not 'float'"),
        ({"retries": -1}, ValueError, "retries must be at least 0, got -1"),
        ({"retries": None}, TypeError, "retries must be an integer"),
    ],
)
def test_other_wrong_arguments(change, error, message):
    arguments = {"f": network(), "data": np.zeros((5, 2)), "executor": Here(), **change}
    for call in (parallel.vjp, parallel.backward):
        with pytest.raises(error, match=message):
            call(**arguments)


# What goes wrong on the way.


def test_an_exception_reaches_the_caller_and_cancels_what_has_not_begun():
    f = network()
    executor = Waiting(MemoryError("no room"))
    with pytest.raises(MemoryError, match="no room"):
        parallel.backward(f, points_of(f, 4 * f.stripe), executor, chunks=4)
    assert len(executor.futures) == 4
    assert all(future.cancelled() for future in executor.futures[1:])
    assert all(parameter.grad == 0 for parameter in f.parameters)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_an_interrupt_cancels_what_has_not_begun():
    f = network()
    executor = Waiting()
    interrupt = threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        parallel.backward(f, points_of(f, 4 * f.stripe), executor, chunks=4)
    interrupt.join()
    assert len(executor.futures) == 4
    assert all(future.cancelled() for future in executor.futures)


@pytest.mark.parametrize("lost", [{0}, {1, 3}, {0, 1, 2, 3}, {2, 4}, {0, 1, 2, 3, 4, 5, 6, 7}])
def test_lost_chunks_are_submitted_again_and_counted_once(lost):
    f = network()
    data = points_of(f, 4 * f.stripe)
    executor = Losing(lost)
    assert same(parallel.vjp(f, data, executor, chunks=4), f.vjp(data))
    assert executor.count == 4 + len(lost)
    assert len(executor.chunks) == 4


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_lost_too_often(retries):
    f = network()
    executor = Losing(range(100))
    with pytest.raises(BrokenExecutor) as raised:
        parallel.backward(f, points_of(f, 10), executor, retries=retries)
    assert executor.count == 1 + retries
    assert "ProcessExecutor" in raised.value.__notes__[0]
    assert all(parameter.grad == 0 for parameter in f.parameters)
