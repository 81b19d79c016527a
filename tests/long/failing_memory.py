"""Operations during which each allocation of Python's fails once: the program of test_memory_errors.

``python tests/long/failing_memory.py NAME...`` runs those, "engine" or all, in a process of its own, as it may
crash. For each number of an allocation, that one fails alone, and then with all later ones. Printed
is how many allocations there were, and what was wrong.
"""

import copy
import gc
import pickle
import random
import sys
import weakref
from _testcapi import remove_mem_hooks, set_nomemory
from array import array
from collections import deque
from itertools import repeat

import numpy as np

from megagrad import Function, Value, explain, functional, nn, optim, record
from megagrad._core import _layer, _network, _restore, census, scale_gradients

HALVES = (0.5,) * 6
QUIET = 4  # so many numbers in a row without an error: there was no allocation left to fail
QUIET_IN_LIBRARY = 12  # which goes on without some
COUNTS_BLOCKS = sys.version_info < (3, 12)  # CPython 3.13 keeps some that vary between runs
REPEATED = 8  # what leaks every time stands out from free lists that fill,
ROUNDS = 5  # which takes so often at most


class Labelled(Value):
    """A subclass, with attributes."""

    __slots__ = ("slot",)


class Scene:
    """A graph of every kind of node, a model, an optimiser and a program."""

    def __init__(self):
        random.seed(1)
        self.leaves = [Value(0.1 * i + 0.2) for i in range(6)]
        a, b, c, d, e, f = self.leaves
        self.two, self.mixed, self.large = [a, b], [1.0, b, c, 2, d, e], [a, b, 2**70]
        self.tuple = tuple(self.leaves)
        self.plain = (a * b + c.tanh() - 2 * d) ** 2 / 3.5
        self.dot = functional.dot([a, b, 0.5], [c, 1.5, d], e)
        self.sum = functional.sum([a, b, c, 2.0], f)
        self.custom = Value(1.5, (a, b), (0.5, 0.25))
        self.labelled = Labelled(2.5, (c, d), (1.0, 2.0))
        self.labelled.label = "labelled"
        self.labelled.slot = [1, 2]
        self.labelled.colour = "red"
        self.bare = functional.sum([self.plain, self.dot, self.sum, self.custom])
        self.root = functional.sum([self.bare, self.labelled]).tanh()
        self.interior = [self.plain, self.dot, self.sum, self.custom, self.labelled, self.root]
        self.known = [*self.leaves, *self.interior]
        self.model = nn.MLP(2, [3, 1], activation="tanh")
        self.layer = self.model.layers[0]
        self.parameters = self.model.parameters()
        self.function = record(self.model, 2)
        self.points = np.array([[0.5, -0.5], [0.25, 1.0], [2.0, 3.0]])
        self.lists, self.seeds = self.points.tolist(), np.array([0.5, 1.0, 2.0])
        for node in (*self.known, *self.parameters):
            node.grad = 0.25
        self.optimizer = optim.Adam(self.parameters)
        (self.group,) = self.optimizer.param_groups
        self.rule = self.optimizer._rules[0]

    def numbers(self):
        return [(node.data, node.grad) for node in (*self.known, *self.parameters)]


def each(name):
    """Read an attribute of every node."""

    def read(scene):
        for node in scene.known:
            getattr(node, name)

    return read


def reduced(scene):
    """Do what pickle asks of a graph."""
    _, (descendants, *_), *_ = scene.root.__reduce_ex__(2)
    for part in descendants:
        part.__reduce_ex__(2)


def remade(scene):
    value = Value(1.0)
    value.__init__(2.0, scene.tuple, "op", label="x")


def trained(scene):
    scene.optimizer.zero_grad()
    functional.mse_loss([scene.model([0.5, 1.0])], [1.0]).backward()
    scene.optimizer.step()


# What may change numbers if it gets as far as that before memory is short.
CHANGING = {"backward", "function backward", "rule", "adam", "training step"}

# Ways into the extension, with arguments that are there already.
ENGINE = {
    "construct": lambda s: Value(1.0),
    "construct custom": lambda s: Value(1.0, s.tuple, HALVES, label="x"),
    "construct with op": lambda s: Value(1.0, s.two, "op"),
    "construct subclass": lambda s: Labelled(1.0, s.two),
    "init again": remade,
    "add": lambda s: s.root + s.plain,
    "add number": lambda s: s.root + 2.5,
    "subtract from": lambda s: 1 - s.dot,
    "power": lambda s: s.plain**2,
    "power of": lambda s: 2.0**s.plain,
    "divide": lambda s: s.sum / s.custom,
    "negate": lambda s: -s.labelled,
    "exp": lambda s: s.root.exp(),
    "leaky_relu": lambda s: s.root.leaky_relu(0.5),
    "compare": lambda s: (s.root < 2, s.root == s.plain, hash(s.root) == hash(s.root)),
    "dot": lambda s: functional.dot(s.leaves, s.mixed, s.root),
    "dot of tuples": lambda s: functional.dot(s.tuple, s.leaves),
    "sum": lambda s: functional.sum(s.tuple, 1.5),
    "sum by loop": lambda s: functional.sum(s.large),
    "layer": lambda s: _layer(s.layer.neurons, s.two),
    "network": lambda s: _network(s.model.layers, s.two),
    "mse_loss": lambda s: functional.mse_loss(s.leaves, s.mixed),
    "cross_entropy": lambda s: functional.cross_entropy(s.leaves, 2),
    "binary_cross_entropy": lambda s: functional.binary_cross_entropy_with_logits(
        s.leaves, s.mixed
    ),
    "softmax": lambda s: functional.softmax(s.leaves),
    "log_softmax": lambda s: functional.log_softmax(s.leaves),
    "rms_norm": lambda s: functional.rms_norm(s.leaves, s.mixed),
    "logsumexp": lambda s: functional.logsumexp(s.leaves),
    "backward": lambda s: s.root.backward(),
    "rule": lambda s: s.dot._backward(),
    "copy": lambda s: s.dot.__copy__(),
    "deepcopy": lambda s: s.sum.__deepcopy__({}),
    "reduce": reduced,
    "restore": lambda s: _restore(None, Value, "add", 1.0, 0.5, s.dot, 2.0),
    "restore custom": lambda s: _restore(None, Labelled, "custom", 1.0, 0.5, s.tuple, ()),
    "function": lambda s: Function(s.two, s.interior[:3]),
    "call": lambda s: s.function(s.points),
    "call with a list": lambda s: s.function(s.lists[0]),
    "value_and_grad": lambda s: s.function.value_and_grad(s.points),
    "vjp": lambda s: s.function.vjp(s.points, s.seeds),
    "function backward": lambda s: s.function.backward(s.points),
    "jvp": lambda s: s.function.jvp(s.points, s.points),
    "jacobian": lambda s: s.function.jacobian(s.points),
    "hessian": lambda s: s.function.hessian(s.points),
    "hvp": lambda s: s.function.hvp(s.points, s.points),
    "listing": lambda s: str(s.function),
    "counts": lambda s: s.function.counts,
    "rule of an optimiser": lambda s: type(s.rule)(s.group["params"], {}),
    "adam": lambda s: s.rule.step(s.group),
    "columns": lambda s: s.rule.columns(),
    "scale_gradients": lambda s: scale_gradients(s.parameters, 1.0),
    **{name: each(name) for name in ("data", "grad", "label", "_op", "_backward", "_children")},
    **{name: each(name) for name in ("_prev", "_local_grads")},
    "__dict__": lambda s: s.plain.__dict__,
    "set attribute": lambda s: setattr(s.plain, "colour", "red"),
    "set label": lambda s: setattr(s.plain, "label", "p"),
    "set dict": lambda s: setattr(s.plain, "__dict__", {}),
    "set op": lambda s: setattr(s.plain, "_op", "mine"),
    "set closure": lambda s: setattr(Value(1.0), "_backward", print),
    "attach an object": lambda s: setattr(Value(1.0), "history", []),
    "set data": lambda s: setattr(s.root, "data", s.root.data),
    "set grad": lambda s: setattr(s.sum, "grad", 0.25),
    "repr": lambda s: repr(s.root),
    "str": lambda s: str(s.root),
    "census": lambda s: census(s.root),
}

# What goes through functions written in Python, or NumPy. CPython 3.11 loses the arguments of a
# function if it gets no memory as it enters it.
LIBRARY = {
    "copy of a subclass": lambda s: s.labelled.__copy__(),
    "deepcopy with attributes": lambda s: s.bare.__deepcopy__({}),
    "function reduce": lambda s: s.function.__reduce__(),
    "foreign operands": lambda s: (s.root + np.float64(2.0), s.points[0, 0] - s.root),
    "dot of arrays": lambda s: functional.dot(s.two, s.points[0]),
    "copy.deepcopy": lambda s: copy.deepcopy(s.root),
    "copy.deepcopy of a model": lambda s: copy.deepcopy(s.model),
    "copy.deepcopy of a function": lambda s: copy.deepcopy(s.function),
    "pickle": lambda s: pickle.loads(pickle.dumps(s.root)),
    "pickle of a function": lambda s: pickle.loads(pickle.dumps(s.function)),
    "record": lambda s: record(s.model, 2),
    "vjp of a number": lambda s: s.function.vjp(s.points, 0.5),
    "vjp of lists": lambda s: s.function.vjp(s.lists, seeds=[1, 2, 3]),
    "optimizer": lambda s: optim.SGD(s.parameters, lr=0.1, momentum=0.5),
    "optimizer state": lambda s: s.optimizer.load_state_dict(s.optimizer.state_dict()),
    "clip_grad_norm_": lambda s: optim.clip_grad_norm_(s.parameters, 100.0),
    "state_dict": lambda s: s.model.load_state_dict(s.model.state_dict()),
    "training step": trained,
    "explain": lambda s: repr(explain(s.plain)),
}

OPERATIONS = ENGINE | LIBRARY


# Values taken from the engine, which keeps the memory of those that are freed.
taken = []
MOST_FREE_NODES = 200_000  # more than the engine keeps
before = array("q", [0])  # an int would be one more block


def take_free_nodes():
    """Take Values until one needs memory, so that the next one does, too."""
    tries = repeat(None, MOST_FREE_NODES)  # an object, and no ints: made before blocks are counted
    before[0] = sys.getallocatedblocks()
    for _ in tries:
        if sys.getallocatedblocks() != before[0]:
            return
        taken.append(Value(0.0))
    raise RuntimeError("this Python's allocator does not count its blocks")


def blocks_in_use(generation):
    """Return how many blocks of Python's allocator there are without the Values taken."""
    gc.collect(generation)
    if COUNTS_BLOCKS:
        sys._clear_type_cache()  # which keeps the names that were looked up, by their addresses
    take_free_nodes()
    return sys.getallocatedblocks() - len(taken)


def looks(result):
    """Return what can be compared with another time's."""
    if isinstance(result, Value):
        return type(result), result.data
    if isinstance(result, np.ndarray):
        return result.tolist()
    if isinstance(result, list | tuple):
        return [looks(item) for item in result]
    return result if isinstance(result, str | int | float | dict | None) else type(result)


def attempt(work, scene, first, last):
    """Do the work with allocations failing; return the exception or None, and what the result is."""
    take_free_nodes()
    floats = [float(i) for i in range(200)]  # Python keeps those
    try:
        set_nomemory(first, last)
        try:
            result = work(scene)
        finally:
            remove_mem_hooks()
    except BaseException as error:  # noqa: BLE001
        return error.with_traceback(None), None
    finally:
        del floats
    return None, looks(result)


def is_want_of_memory(name, error):
    # pickle says that a class cannot be found if that is why it was not, and CPython 3.14 that its
    # own __import__ returned a result with an exception set. NumPy's subtract of an array of objects
    # returns neither, of plain ints too.
    through = (pickle.PicklingError, pickle.UnpicklingError) if "pickle" in name else ()
    if isinstance(error, SystemError):
        of_numpy = name == "foreign operands" and "of numpy.ufunc" in str(error)
        of_import = "<built-in function __import__>" in str(error)
        return of_numpy or (sys.version_info >= (3, 14) and of_import)
    return error is None or isinstance(error, (MemoryError, *through))


def fail_repeatedly(name, scene, wanted, number, last, blocks):
    """Let the allocation of that number fail, and note blocks in use; as fail_allocation otherwise."""
    work, numbers, raised = OPERATIONS[name], scene.numbers(), False
    for i in range(REPEATED):
        error, result = attempt(work, scene, number, last)
        raised |= error is not None
        if error is None and result != wanted:
            yield f"gave {result}"
        result = None
        if not is_want_of_memory(name, error):
            yield f"raised {error!r}"
        error = None
        if name not in CHANGING and scene.numbers() != numbers:
            yield "numbers changed"
        # A collection of all generations also empties CPython's free lists, and CPython 3.11 crashes
        # where its own code then gets no tuple, as in iter({}.items()).
        blocks[i] = blocks_in_use(generation=2 if name in ENGINE else 1)
    return raised


def fail_allocation(name, number, last):
    """Let the allocation of that number fail; return whether any did, and what was wrong then."""
    work, scene = OPERATIONS[name], Scene()
    wanted, blocks, raised = looks(work(Scene())), array("q", [0] * REPEATED), False
    for _ in range(ROUNDS):
        raised |= yield from fail_repeatedly(name, scene, wanted, number, last, blocks)
        if blocks[-1] - blocks[1] < REPEATED - 2:
            break
    else:
        if COUNTS_BLOCKS and name in ENGINE:
            yield f"leaks: {blocks.tolist()} blocks"
    work(scene)  # as if nothing had been
    if name in ENGINE:
        ends = [weakref.ref(node) for node in (*scene.known, *scene.parameters)]
        del scene
        gc.collect()
        if any(end() is not None for end in ends):
            yield f"{sum(end() is not None for end in ends)} nodes are left"
    return raised


def fail_each_allocation(name, alone):
    """Let one allocation after the other fail; return how many there were, and the problems."""
    problems, number, quiet = [], 0, 0
    enough = QUIET if name in ENGINE else QUIET_IN_LIBRARY
    while quiet < enough:
        failing = fail_allocation(name, number, number + 1 if alone else 0)
        try:
            while True:
                which = f"{name}, allocation {number}{'' if alone else ' and all later'}: "
                problems.append(which + next(failing))
        except StopIteration as end:
            quiet = 0 if end.value else quiet + 1
        number += 1
    return number - enough, problems


def main(names):
    gc.disable()
    [MemoryError() for _ in range(20)]  # CPython keeps some of them, too
    Scene().function.vjp([0.5, 0.5], 0.5)  # pybind11 loses a block if its search for NumPy fails
    gc.freeze()
    count, problems = 0, []
    for name in ENGINE if names == ["engine"] else names or OPERATIONS:
        for alone in (True, False):
            more, wrong = fail_each_allocation(name, alone)
            count += more
            problems += wrong
    print(f"{count} allocations failed")
    deque(map(print, problems))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
