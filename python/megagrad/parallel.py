"""Functions computed by many processes or machines, through any ``concurrent.futures.Executor``.

``vjp`` and ``backward`` do what a Function's methods of those names do. They cut a batch into chunks,
submit these to an executor, and add the chunks' gradients as a balanced tree.
``ProcessExecutor`` is a pool of processes on this machine that survives the death of any of them.
"""

import functools
import pickle
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from megagrad._checks import kind, whole_number
from megagrad._core import Function
from megagrad._workers import ProcessExecutor
from megagrad.engine import Value

__all__ = ["ProcessExecutor", "backward", "vjp"]

_Array: TypeAlias = npt.NDArray[Any]


def vjp(
    f: Function,
    data: npt.ArrayLike,
    executor: Executor,
    *,
    seeds: npt.ArrayLike | None = None,
    params: npt.ArrayLike | None = None,
    chunks: int | None = None,
    retries: int = 3,
) -> tuple[Any, _Array, _Array]:
    """Compute ``f.vjp(data, seeds, params)``, the points shared out in chunks.

    data, seeds, params: as f.vjp's. Without params the parameters' data are read once, here. executor:
    a ``concurrent.futures.Executor``; its workers import megagrad, and compute with one thread each.
    chunks: at most how many, at least 1; None for up to 32, fewer where they would be too small to be
    worth sending. retries: how often a chunk is submitted again that was lost because the executor
    broke (``concurrent.futures.BrokenExecutor``), at least 0; only an executor that can go on then, as
    ProcessExecutor, makes use of it.

    Returns outputs, gradients by the inputs, and gradients by the parameters summed over points:
    shapes (n,), or (n, n_outputs) for a list of outputs, (n, n_inputs) and (n_parameters,). A single
    point and an empty batch are computed here.

    Each chunk but the last is a power of two of stripes, ``f.stripe`` points, and so gradients are
    added in the order in which f.vjp adds them: results are the same to the last bit if the workers'
    processors have the same instruction set. Gradients by parameters that f uses in several places,
    in expressions of parameters alone, or as outputs are the same to rounding.

    Raises what f.vjp raises, before anything is submitted; TypeError if f is no Function, executor no
    Executor, chunks or retries no integer; ValueError if one of these is too small. What a chunk
    raises is raised here; then, and after an interrupt, chunks that have not begun are cancelled.
    """
    call = _checked_call(f, data, executor, seeds, params, True)
    return _compute(call, executor, chunks, retries)


def backward(
    f: Function,
    data: npt.ArrayLike,
    executor: Executor,
    *,
    seeds: npt.ArrayLike | None = None,
    params: npt.ArrayLike | None = None,
    chunks: int | None = None,
    retries: int = 3,
) -> Any:
    """Add the gradients by the parameters to the ``grad`` of each one here, and return the outputs.

    As vjp(), without the gradients by the inputs, which are not sent. Nothing has changed after an
    error.
    """
    call = _checked_call(f, data, executor, seeds, params, False)
    outputs, _, grads = _compute(call, executor, chunks, retries)
    for parameter, grad in zip(f.parameters, grads.tolist(), strict=True):
        parameter.grad += grad
    return outputs


class _Call(NamedTuple):
    """The arguments of vjp() as arrays, seeds perhaps None."""

    f: Function
    data: _Array
    seeds: _Array | None
    params: _Array
    with_input_grads: bool


_Results: TypeAlias = tuple[Any, Any, _Array]


def _checked_call(
    f: Function,
    data: npt.ArrayLike,
    executor: Executor,
    seeds: npt.ArrayLike | None,
    params: npt.ArrayLike | None,
    with_input_grads: bool,
) -> _Call:
    if not isinstance(f, Function):
        raise TypeError(f"f must be a Function, not {kind(f)}")
    if not isinstance(executor, Executor):
        raise TypeError(
            "executor must be a concurrent.futures.Executor (a Dask client has get_executor()), "
            f"not {kind(executor)}"
        )
    if params is None:
        params = [parameter.data for parameter in f.parameters]
    return _Call(
        f,
        _array("data", data),
        None if seeds is None else _array("seeds", seeds),
        _array("params", params),
        with_input_grads,
    )


def _array(name: str, numbers: npt.ArrayLike) -> _Array:
    try:
        return np.asarray(numbers)
    except Exception as error:
        error.add_note(f"while NumPy made an array of {name}")
        raise


def _compute(call: _Call, executor: Executor, chunks: int | None, retries: int) -> _Results:
    retries = whole_number("retries", retries, 0)
    count = _default_chunks(call) if chunks is None else whole_number("chunks", chunks, 1)
    if not _is_batch(call):
        return call.f.vjp(call.data, call.seeds, call.params)
    pickled = _pickled(call.f)
    tasks = [
        (pickled, data, seeds, call.params, call.with_input_grads)
        for data, seeds in _pieces(call, count)
    ]
    outputs, grads, parameter_grads = zip(*_run(tasks, executor, retries), strict=True)
    return (
        np.concatenate(outputs),
        np.concatenate(grads) if call.with_input_grads else None,
        _tree_sum(parameter_grads),
    )


def _is_batch(call: _Call) -> bool:
    """Whether there are points to share out; if not, f.vjp has little to do, or an error to raise."""
    f, data, seeds, params, _ = call
    if data.ndim != 2 or data.shape[1] != f.n_inputs or len(data) == 0:
        return False
    # Without points, only what is wrong with the other arguments matters.
    no_outputs = f.vjp(data[:0], None, params)[0]
    if seeds is None:
        return True
    if seeds.shape not in ((), (len(data), *no_outputs.shape[1:])):
        return False
    f.vjp(data[:0], seeds[:0] if seeds.ndim else seeds, params)
    return True


def _default_chunks(call: _Call) -> int:
    """As many as keep some dozen workers busy, if each has work for a few milliseconds."""
    most, operations_worth_sending = 32, 1 << 24
    operations = call.f.counts["recorded"] * len(np.atleast_1d(call.data))
    return min(max(operations // operations_worth_sending, 1), most)


def _pieces(call: _Call, count: int) -> list[tuple[_Array, _Array | None]]:
    """At most so many pieces of data and seeds, each but the last of a power of two of stripes."""
    data, seeds, stripe = call.data, call.seeds, call.f.stripe
    stripes = -(-len(data) // stripe)
    size = stripe << (-(-stripes // count) - 1).bit_length()
    return [
        (
            data[first : first + size],
            seeds if seeds is None or seeds.ndim == 0 else seeds[first : first + size],
        )
        for first in range(0, len(data), size)
    ]


def _tree_sum(vectors: Sequence[_Array]) -> _Array:
    """Add as the core adds the sums of stripes: whole subtrees of a balanced tree on the left."""
    if len(vectors) == 1:
        return vectors[0]
    middle = 1 << ((len(vectors) - 1).bit_length() - 1)
    total: _Array = _tree_sum(vectors[:middle]) + _tree_sum(vectors[middle:])
    return total


def _run(tasks: Sequence[tuple[Any, ...]], executor: Executor, retries: int) -> list[_Results]:
    """The results of all chunks, in their order."""
    results: dict[int, _Results] = {}
    for left in range(retries, -1, -1):
        missing = [number for number in range(len(tasks)) if number not in results]
        error = _run_once({number: tasks[number] for number in missing}, executor, results)
        if error is None:
            break
        if left == 0:
            if not isinstance(executor, ProcessExecutor):
                error.add_note("(megagrad.parallel.ProcessExecutor survives the death of a worker)")
            raise error
    return [results[number] for number in range(len(tasks))]


def _run_once(
    tasks: dict[int, tuple[Any, ...]], executor: Executor, results: dict[int, _Results]
) -> BrokenExecutor | None:
    """Put what was computed into `results`; return an error if something was lost."""
    error = None
    futures: dict[Future[_Results], int] = {}
    try:
        for number, task in tasks.items():
            futures[_submitted(executor, task)] = number
        for future in as_completed(list(futures)):
            try:
                results[futures.pop(future)] = future.result()
            except BrokenExecutor as broken:
                error = broken
    finally:
        for future in futures:
            future.cancel()
    return error


def _submitted(executor: Executor, task: tuple[Any, ...]) -> Future[_Results]:
    """The Future of a chunk; a failed one if the executor has broken meanwhile."""
    try:
        return executor.submit(_compute_chunk, *task)
    except BrokenExecutor as error:
        future: Future[_Results] = Future()
        future.set_exception(error)
        return future


def _compute_chunk(
    pickled: bytes, data: _Array, seeds: _Array | None, params: _Array, with_input_grads: bool
) -> _Results:
    """Compute a chunk, in a worker."""
    f = _function(pickled)
    outputs, grads, parameter_grads = f.vjp(data, seeds, params, threads=1)
    return outputs, grads if with_input_grads else None, parameter_grads


def _pickled(f: Function) -> bytes:
    """Pickle f without its parameters' data: so these are the same bytes all through a training."""
    restore, (program, parameters, has_one_output) = f.__reduce__()
    return pickle.dumps((restore, program, len(parameters), has_one_output))


@functools.lru_cache(maxsize=4)
def _function(pickled: bytes) -> Function:
    restore, program, count, has_one_output = pickle.loads(pickled)
    f: Function = restore(program, tuple(Value(0.0) for _ in range(count)), has_one_output)
    return f
