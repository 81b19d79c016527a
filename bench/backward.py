"""Rows of backward alone: the time a node, in graphs of several sizes."""

from __future__ import annotations

from itertools import count, cycle
from random import Random
from typing import Any

from engines import Engine
from timing import Sampler, collector, seconds
from workload import Outcome, Workload

LEAVES = 127
PRODUCTS = 32
NODES_A_SAMPLE = 100_000


def leaves(number: type[Any]) -> list[Any]:
    """Return the same few leaves for every engine."""
    draw = Random(1).uniform
    return [number(draw(-1, 1)) for _ in range(LEAVES)]


def weighted_sum(supply: Any, products: int) -> Any:
    """Return what a neuron computes: products of leaves, added up one after the other."""
    total = next(supply) * next(supply)
    for _ in range(products - 1):
        total = total + next(supply) * next(supply)
    return total


def network(supply: Any, nodes: int) -> Any:
    """Return a balanced tree of sums over weighted sums, about so many nodes without the leaves."""
    if nodes <= 2 * PRODUCTS:
        return weighted_sum(supply, max(nodes // 2, 1))
    return network(supply, nodes // 2) + network(supply, nodes - nodes // 2)


def size(nodes: int) -> int:
    """Return how many nodes such a network has exactly: in a binary tree, one less than leaves."""
    drawn = count()
    network((1.0 for _ in drawn), nodes)
    return next(drawn) - 1


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
        """Compute the graph and the gradients of its leaves."""
        parameters = leaves(engine.value)
        with collector(False):
            root = network(cycle(parameters), self.nodes)
            root.backward()
        return Outcome([root.data], [leaf.grad for leaf in parameters])

    def sampler(self, engine: Engine) -> Sampler:
        """Time the first backward of every graph, right after the graph was built."""
        graphs = max(1, NODES_A_SAMPLE // self.nodes)
        visited = graphs * size(self.nodes)
        supply = cycle(leaves(engine.value))

        def sample() -> float:
            with collector(engine.collector):
                spent = sum(seconds(network(supply, self.nodes).backward) for _ in range(graphs))
            return spent / visited

        return sample


WORKLOADS = tuple(Backward(nodes) for nodes in (1_000, 10_000, 100_000, 1_000_000))
