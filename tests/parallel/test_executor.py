"""ProcessExecutor: processes of which any may die."""

import gc
import multiprocessing
import os
import pickle
import re
import sys
import threading
import time
from concurrent.futures import BrokenExecutor

import pytest
from support.calls import Unpicklable, iter_of, raising, raising_a_local
from support.killer import Killer, kill
from support.recorded_functions import same_enough

from megagrad import parallel

# macOS's own libraries do not survive fork().
START_METHODS = [
    method
    for method in multiprocessing.get_all_start_methods()
    if method != "fork" or sys.platform != "darwin"
]

# Python's warning about fork() in a process with threads, which every pool begins.
forks = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def test_calls_of_processes():
    with parallel.ProcessExecutor(2) as executor:
        assert list(executor.map(divmod, range(7), [3] * 7)) == [divmod(i, 3) for i in range(7)]
        assert executor.submit(int, "11", base=2).result() == 3
        assert executor.submit(os.getpid).result() != os.getpid()


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


@forks
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
        kill(pid)
        # One of the workers may be found dead by the next call.
        outcomes = [executor.submit(abs, -1).exception() for _ in range(4)]
        assert [type(error) for error in outcomes].count(BrokenExecutor) <= 1
        assert executor.submit(abs, -1).result() == 1


def test_a_process_killed_while_it_sends_a_large_result():
    with parallel.ProcessExecutor(1) as executor:
        pid = executor.submit(os.getpid).result()
        future = executor.submit(bytes, 1 << 28)
        while not future.done():
            kill(pid)
            time.sleep(0.05)
        assert isinstance(future.exception(), BrokenExecutor)
        assert executor.submit(abs, -3).result() == 3


class OneAtATime:
    """A context that counts how many processes are between the making of their pipe and its closing."""

    def __init__(self):
        self.under_way, self.most = 0, 0
        self.second_has_come = threading.Event()

    def wait_for_a_second(self):
        """Long enough for one that nothing holds up."""
        self.second_has_come.wait(0.2)

    def Pipe(self):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.most > 1:
            self.second_has_come.set()
        self.wait_for_a_second()
        connection, its_end = multiprocessing.Pipe()
        return connection, WatchedEnd(self, its_end)

    def Process(self, target, args, daemon):
        context = multiprocessing.get_context("spawn")
        return context.Process(target=target, args=(args[0].connection,), daemon=daemon)


class WatchedEnd:
    def __init__(self, context, connection):
        self.context, self.connection = context, connection

    def close(self):
        self.context.wait_for_a_second()
        self.connection.close()
        self.context.under_way -= 1


def test_no_process_starts_while_another_has_not_its_pipe_alone():
    """It would hold a copy of the other's end of the pipe, which then stays open after a death."""
    context = OneAtATime()
    with parallel.ProcessExecutor(2, context) as executor:
        assert list(executor.map(abs, range(-9, 0))) == list(range(9, 0, -1))
    assert (context.under_way, context.most) == (0, 1)


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


@forks
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
