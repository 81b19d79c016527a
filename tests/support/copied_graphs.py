"""Graphs to copy, the ways to do it, and what there is to see of a graph."""

import copy
import pickle

import pytest

from megagrad.engine import Value

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def through_pickle(protocol):
    return lambda thing: pickle.loads(pickle.dumps(thing, protocol))


WAYS = [copy.deepcopy, *map(through_pickle, PROTOCOLS)]
each_way = pytest.mark.parametrize(
    "duplicate", WAYS, ids=["deepcopy", *(f"pickle{p}" for p in PROTOCOLS)]
)


class Parameter(Value):
    """At the top of a module, so that pickle finds it."""

    def __init__(self, name):
        super().__init__(2.5)
        self.name = name


class Slotted(Value):
    __slots__ = ("momentum",)


def rule_of_the_module():
    """A closure that pickle can name."""


def graph():
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    product = x * w
    product.colour = "red"
    out = ((product + 1).tanh() - 2 / product) ** 3 + (x ** product.relu() + w.leaky_relu(0.3))
    out = out.maximum(w) + x / 7 + (5 - x) ** 2.0
    return x, w, product, out
