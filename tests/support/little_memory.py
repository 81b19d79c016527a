"""Operations for which a process has too little memory: a program of test_memory_errors.

``python tests/support/little_memory.py NAME`` makes what the operation works on, lets the process have a few MB more,
does the operation, which has to be a MemoryError, then something small, which has to work, and at last
the operation once more with all the memory there is.
"""

import contextlib
import copy
import pickle
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from megagrad import Function, Value, explain, functional, nn, optim, record

COUNT = 400_000
MB = 2**20


@contextlib.contextmanager
def little_memory(extra):
    """Let this process have so many bytes more of addresses."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def chain(count=COUNT):
    x = root = Value(1.0)
    for _ in range(count):
        root = root + x
    return x, root


def leaves():
    return [Value(float(i % 3)) for i in range(COUNT)]


def program():
    """A Function of two inputs and outputs, and as many points as nodes elsewhere."""
    return record(lambda x, y: [x * y, (x + y).tanh()], 2), np.ones((COUNT, 2))


def long_program(count):
    x, root = chain(count)
    return Function([x], root)


def built(start):
    nodes = [start]
    for i in range(COUNT):
        nodes.append(nodes[-1] + i)
    return nodes[-1].data


def differentiated(graph):
    x, root = graph
    x.grad = 0.0
    root.backward()
    return x.grad


def shapes(arrays):
    return [np.shape(array) for array in arrays]


def saved(function):
    with tempfile.TemporaryDirectory() as folder:
        function.save(Path(folder, "program"))
        return Function.load(Path(folder, "program")).counts


def stepped(parameters):
    optimizer = optim.Adam(parameters, lr=0.0)
    optimizer.step()
    return len(optimizer.state_dict()["state"])


# What the operation needs, the operation, and what it gives where there is memory.
OPERATIONS = {
    "build": (lambda: Value(0.0), built, sum(range(COUNT))),
    "backward": (chain, differentiated, COUNT + 1.0),
    "deepcopy": (chain, lambda graph: differentiated(copy.deepcopy(graph)), COUNT + 1.0),
    "pickle": (
        lambda: chain(60_000),
        lambda graph: differentiated(pickle.loads(pickle.dumps(graph))),
        60_001.0,
    ),
    "record": (chain, lambda graph: Function([graph[0]], graph[1]).counts["recorded"], COUNT),
    "save": (
        lambda: long_program(200_000),
        lambda function: saved(function) == function.counts,
        True,
    ),
    "sum": (leaves, lambda nodes: functional.sum(nodes).data, COUNT - 1.0),
    "dot": (leaves, lambda nodes: functional.dot(nodes, nodes).data, 5 * (COUNT // 3)),
    "optimiser": (leaves, stepped, COUNT),
    "explain": (
        lambda: chain(20_000)[1],
        lambda root: len(list(explain(root, limit=None))),
        20_001,
    ),
    "call": (program, lambda it: np.shape(it[0](it[1])), (COUNT, 2)),
    "vjp": (program, lambda it: shapes(it[0].vjp(it[1])[:2]), [(COUNT, 2), (COUNT, 2)]),
    "jvp": (program, lambda it: shapes(it[0].jvp(it[1], it[1])), [(COUNT, 2)] * 2),
    "jacobian": (program, lambda it: np.shape(it[0].jacobian(it[1])), (COUNT, 2, 2)),
}


def main(name):
    make, operation, expected = OPERATIONS[name]
    operand = make()
    model = nn.MLP(2, [3, 1])
    with little_memory(3 * MB):
        try:
            operation(operand)
        except MemoryError:
            print("MemoryError")
        model([1.0, 2.0]).backward()
        optim.SGD(model.parameters(), lr=0.1).step()
    result = operation(operand)
    assert result == expected, result
    print("right afterwards")


if __name__ == "__main__":
    main(sys.argv[1])
