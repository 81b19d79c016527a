"""Recorded programs."""

import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from megagrad import Function, Value, nn, parallel, record, where

Array = NDArray[np.float64]


def choice(x: Value, y: Value) -> Value:
    return where(x.less(y), 3 * x * y + y**2, x.tanh())


def powers(x: Value) -> list[Value]:
    return [x, x * x, x**3]


f = record(choice, 2)
assert_type(f, Function)
assert_type(record(powers, 1), Function)
assert_type(record(nn.MLP(2, [3, 1]), 2), Function)

model = nn.MLP(2, [4, 1])
x0, x1, target = Value(0), Value(0), Value(0)
squares = Function([x0, x1, target], (model([x0, x1]) - target) ** 2, model.parameters())
both = Function([x0, x1], [x0 * x1, x0 + x1])
assert_type(squares.parameters, tuple[Value, ...])
assert_type(both.n_inputs, int)
assert_type(both.n_outputs, int)
assert_type(both.counts, dict[str, int])

# Data of every kind; the outputs are a float, or an array of so many dimensions as there are
# outputs and points.
data = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 1.0]])
assert_type(f([1.0, 2.0]), Any)
assert_type(f([[1, 2], [3, 4]], threads=1), Any)
assert_type(squares(data.tolist()), Any)
mean: float = squares(data).mean()
number: float = f((1.0, 2.0))

value, grad = f.value_and_grad([1.0, 2.0])
assert_type(grad, Array)
losses, input_grads, parameter_grads = squares.vjp(data, seeds=0.5)
assert_type(input_grads, Array)
assert_type(parameter_grads, Array)
squares.backward(data)
outputs, tangents = f.jvp([1.0, 2.0], [0.0, 1.0])
assert_type(both.jacobian([1.0, 2.0]), Array)
assert_type(f.hessian([1.0, 2.0]), Array)
assert_type(f.hvp([1.0, 2.0], np.ones(2)), Array)
assert_type(str(f), str)

with tempfile.TemporaryDirectory() as folder:
    f.save(f"{folder}/f")
    assert_type(Function.load(Path(folder) / "f"), Function)
assert isinstance(pickle.loads(pickle.dumps(f)), Function)

with ThreadPoolExecutor(2) as executor:
    losses, input_grads, parameter_grads = parallel.vjp(squares, data, executor, chunks=2)
    parallel.backward(squares, data, executor)
pool: type[parallel.ProcessExecutor] = parallel.ProcessExecutor
