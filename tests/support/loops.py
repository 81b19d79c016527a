"""The loops over + and * that bulk nodes, neurons and networks stand for."""

import functools
import operator


def added(terms, start=0):
    # Not by sum(), which adds plain floats by another algorithm from Python 3.12 on.
    return functools.reduce(operator.add, terms, start)


def loop(w, x, bias=0):
    return added(map(operator.mul, w, x), bias)


def neuron_loop(neuron, x):
    act = loop(neuron.w, x, neuron.b)
    return getattr(act, neuron.activation)() if neuron.nonlin else act


def network_loop(model, x):
    for layer in model.layers:
        x = [neuron_loop(neuron, x) for neuron in layer.neurons]
    return x[0]
