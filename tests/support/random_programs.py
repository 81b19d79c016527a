"""Random programs over all ops and bulk operations, for every engine that can run them.

A program is leaves' numbers and a list of steps, each an op on earlier results, so that nodes are
shared. An engine is how to make a leaf, to apply a row of the op table, and to call bulk operations.
"""

import math
import os
from typing import NamedTuple

from hypothesis import Phase, settings
from hypothesis import strategies as st

from megagrad import Value, functional, nn
from support import loss_loops
from support.op_table import TABLE, apply

# A campaign has so many times as many examples, drawn anew. It takes hours, so nothing may end it:
# MEGAGRAD_CAMPAIGN=300 pytest -o faulthandler_timeout=0 tests/graph/test_random_graphs.py
CAMPAIGN = int(os.environ.get("MEGAGRAD_CAMPAIGN", "0"))

EXTREMES = [
    *(0.0, -0.0, 5e-324, -5e-324, 1e-310, 2.0**-1022, 1e-300, -1e-300, 1e-17, -1e-9),
    *(0.5, -0.5, 1.0, -1.0, 1.0 + 2.0**-52, 2.0, -2.0, 3.0, 40.0, -40.0, 709.0, 710.0, -746.0),
    *(2.0**53, 1e154, 1e300, -1e300, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan),
]
ANY = st.sampled_from(EXTREMES) | st.floats()
TAME = st.floats(-2.0, 2.0).map(lambda x: round(x, 3))


def examples(count):
    return settings(
        max_examples=count * max(CAMPAIGN, 1),
        deadline=None,
        derandomize=not CAMPAIGN,
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )


class Step(NamedTuple):
    """An op's name, earlier results by their places, and a plain number to use or to leave."""

    op: str
    places: tuple
    number: float | None
    number_first: bool


def steps(ops, numbers, most=12):
    step = st.builds(
        Step,
        st.sampled_from(sorted(ops)),
        st.tuples(*[st.integers(0, 15)] * 4),
        st.none() | numbers,
        st.booleans(),
    )
    return st.lists(step, min_size=1, max_size=most)


# Bulk operations of four results and a number, by what an engine has under these names.
BULK = {
    "dot": lambda of, a, b, c, d, n: of.dot([a, b, n], [c, d, a], b),
    "sum": lambda of, a, b, c, d, n: of.sum([a, b, n, a], c),
    "mean": lambda of, a, b, c, d, n: of.mean([a, b, c]),
    "logsumexp": lambda of, a, b, c, d, n: of.logsumexp([a, b, c]),
    "softmax": lambda of, a, b, c, d, n: of.softmax([a, b, c]),
    "log_softmax": lambda of, a, b, c, d, n: of.log_softmax([a, b, c]),
    "rms_norm": lambda of, a, b, c, d, n: of.rms_norm([a, b, c]),
    "weighted rms_norm": lambda of, a, b, c, d, n: of.rms_norm([a, b], [c, d]),
    "mse_loss": lambda of, a, b, c, d, n: of.mse_loss([a, b], [c, d]),
    "hinge": lambda of, a, b, c, d, n: of.hinge([a, b, c], [1, -1, 1]),
    "cross_entropy": lambda of, a, b, c, d, n: of.cross_entropy([a, b, c], 1),
    "bce": lambda of, a, b, c, d, n: of.binary_cross_entropy_with_logits([a, b], [c, d]),
    "where": lambda of, a, b, c, d, n: of.where(a, b, c),
    "layer": lambda of, a, b, c, d, n: of.layer([([a, b], c), ([d, a], b)], [c, n]),
}
ALL = {*TABLE, *BULK}


class Bulk:
    """megagrad's own operations."""

    leaf = Value
    apply = staticmethod(apply)

    def __getattr__(self, name):
        return getattr(functional, name)

    @staticmethod
    def layer(neurons, x):
        layer = nn.Layer(len(x), len(neurons), activation="tanh")
        for neuron, (w, b) in zip(layer.neurons, neurons, strict=True):
            neuron.w, neuron.b = w, b
        return layer(x)


class Loops:
    """The same as loops over the Values of any engine."""

    def __init__(self, leaf=Value, apply=apply):
        self.leaf = leaf
        self.apply = apply

    def __getattr__(self, name):
        return getattr(loss_loops, name)

    def values(self, xs):
        return [x if isinstance(x, self.leaf) else self.leaf(x) for x in xs]

    @staticmethod
    def sum(xs, start=0):
        total = start
        for x in xs:
            total = total + x
        return total

    def dot(self, w, x, bias):
        return self.sum([a * b for a, b in zip(w, x, strict=True)], bias)

    def rms_norm(self, xs, weight=None):
        if weight is None:
            return loss_loops.rms_norm(xs)
        return loss_loops.weighted_rms_norm(xs, weight)

    def hinge(self, xs, ys):
        return loss_loops.hinge(xs, self.values(ys))

    def cross_entropy(self, xs, target):
        odds, _ = loss_loops.less_largest(xs)
        return self.sum([x.exp() for x in odds]).log() - odds[target]

    def binary_cross_entropy_with_logits(self, xs, ys):
        return loss_loops.binary_cross_entropy(xs, ys)

    @staticmethod
    def where(condition, x, y):
        return x.when(condition) + y.unless(condition)

    def layer(self, neurons, x):
        return [self.dot(w, x, b).tanh() for w, b in neurons]


def result_of(step, nodes, engine):
    a, b, c, d = (nodes[place % len(nodes)] for place in step.places)
    number = step.number
    if step.op in BULK:
        out = BULK[step.op](engine, a, b, c, d, 0.5 if number is None else number)
        return out[step.places[3] % len(out)] if isinstance(out, list) else out
    row = TABLE[step.op]
    if row.kind == "unary":
        return engine.apply(row, a)
    if row.kind == "parametric":
        return engine.apply(row, a, row.default)
    if number is None:
        return engine.apply(row, a, b)
    if step.number_first and row.kind == "infix":
        return engine.apply(row, number, a)
    return engine.apply(row, a, number)


def run(program, leaves, engine, after=lambda node: node):
    """The results, leaves first. after: what is done with each, to keep numbers in a range."""
    nodes = [engine.leaf(x) for x in leaves]
    for step in program:
        nodes.append(after(result_of(step, nodes, engine)))
    return nodes


# Where every op is defined and smooth, and what keeps results there.
BETWEEN = st.floats(0.3, 0.9)


def tamed(node):
    return 0.6 + 0.3 * node.tanh()


# Rounding


def in_order(roots):
    """All nodes that the roots are computed from, operands first."""
    order, seen = [], set()

    def visit(node):
        if id(node) not in seen:
            seen.add(id(node))
            for child in node._children:
                visit(child)
            order.append(node)

    for root in roots:
        visit(root)
    return order


class Bound(NamedTuple):
    """What a gradient may differ by: so much of `weight`, and all of `lost` below the smallest numbers."""

    weight: float
    lost: float


def is_overflow(x, y, result):
    return math.isinf(result) and math.isfinite(x) and math.isfinite(y)


def share(slope, upstream):
    """Nothing times anything is nothing."""
    return slope * upstream if slope and upstream else 0.0


def bounds(order, seeds, times=share):
    """The bound of each node's gradient, by id; None if sums of the terms may overflow.

    times: how a slope and an upstream gradient are multiplied; micrograd has 0 * inf, which is NaN.

    Gradients are sums whose order is an engine's own. weight: the sum of the terms' magnitudes.
    """
    weights = dict.fromkeys(map(id, order), 0.0)
    losts = dict(weights)
    for node, seed in seeds:
        weights[id(node)] += abs(seed)
    for node in reversed(order):
        weight, lost = weights[id(node)], losts[id(node)]
        for child, local in zip(node._children, node._local_grads, strict=True):
            # Of these the derivative crosses 0, where its two terms cancel.
            term = times(abs(local) + (node._op in ("silu", "gelu")), weight)
            before, after = weights[id(child)], weights[id(child)] + term
            if is_overflow(abs(local), weight, term) or is_overflow(before, term, after):
                return None
            weights[id(child)] = after
            losts[id(child)] += share(abs(local), lost) + 5e-324
    return {key: Bound(weight, losts[key]) for key, weight in weights.items()}


def is_close(actual, expected, bound, rounding=1e-13):
    """Whether two gradients are the same but for rounding."""
    if actual == expected or (math.isnan(actual) and math.isnan(expected)):
        return True
    if not math.isfinite(bound.weight):
        return False
    return abs(actual - expected) <= rounding * bound.weight + 8 * bound.lost
