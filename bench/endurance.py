"""Very deep graphs and very long training, and what is left of their memory.

Run by itself, as ``python bench/endurance.py``: it takes minutes and some gigabytes.
"""

from __future__ import annotations

import argparse
import copy
import gc
import pickle
import threading
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from memory import chain, resident

from megagrad.engine import Value

MEBIBYTE = 1 << 20


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Do the work, print how long it took and what the process holds then, and pass its result on."""
    start = perf_counter()
    result = work()
    print(
        f"{what:<28}{perf_counter() - start:8.2f} s{resident() / MEBIBYTE:10,.0f} MiB", flush=True
    )
    return result


def go_deep(nodes: int) -> None:
    """Take a chain through everything that can happen to a graph; an error ends the program."""
    print(f"a chain of {nodes:,} nodes, on a stack of {threading.stack_size() or 'default'} size")
    timed("before", lambda: None)
    step, end = timed("built", lambda: chain(Value, nodes))
    timed("differentiated", end.backward)
    assert step.grad == nodes
    twin = timed("deep-copied", partial(copy.deepcopy, end))
    assert twin.data == end.data
    del twin
    text = timed("pickled", partial(pickle.dumps, end))
    del step, end
    restored = timed("unpickled", partial(pickle.loads, text))
    assert restored.data == 1.0 + 0.5 * nodes
    graph = [restored]
    del text, restored
    timed("freed", graph.clear)
    # The tuples that pickle made and Python keeps for later use hold on to their neighbourhood.
    timed("garbage-collected", gc.collect)


def square(x: Value) -> Value:
    """Make an op of the user's own; its closure is a reference cycle."""
    out = Value(x.data**2, (x,), "square")

    def rule() -> None:
        x.grad += 2 * x.data * out.grad

    out._backward = rule
    return out


def train_long(steps: int) -> None:
    """Train with a user-made op in every step and print what the process holds as it goes."""
    print(f"{steps:,} training steps with a closure in each")
    weight = Value(3.0)

    def some_steps() -> None:
        for _ in range(steps // 5):
            loss = square(weight - 1) + 0.5 * weight
            weight.grad = 0.0
            loss.backward()
            weight.data -= 0.01 * weight.grad

    for part in range(1, 6):
        timed(f"after {part * steps // 5:,}", some_steps)
    assert abs(weight.data - 0.75) < 1e-6


def main() -> None:
    """Read the command line and run both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--nodes", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--steps", type=int, default=100_000, metavar="N")
    given = parser.parse_args()
    go_deep(given.nodes)
    train_long(given.steps)


if __name__ == "__main__":
    main()
