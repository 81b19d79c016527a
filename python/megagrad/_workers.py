"""Worker processes of which any may die at any moment: only what it was computing is lost."""

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import traceback
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, ParamSpec, TypeAlias, TypeVar

from megagrad._checks import whole_number

__all__ = ["ProcessExecutor"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Call: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
_Task: TypeAlias = tuple[Future[Any], _Call]

# As many as a Function takes threads.
MOST_WORKERS = 4096

# Closing our end of a pipe is not enough to end a worker: those that were forked have a copy of it.
_END = b""


class ProcessExecutor(Executor):
    """A pool of worker processes that goes on when one of them dies.

    ``concurrent.futures.ProcessPoolExecutor`` gives up all that was submitted when a worker is killed,
    and waits for ever if that happened while it was sending its result, since all its workers write to
    one pipe. Here each has a pipe of its own. The Future of the call that a dead worker was computing
    raises ``concurrent.futures.BrokenExecutor``; the others do not notice, and the next call gets a new
    process.

    max_workers: how many processes, 1 to 4096; None for one for every core that this process may use.
    mp_context: where processes come from (``multiprocessing.get_context``); None for "spawn". As with
    every pool, calls, arguments and results are pickled, and the main module is imported by each
    worker, so its own work has to stand below ``if __name__ == "__main__":``.

    Raises TypeError for a max_workers that is no integer, and ValueError for one out of its range.

    Workers start when they are first needed and ignore SIGINT. Without ``shutdown()``, which a
    ``with`` block calls, the interpreter drops at its exit what has not finished.
    """

    def __init__(
        self, max_workers: int | None = None, mp_context: BaseContext | None = None
    ) -> None:
        """See the class."""
        count = (
            _cores()
            if max_workers is None
            else whole_number("max_workers", max_workers, 1, at_most=MOST_WORKERS)
        )
        context = multiprocessing.get_context("spawn") if mp_context is None else mp_context
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        starting = threading.Lock()
        # Threads know the queue only, so that an executor that was forgotten can be collected.
        self._threads = [
            threading.Thread(target=_serve, args=(self._tasks, context, starting), daemon=True)
            for _ in range(count)
        ]
        self._end = weakref.finalize(self, _put_ends, self._tasks, count)
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Call ``fn(*args, **kwargs)`` in a worker, and return the Future of its result.

        Raises RuntimeError after shutdown(). The Future raises what the call raises, with a note of
        the worker's traceback; what pickling raises; and BrokenExecutor if the worker died.
        """
        future: Future[_T] = Future()
        with self._lock:
            if not self._end.alive:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._tasks.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers after what was submitted: see ``concurrent.futures.Executor.shutdown``."""
        with self._lock:
            if cancel_futures:
                self._cancel_waiting()
            self._end()
        if wait:
            for thread in self._threads:
                thread.join()

    def _cancel_waiting(self) -> None:
        ends = 0
        with contextlib.suppress(queue.Empty):
            while True:
                task = self._tasks.get_nowait()
                if task is None:
                    ends += 1
                else:
                    task[0].cancel()
                    task[0].set_running_or_notify_cancel()
        _put_ends(self._tasks, ends)


class _Worker:
    """A process and our end of its pipe, both made when they are needed."""

    def __init__(self, context: BaseContext, starting: threading.Lock) -> None:
        self._context = context
        self._starting = starting
        self._running: tuple[Connection, BaseProcess] | None = None

    def compute(self, pickled: bytes) -> bytes:
        """Return the pickled outcome of a pickled call. Raises BrokenExecutor if the process died."""
        connection, process = self._started()
        try:
            connection.send_bytes(pickled)
            return connection.recv_bytes()
        except Exception as error:
            self._running = None
            connection.close()
            process.join(1)
            process.kill()
            raise BrokenExecutor(
                f"worker process {process.pid} was lost before its result was here "
                f"(exit code {process.exitcode})"
            ) from error

    def close(self) -> None:
        """End the process, which has nothing to do."""
        if self._running is not None:
            connection, process = self._running
            with contextlib.suppress(OSError):
                connection.send_bytes(_END)
            connection.close()
            process.join()

    def _started(self) -> tuple[Connection, BaseProcess]:
        if self._running is None:
            # A process forked meanwhile would hold this one's end of the pipe open after its death.
            with self._starting:
                connection, its_end = self._context.Pipe()
                process = self._context.Process(  # type: ignore[attr-defined]
                    target=_work, args=(its_end,), daemon=True
                )
                process.start()
                its_end.close()
            self._running = connection, process
        return self._running


def _serve(
    tasks: "queue.SimpleQueue[_Task | None]", context: BaseContext, starting: threading.Lock
) -> None:
    """Let a worker do what there is to do, until None comes."""
    worker = _Worker(context, starting)
    while (task := tasks.get()) is not None:
        _do(worker, *task)
        del task
    worker.close()


def _do(worker: _Worker, future: Future[Any], call: _Call) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        is_result, outcome = pickle.loads(worker.compute(pickle.dumps(call)))
    except Exception as error:  # noqa: BLE001 - it is the caller's, whatever it is
        future.set_exception(error)
        return
    if is_result:
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def _put_ends(tasks: "queue.SimpleQueue[_Task | None]", count: int) -> None:
    for _ in range(count):
        tasks.put(None)


def _work(connection: Connection) -> None:
    """Compute what comes through the pipe, in a worker, until the end or the parent's death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while (call := connection.recv_bytes()) != _END:
            connection.send_bytes(_outcome(call))


def _outcome(pickled: bytes) -> bytes:
    """Make a pickled call and return, pickled, whether there is a result, and it or the exception."""
    try:
        fn, args, kwargs = pickle.loads(pickled)
        return pickle.dumps((True, fn(*args, **kwargs)))
    except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
        trace = traceback.format_exc()
        error.add_note(f"in worker process {os.getpid()}:\n{trace}")
        try:
            return pickle.dumps((False, error))
        except Exception:  # noqa: BLE001 - an exception that pickle does not take
            return pickle.dumps((False, RuntimeError(trace)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
