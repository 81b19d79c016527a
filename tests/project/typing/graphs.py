"""Looking at graphs, ops of one's own, and subclasses."""

# pyright: reportPrivateUsage=false
# micrograd's names of what a node knows begin with an underscore.

import copy
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import megagrad
from megagrad import Value, explain
from megagrad.engine import Value as EngineValue
from megagrad.nn import Module


def square(x: Value) -> Value:
    out = Value(x.data**2, (x,), "square")

    def _backward() -> None:
        x.grad += 2 * x.data * out.grad

    out._backward = _backward
    return out


def cube(x: Value) -> Value:
    return Value(x.data**3, (x,), (3 * x.data**2,))


def product(x: Value, y: Value) -> Value:
    return Value(x.data * y.data, children=[x, y], local_grads=[y.data, x.data])


class Parameter(Value):
    """A Value with an attribute of its own, which a type checker is told of so."""

    momentum: float = 0.0


class Line(Module):
    """A model of one's own."""

    def __init__(self) -> None:
        self.slope = Parameter(1.0, label="slope")
        self.offset = Value(0.0)

    def __call__(self, x: float) -> Value:
        return self.slope * x + self.offset


x = Value(2.0, label="x")
y = square(x) + cube(x) + product(x, x)
assert_type(y.label, str)
y.label = "y"
y.backward()
assert_type(EngineValue(1.0), Value)

assert_type(y._op, str)
assert_type(y._prev, set[Value])
assert_type(y._children, tuple[Value, ...])
assert_type(y._local_grads, tuple[float, ...])
assert_type(y._backward, Callable[[], object])

assert_type(copy.deepcopy(x), Value)
assert isinstance(pickle.loads(pickle.dumps(x)), Value)

line = Line()
((line(2.0) - 3) ** 2).backward()
line.slope.momentum += 0.9 * line.slope.grad
assert_type(line.slope.momentum, float)
assert_type(line.slope + 1, Value)
assert_type(line.parameters(), list[Value])
velocity = dict.fromkeys(line.parameters(), 0.0)
for name, parameter in line.named_parameters():
    assert_type(name, str)
    velocity[parameter] = 0.9 * velocity[parameter] - 0.1 * parameter.grad
    parameter.data += velocity[parameter]
line.zero_grad()

with tempfile.TemporaryDirectory() as folder:
    megagrad.save(line.state_dict(), f"{folder}/line.npz")
    megagrad.save(line.state_dict(), Path(folder) / "line.npz")
    state = megagrad.load(Path(folder) / "line.npz")
assert_type(state, dict[str, Any])
differences = line.load_state_dict(state, strict=False)
assert_type(differences.missing_keys, list[str])

explanation = explain(y, parameters=line, depth=3)
for step in explanation:
    assert_type(step.name, str)
    assert_type(step.data, float)
    assert_type([share.gradient for share in step.received], list[float])
assert_type(str(explanation), str)
