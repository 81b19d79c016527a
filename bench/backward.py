"""Rows of backward alone: the time a node, in graphs of several sizes."""

from __future__ import annotations

from itertools import cycle
from random import Random
from typing import Any

from engines import Engine
from timing import Sampler, collector, seconds
from workload import Outcome, Workload

LEAVES = 128
NODES_A_SAMPLE = 100_000


def leaves(number: type[Any]) -> list[Any]:
    """Return the same few leaves for every engine."""
    draw = Random(1).uniform
    return [number(draw(-1, 1)) for _ in range(LEAVES)]


def sum_of_products(supply: Any, nodes: int) -> Any:
    """Return a balanced tree of sums over products of leaves: so many nodes, leaves not counted."""
    if nodes == 0:
        return next(supply)
    left = sum_of_products(supply, (nodes - 1) // 2)
    right = sum_of_products(supply, nodes - 1 - (nodes - 1) // 2)
    return left * right if nodes == 1 else left + right


class Backward(Workload):
    """The backward pass over a graph of so many nodes."""

    unit = "ns"

    def __init__(self, nodes: int) -> None:
        """Take the number of nodes that are not leaves."""
        self.nodes = nodes
        self.name = f"backward-{nodes}"
        self.title = f"backward a node, {nodes:,} nodes"

    def suits(self, engine: Engine) -> bool:
        """Say whether the engine can be asked for a graph of this size."""
        return engine.autograd and self.nodes <= engine.largest_graph

    def outcome(self, engine: Engine) -> Outcome | None:
        """Compute the tree and the gradients of its leaves."""
        parameters = leaves(engine.value)
        with collector(False):
            root = sum_of_products(cycle(parameters), self.nodes)
            root.backward()
        return Outcome([root.data], [leaf.grad for leaf in parameters])

    def sampler(self, engine: Engine) -> Sampler:
        """Time the first backward of every graph, right after the graph was built."""
        graphs = max(1, NODES_A_SAMPLE // self.nodes)
        supply = cycle(leaves(engine.value))

        def sample() -> float:
            with collector(engine.collector):
                spent = sum(
                    seconds(sum_of_products(supply, self.nodes).backward) for _ in range(graphs)
                )
            return spent / (graphs * self.nodes)

        return sample


WORKLOADS = tuple(Backward(nodes) for nodes in (1_000, 10_000, 100_000, 1_000_000))
