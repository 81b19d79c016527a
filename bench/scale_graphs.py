"""Graphs of every shape, and all that is done with a graph, each of it checked and measured."""

from __future__ import annotations

import copy
import gc
import pickle
import tempfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from memory import chain
from watch import Figure, Watch

from megagrad import Function, draw_dot, explain
from megagrad._core import census
from megagrad.engine import Value
from megagrad.functional import dot
from megagrad.functional import sum as total
from megagrad.optim import SGD

WIDTH = 16
"""Of a network's layers."""

SLOW = 1_100_000
"""The pickler that is written in Python takes 15 us a node: it gets one shape, and none larger."""

HEAVY = {"labelled": 4_000_000, "closures": 4_000_000, "instances": 4_000_000}
"""Copies of so many of these objects, with what Python hangs on each, fit 8 GiB."""


class Graph(NamedTuple):
    """A graph, some of its leaves, and the gradient that a backward pass gives the first of them."""

    leaves: list[Value]
    root: Value
    grad: float


def deep(nodes: int) -> Graph:
    """Make a chain of sums."""
    step, root = chain(Value, nodes)
    return Graph([step], root, float(nodes))


def wide(nodes: int) -> Graph:
    """Make one sum over so many leaves."""
    leaves = [Value(1.0) for _ in range(nodes // 2)]
    return Graph(leaves, total(leaves), 1.0)


def diamonds(nodes: int) -> Graph:
    """Make a chain of nodes that are used twice: there are 2 ** (nodes / 3) paths."""
    x = root = Value(1.0)
    for _ in range(nodes // 3):
        root = root * 0.75 + root * 0.25
    return Graph([x], root, 1.0)


def network(nodes: int) -> Graph:
    """Make layers of dots, all with the same weights: their numbers are powers of 2, and exact."""
    layers = max(1, nodes // (2 * WIDTH * WIDTH))
    inputs = [Value(1.0) for _ in range(WIDTH)]
    weights = [[Value(1 / WIDTH) for _ in range(WIDTH)] for _ in range(WIDTH)]
    x = inputs
    for _ in range(layers):
        x = [dot(row, x) for row in weights]
    leaves = [w for row in weights for w in row]
    return Graph(leaves, total(x), float(layers))


def labelled(nodes: int) -> Graph:
    """Make a chain whose nodes have a label and an attribute."""
    step, root = Value(0.5), Value(1.0)
    for _ in range(nodes):
        root = root + step
        root.label = "x"
        root.colour = "red"  # type: ignore[attr-defined]
    return Graph([step], root, float(nodes))


def closures(nodes: int) -> Graph:
    """Make a chain of the program's own ops: each is a reference cycle."""
    x = root = Value(1.0)
    for _ in range(nodes):
        root = _own(root)
    return Graph([x], root, 1.0)


def _own(x: Value) -> Value:
    out = Value(x.data, (x,), "own")

    def rule() -> None:
        x.grad += out.grad

    out._backward = rule
    return out


class Instance(Value):
    """Known to the collector from the start."""


def instances(nodes: int) -> Graph:
    """Make a chain of instances of a subclass."""
    x = root = Value(1.0)
    for _ in range(nodes):
        root = Instance(root.data, (root,), (1.0,))
    return Graph([x], root, 1.0)


SHAPES = {
    make.__name__: make for make in (deep, wide, diamonds, network, labelled, closures, instances)
}


def walk(root: Value) -> int:
    """Count the nodes, as a program of micrograd's would."""
    seen, stack = {root}, [root]
    while stack:
        for child in stack.pop()._children:
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return len(seen)


def dumped_in_python(root: Value) -> bytes:
    """Pickle with the pickler that is written in Python."""
    file = BytesIO()
    pickle._Pickler(file, 5).dump(root)  # type: ignore[attr-defined]
    return file.getvalue()


def measured(shape: str, nodes: int) -> tuple[int, list[Figure]]:
    """Do everything with one graph; return how many nodes it had, and the figures."""
    watch = Watch()
    held = [watch("build", lambda: SHAPES[shape](nodes))]
    count = sum(census(held[0].root).values())
    _differentiate(watch, held[0])
    _refuse(watch, held[0].root)
    _record(watch, held[0])
    if count <= HEAVY.get(shape, count):
        _duplicate(watch, held[0].root, shape)
    assert watch("walk", lambda: walk(held[0].root)) == count
    gc.collect()
    watch("collect, nothing to free", gc.collect)
    watch("free", lambda: (held.clear(), gc.collect()))
    return count, watch.figures


def _differentiate(watch: Watch, graph: Graph) -> None:
    watch("backward", graph.root.backward)
    assert graph.leaves[0].grad == graph.grad
    watch("backward again", graph.root.backward)
    assert graph.leaves[0].grad == 2 * graph.grad
    optimizer = SGD(graph.leaves, lr=0.1)
    if len(graph.leaves) > 1000:
        watch("zero_grad", optimizer.zero_grad)
    else:
        optimizer.zero_grad()
    assert graph.leaves[0].grad == 0


def _refuse(watch: Watch, root: Value) -> None:
    with suppress(ImportError):
        assert "more than the limit" in watch("draw_dot refuses", lambda: draw_dot(root)).summary
    assert "more than the limit" in watch("explain refuses", lambda: explain(root)).heading


def _recorded(leaf: Value, root: Value) -> Function | ValueError:
    try:
        return Function([leaf], root)
    except ValueError as refusal:
        return refusal


def _record(watch: Watch, graph: Graph) -> None:
    leaf, root = graph.leaves[0], graph.root
    f = watch("record", lambda: _recorded(leaf, root))
    if isinstance(f, ValueError):
        assert "a rule of the user's own" in str(f)
        return
    assert watch("plan and call", lambda: f([leaf.data])) == root.data
    _, grads, _ = watch("plan and vjp", lambda: f.vjp([leaf.data]))
    assert grads[0] == graph.grad
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "function"
        watch("save", lambda: f.save(path))
        loaded = watch("load", lambda: Function.load(path))
    assert loaded([leaf.data]) == root.data


def _duplicate(watch: Watch, root: Value, shape: str) -> None:
    counted = census(root)
    twin = watch("deepcopy", lambda: copy.deepcopy(root))
    assert twin.data == root.data
    assert census(twin) == counted
    del twin
    gc.collect()
    if shape == "closures":
        return  # pickle takes no local functions
    ways: list[tuple[str, Callable[[Value], bytes]]] = [
        ("pickle", lambda root: pickle.dumps(root, 5)),
        ("pickle in Python", dumped_in_python),
    ]
    is_slow = shape != "deep" or sum(counted.values()) > SLOW
    for name, dump in ways[: 1 if is_slow else 2]:
        text = watch(name, lambda dump=dump: dump(root))
        twin = watch(name.replace("pickle", "unpickle"), lambda text=text: pickle.loads(text))
        assert twin.data == root.data
        assert census(twin) == counted
        del text, twin
        gc.collect()
