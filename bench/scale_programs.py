"""Programs of so many instructions, which nothing folds, merges, drops or fuses."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from watch import Figure, Watch

from megagrad import Function
from megagrad.engine import Value
from megagrad.functional import dot

POINTS = 16
"""Of a batch."""


class Program(NamedTuple):
    """What a Function is recorded from."""

    inputs: list[Value]
    outputs: list[Value]


def chain(count: int) -> Program:
    """Make one long dependence, of two kernels in turn."""
    x = y = Value(0.5)
    for _ in range(count // 2):
        y = (y * x).sin()
    return Program([x], [y])


def cells(count: int) -> Program:
    """Let a few numbers change each other, by five kernels in turn."""
    inputs = [Value(0.3 + 0.01 * i) for i in range(32)]
    state = list(inputs)
    for i in range(count // 5):
        a, b = i % 32, (i * 7 + 3) % 32
        state[a] = (state[a] / (state[b].exp() + 1.5)).tanh().maximum(state[b] - 0.5)
    return Program(inputs, state)


def parameters(count: int) -> Program:
    """Give every other instruction a parameter of its own."""
    x = y = Value(0.5)
    for _ in range(count // 2):
        y = (y * Value(0.75)).sin()
    return Program([x], [y])


def inputs(count: int) -> Program:
    """Give every other instruction an input of its own."""
    xs = [Value(0.75) for _ in range(count // 2)]
    y = xs[0]
    for x in xs:
        y = (y * x).sin()
    return Program(xs, [y])


def outputs(count: int) -> Program:
    """Let each instruction's result be an output."""
    y = x = Value(0.5)
    results = []
    for _ in range(count):
        y = y.sin()
        results.append(y)
    return Program([x], results)


def uses(count: int) -> Program:
    """Let every other instruction use the same input, and none another's result."""
    x = Value(0.5)
    return Program([x], [(x * (1e-6 * i + 2)).sin() for i in range(count // 2)])


def products(count: int) -> Program:
    """Make a single instruction, a dot of so many products."""
    xs, ws = [Value(0.5) for _ in range(count)], [Value(0.25) for _ in range(count)]
    return Program(xs, [dot(ws, xs)])


SHAPES = {
    make.__name__: make for make in (chain, cells, parameters, inputs, outputs, uses, products)
}


def measured(shape: str, count: int) -> tuple[int, list[Figure]]:
    """Do everything with one program; return its size, and the figures."""
    watch = Watch()
    program = SHAPES[shape](count)
    f = watch("record", lambda: Function(program.inputs, program.outputs))
    size = count if shape == "products" else _instructions(f)
    assert size >= 0.99 * count
    point = [x.data for x in program.inputs]
    _call(watch, f, point, [output.data for output in program.outputs])
    _differentiate(watch, f, point, program)
    text = watch("list", lambda: str(f))
    assert text.count("\n") <= size + 6
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "function"
        watch("save", lambda: f.save(path))
        twins = [watch("load", lambda: Function.load(path))]
    pickled = watch("pickle", lambda: pickle.dumps(f, 5))
    twins.append(watch("unpickle", lambda: pickle.loads(pickled)))
    for twin in twins:
        np.testing.assert_array_equal(twin(point), f(point))
    return size, watch.figures


def _instructions(f: Function) -> int:
    return int(repr(f).split()[-2])


def _call(watch: Watch, f: Function, point: list[float], expected: list[float]) -> None:
    first = watch("plan and call", lambda: f(point))
    np.testing.assert_allclose(first, expected, rtol=1e-9)
    np.testing.assert_array_equal(watch("call", lambda: f(point)), first)
    if len(point) > 1000 or len(expected) > 1000:
        return
    batch = watch(f"call, {POINTS} points", lambda: f([point] * POINTS, threads=1))
    np.testing.assert_array_equal(batch, [first] * POINTS)


def _differentiate(watch: Watch, f: Function, point: list[float], program: Program) -> None:
    for output in program.outputs[-1:]:
        output.backward()
    seeds = np.zeros(len(program.outputs))
    seeds[-1] = 1
    grads: list[Any] = []
    for name in ("plan and vjp", "vjp"):
        grads = watch(name, lambda: f.vjp(point, seeds))[1:]
        for found, leaves in zip(grads, (program.inputs, f.parameters), strict=True):
            np.testing.assert_allclose(found, [x.grad for x in leaves], rtol=1e-7, atol=1e-300)
    direction = np.ones(len(point))
    _, tangents = watch("jvp", lambda: f.jvp(point, direction))
    assert np.isclose(tangents[-1], np.sum(grads[0]), rtol=1e-7)
