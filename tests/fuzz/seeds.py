"""Writes what campaigns begin with where nothing is kept yet: saved programs, files and pickles.

python tests/fuzz/seeds.py FOLDER
"""

import pickle
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import megagrad
from megagrad import Function, Value, nn, record
from megagrad._core import ops
from megagrad.functional import cross_entropy, dot, softmax


def functions() -> Iterator[Function]:
    for op in ops():
        if op.kind in ("unary", "parametric") and op.name not in ("neg", "abs"):
            yield record(lambda x: getattr(x, op.name)(), 1)  # noqa: B023
        if op.kind == "binary":
            yield record(lambda x, y: getattr(x, op.name)(y), 2)  # noqa: B023
    yield record(lambda x, y: [x + y, x - y, x * y, x / y, x**y, -x, abs(x)], 2)
    for activation in ("relu", "tanh"):
        model = nn.MLP(2, [4, 4, 1], activation=activation)
        yield record(lambda x, y: model([x, y]), 2)  # noqa: B023
    classifier = nn.MLP(3, [5, 3])
    yield record(lambda *x: cross_entropy(classifier(list(x)), 1), 3)
    yield record(lambda *x: softmax(list(x)), 4)
    w = [Value(random.random()) for _ in range(8)]
    yield record(lambda *x: [dot(w, x) - x[0] * x[1], dot(x, x), w[0] * w[1] + w[2] - x[0]], 8)
    yield Function([], [w[0] * w[1]])
    yield record(lambda x: [x, x, x * 0 + 2.5], 1)


def graphs() -> Iterator[object]:
    x, y = Value(2.0, label="x"), Value(0.5)
    yield x
    yield (x * y + 1).tanh() ** 2
    yield [x * 2, x.leaky_relu(), x.maximum(y)]
    own = Value(3.0, (x, y), (1.0, 2.0))
    own.note = [x]
    yield own * 2
    yield nn.MLP(2, [2, 1])([x, y])
    yield record(lambda x, y: x * y + 1, 2)


class InPython:
    """What a Value in pure Python is to pickle."""

    def __init__(self, data: float, children: tuple["InPython", ...] = ()) -> None:
        self.data, self.grad, self._prev = data, 0, set(children)
        self._op, self.label, self._backward = "f", "", None


def of_another_class() -> Iterator[bytes]:
    leaf = InPython(2.0)
    leaf.user = node = InPython(3.0, (leaf, InPython(4.0)))  # type: ignore[attr-defined]
    node._children, node._local_grads = (leaf,), (0.5,)  # type: ignore[attr-defined]
    for made in (InPython(1.0), leaf, [node, leaf]):
        yield pickle.dumps(made, 4).replace(b"\x08InPython", b"\x05Value")


def saved(write: object) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path)
        return path.read_bytes()


def seeds() -> Iterator[tuple[str, bytes]]:
    for f in functions():
        program, parameters, has_one_output = f.__reduce__()[1]
        count, flag = len(parameters), bytes([not has_one_output])
        yield "program", program
        yield "function_arguments", flag + bytes([count]) + b"\1\x88" * count + b"\0" + program
        yield "function_file", b"\0" + saved(f.save)
        if count < 32:
            numbers = bytes(8 * count)
            for kind in (b"\2", b"\3"):
                yield "function_file", kind + b"\1" + bytes([count]) + numbers + program[:-8]
    for graph in graphs():
        yield "pickled", pickle.dumps(graph, 4)
    for content in of_another_class():
        yield "pickled", content
    for state in ({}, {"x": 1.0}, nn.MLP(2, [2]).state_dict()):
        yield "state_file", b"\0" + saved(lambda path: megagrad.save(state, path))  # noqa: B023
    for _ in range(40):
        for target in ("value_graph", "state_file"):
            yield target, b"\1" + random.randbytes(random.randrange(300))


if __name__ == "__main__":
    random.seed(1)
    for number, (target, content) in enumerate(seeds()):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed-{number}").write_bytes(content)
