"""Optimisers, parameters for them, and runs over drawn gradients."""

import random

import pytest

from megagrad import Value
from megagrad.optim import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop

STEPS = 200
OPTIMISERS = [SGD, Adam, AdamW, NAdam, RMSprop, Adagrad]
optimisers = pytest.mark.parametrize("optimiser", OPTIMISERS)


def leaves(count=3):
    return [Value(1.0 + i) for i in range(count)]


def numbers(values):
    return [value.data for value in values]


def gradients(seed=0):
    draw = random.Random(seed)
    return [draw.gauss(0.3, 1) for _ in range(STEPS)]


def trained(optimizer, values, seed=0, steps=STEPS):
    for grad in gradients(seed)[:steps]:
        for index, value in enumerate(values):
            value.grad = grad + index
        optimizer.step()
    return numbers(values)


def same(actual, expected):
    return actual == pytest.approx(expected, rel=1e-12)
