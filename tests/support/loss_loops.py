"""The functions of megagrad.functional as loops, written with Values alone."""

import functools


def mean(xs):
    return sum(xs) / len(xs)


def less_largest(xs):
    shift = functools.reduce(lambda x, y: x.maximum(y), xs).detach()
    return [x.shifted(shift) for x in xs], shift


def logsumexp(xs):
    odds, shift = less_largest(xs)
    return sum(x.exp() for x in odds).log() + shift


def softmax(xs):
    powers = [x.exp() for x in less_largest(xs)[0]]
    total = sum(powers)
    return [power / total for power in powers]


def log_softmax(xs):
    odds, _ = less_largest(xs)
    log_total = sum(x.exp() for x in odds).log()
    return [x - log_total for x in odds]


def rms_norm(xs):
    scale = (sum(x * x for x in xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def weighted_rms_norm(xs, weight):
    return [x * w for x, w in zip(rms_norm(xs), weight, strict=True)]


def mse_loss(xs, ys):
    return mean([(x - y) ** 2 for x, y in zip(xs, ys, strict=True)])


def hinge(xs, ys):
    return mean([(1 - y * x).relu() for x, y in zip(xs, ys, strict=True)])


def binary_cross_entropy(xs, ys):
    return mean([(-x).softplus() * y + x.softplus() * (1 - y) for x, y in zip(xs, ys, strict=True)])
