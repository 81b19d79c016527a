"""megagrad.parallel: the results of one call, from many processes, also when some of them die."""

import contextlib
import functools
import gc
import importlib.util
import multiprocessing
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)

import numpy as np
import pytest
from documents import blocks, promised

from megagrad import Function, Value, nn, optim, parallel, record

GUIDE = "docs/guides/parallel.md"
BLOCKS = blocks(GUIDE)
DIFFS = blocks(GUIDE, "diff")

# macOS's own libraries do not survive fork().
START_METHODS = [
    method
    for method in multiprocessing.get_all_start_methods()
    if method != "fork" or sys.platform != "darwin"
]

needs_guide = pytest.mark.skipif(not BLOCKS, reason="needs the whole checkout")
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
# Python's warning about fork() in a process with threads, which every pool begins.
forks = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


class Here(Executor):
    """Computes at once, and remembers the chunks."""

    def __init__(self):
        self.chunks = []

    def submit(self, fn, /, *args, **kwargs):
        self.chunks.append(args)
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Losing(Here):
    """Loses what is submitted under these numbers: at odd ones later, at even ones at once."""

    def __init__(self, lost):
        super().__init__()
        self.lost = lost
        self.count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count - 1 not in self.lost:
            return super().submit(fn, *args, **kwargs)
        if self.count % 2:
            raise BrokenExecutor("refused")
        future = Future()
        future.set_exception(BrokenExecutor("lost"))
        return future


class Waiting(Executor):
    """Never gets to a chunk, except that the first one may have failed."""

    def __init__(self, error=None):
        self.error = error
        self.futures = []

    def submit(self, fn, /, *args, **kwargs):
        self.futures.append(Future())
        if self.error is not None and len(self.futures) == 1:
            self.futures[0].set_exception(self.error)
        return self.futures[-1]


def network(outputs=1):
    random.seed(7)
    return record(nn.MLP(2, [8, outputs], activation="tanh"), 2)


def repeated(x):
    for _ in range(300):
        x = (x * SCALE).sin()
    return x


SCALE = Value(1.1)


def points_of(f, count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, f.n_inputs))


def same(results, expected):
    return all(
        type(a) is type(b) and np.shape(a) == np.shape(b) and np.array_equal(a, b)
        for a, b in zip(results, expected, strict=True)
    )


def pool(method="spawn"):
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))


@pytest.fixture(scope="module")
def processes():
    with pool() as executor:
        yield executor


@pytest.fixture(scope="module")
def dask_client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


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


# Processes of which any may die.


def test_calls_of_processes():
    with parallel.ProcessExecutor(2) as executor:
        assert list(executor.map(divmod, range(7), [3] * 7)) == [divmod(i, 3) for i in range(7)]
        assert executor.submit(int, "11", base=2).result() == 3
        assert executor.submit(os.getpid).result() != os.getpid()


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.two = two


def raising(error, *arguments):
    raise error(*arguments)


def test_exceptions_of_processes():
    with parallel.ProcessExecutor(1) as executor:
        failed = executor.submit(raising, KeyError, "key").exception()
        assert type(failed) is KeyError
        assert failed.args == ("key",)
        assert re.search(r"in worker process \d+:\nTraceback(.|\n)*in raising", failed.__notes__[0])
        assert isinstance(executor.submit(raising, SystemExit, 3).exception(), SystemExit)
        assert isinstance(executor.submit(raising, Unpicklable, 1, 2).exception(), TypeError)
        with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
            executor.submit(lambda: None).result()
        with pytest.raises(TypeError, match="cannot pickle 'generator'"):
            executor.submit(iter_of, 3).result()
        with pytest.raises(RuntimeError, match="Local: of its own"):
            executor.submit(raising_a_local).result()
        assert executor.submit(abs, -1).result() == 1


def iter_of(count):
    return (i for i in range(count))


def raising_a_local():
    class Local(Exception):
        pass

    raise Local("of its own")


@forks
@needs_kill
@pytest.mark.parametrize("method", START_METHODS)
def test_only_the_call_of_a_dead_process_is_lost(method):
    context = multiprocessing.get_context(method)
    with parallel.ProcessExecutor(2, context) as executor:
        pid = executor.submit(os.getpid).result()
        futures = [executor.submit(time.sleep, 0.05) for _ in range(4)]
        lost = executor.submit(os._exit, 3)
        futures += [executor.submit(time.sleep, 0.05) for _ in range(4)]
        with pytest.raises(BrokenExecutor, match=r"worker process \d+ was lost .*exit code 3"):
            lost.result()
        assert [future.result() for future in futures] == [None] * 8
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        # One of the workers may be found dead by the next call.
        outcomes = [executor.submit(abs, -1).exception() for _ in range(4)]
        assert [type(error) for error in outcomes].count(BrokenExecutor) <= 1
        assert executor.submit(abs, -1).result() == 1


@needs_kill
def test_a_process_killed_while_it_sends_a_large_result():
    with parallel.ProcessExecutor(1) as executor:
        pid = executor.submit(os.getpid).result()
        future = executor.submit(bytes, 1 << 28)
        while not future.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        assert isinstance(future.exception(), BrokenExecutor)
        assert executor.submit(abs, -3).result() == 3


def test_shutdown_of_processes():
    others_children = set(multiprocessing.active_children())
    with parallel.ProcessExecutor(1) as executor:
        futures = [executor.submit(abs, -i) for i in range(3)]
    assert [future.result() for future in futures] == [0, 1, 2]
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, -1)
    executor.shutdown(wait=False, cancel_futures=True)

    executor = parallel.ProcessExecutor(1)
    first = executor.submit(time.sleep, 0.5)
    while not first.running():
        time.sleep(0.01)
    others = [executor.submit(abs, -1) for _ in range(3)]
    executor.shutdown(cancel_futures=True)
    assert first.result() is None
    assert all(future.cancelled() for future in others)
    assert set(multiprocessing.active_children()) == others_children


def test_forgotten_processes_end():
    others_children = set(multiprocessing.active_children())
    executor = parallel.ProcessExecutor(1)
    assert executor.submit(abs, -1).result() == 1
    threads = executor._threads
    del executor
    gc.collect()
    for thread in threads:
        thread.join()
    assert set(multiprocessing.active_children()) == others_children


@pytest.mark.parametrize(
    ("count", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)]
)
def test_wrong_numbers_of_processes(count, error):
    with pytest.raises(error, match="max_workers must be"):
        parallel.ProcessExecutor(count)


# Workers that are killed.


class Killer(threading.Thread):
    """Kills the processes soon after it starts, and knows whether that was in time."""

    def __init__(self, pids, delay=0.25):
        super().__init__()
        self.pids, self.delay = pids, delay
        self.is_over = threading.Event()
        self.was_in_time = None

    def run(self):
        time.sleep(self.delay)
        self.was_in_time = not self.is_over.is_set()
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __exit__(self, *error):
        self.is_over.set()
        self.join()

    def __enter__(self):
        self.start()


@pytest.fixture(scope="module")
def long_work():
    """A Function, points that take a while, and what one call computes of them."""
    f = record(repeated, 1)
    data = points_of(f, 10_000)
    start = time.perf_counter()
    f.vjp(data, threads=1)
    seconds = time.perf_counter() - start
    data = points_of(f, int(len(data) * 2 / seconds))
    return f, data, f.vjp(data)


def same_enough(results, expected):
    """SCALE is used in several places."""
    np.testing.assert_allclose(results[2], expected[2], rtol=1e-9)
    return same(results[:2], expected[:2])


@forks
@needs_kill
@pytest.mark.parametrize("method", START_METHODS)
def test_a_killed_process(method, long_work):
    f, data, expected = long_work
    with parallel.ProcessExecutor(2, multiprocessing.get_context(method)) as executor:
        pids = {future.result() for future in [executor.submit(os.getpid) for _ in range(20)]}
        killer = Killer(pids)
        with killer:
            results = parallel.vjp(f, data, executor, chunks=16)
        assert killer.was_in_time
        assert same_enough(results, expected)
        assert pids.isdisjoint(executor.submit(os.getpid).result() for _ in range(4))


# Dask.


@pytest.mark.parametrize("outputs", [1, 2])
def test_dask(dask_client, outputs):
    f = network(outputs)
    data = points_of(f, 11 * f.stripe + 3)
    seeds = np.random.default_rng(2).normal(size=f(data).shape)
    with dask_client.get_executor() as executor:
        assert same(parallel.vjp(f, data, executor, seeds=seeds, chunks=8), f.vjp(data, seeds))


def test_dask_backward_with_equal_chunks(dask_client):
    f, twin = network(), network()
    data = np.ones((4 * f.stripe, 2))
    with dask_client.get_executor() as executor:
        for _ in range(2):
            outputs = parallel.backward(f, data, executor, chunks=4)
            assert np.array_equal(outputs, twin.backward(data))
    assert [p.grad for p in f.parameters] == [p.grad for p in twin.parameters]


@needs_kill
def test_a_killed_dask_worker(dask_client, long_work):
    f, data, expected = long_work
    dask_client.wait_for_workers(2)
    pids = list(dask_client.run(os.getpid).values())
    assert len(pids) == 2
    killer = Killer(pids[:1])
    with dask_client.get_executor() as executor:
        with killer:
            results = parallel.vjp(f, data, executor, chunks=16)
        assert killer.was_in_time
        assert same_enough(results, expected)


def test_a_client_is_no_executor(dask_client):
    with pytest.raises(TypeError, match=r"get_executor\(\)"):
        parallel.vjp(network(), np.zeros((5, 2)), dask_client)


@pytest.mark.parametrize("where", ["threads", "workers"])
def test_blocks_of_a_dask_array(where, request):
    da = pytest.importorskip("dask.array")
    get = "synchronous"
    if where == "workers":
        get = request.getfixturevalue("dask_client")
    f, g = network(), network(3)
    data = points_of(f, 1000)
    x = da.from_array(data, chunks=(300, 2))
    params = [p.data for p in f.parameters]
    blocks = functools.partial(da.map_blocks, dtype=float, threads=1)
    for lazy, expected in [
        (blocks(f, x, drop_axis=1), f(data)),
        (blocks(f, x, drop_axis=1, params=params), f(data)),
        (blocks(f.jacobian, x), f.jacobian(data)),
        (blocks(g, x, chunks=(x.chunks[0], 3)), g(data)),
    ]:
        assert lazy.shape == expected.shape
        assert np.array_equal(lazy.compute(scheduler=get), expected)


def test_blocks_know_when_parameters_have_changed():
    da = pytest.importorskip("dask.array")
    f = network()
    x = da.from_array(points_of(f, 10))
    before = da.map_blocks(f, x, dtype=float, drop_axis=1)
    again = da.map_blocks(f, x, dtype=float, drop_axis=1)
    f.parameters[0].data += 1
    after = da.map_blocks(f, x, dtype=float, drop_axis=1)
    assert before.name == again.name != after.name


# The guide.


def run_script(tmp_path, text, *launcher):
    script = tmp_path / "train.py"
    script.write_text(text, encoding="utf-8")
    mpi = {  # what Open MPI wants in containers and on few cores
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    return subprocess.run(
        [*launcher, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **mpi},
        timeout=120,
    )


def changed(text, diff):
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in kind) for kind in (" -", " +"))
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@needs_guide
@pytest.mark.parametrize("engine", ["processes", "dask", "mpi"])
def test_the_guides_training(engine, tmp_path):
    text, launcher = BLOCKS[0], [sys.executable]
    if engine == "dask":
        pytest.importorskip("distributed")
        text = changed(text, DIFFS[0])
    if engine == "mpi":
        pytest.importorskip("mpi4py")
        if shutil.which("mpiexec") is None:
            pytest.skip("needs mpiexec")
        text = changed(text, DIFFS[1])
        launcher = ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    done = run_script(tmp_path, text, *launcher)
    assert done.returncode == 0, done.stderr
    loss, accuracy = re.fullmatch(
        r"loss (.*), accuracy (.*)", done.stdout.strip().splitlines()[-1]
    ).groups()
    assert float(loss) < 0.02
    assert float(accuracy) > 0.99


@needs_guide
@pytest.mark.skipif(importlib.util.find_spec("dask") is None, reason="needs dask")
def test_the_guides_array(tmp_path):
    done = run_script(tmp_path, BLOCKS[1], sys.executable)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == promised(BLOCKS[1])


@needs_guide
def test_the_guide_is_tested():
    assert len(BLOCKS) == 2
    assert len(DIFFS) == 2
