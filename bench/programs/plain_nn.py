"""Modules of Values, one number at a time, as people write them for a scalar class: PyTorch's names, nested lists."""

import random

from scalar_value import Value


def uniform(rows, columns, bound):
    """A matrix of parameters; a vector if there are no columns."""
    if columns == 0:
        return [Value(random.uniform(-bound, bound)) for _ in range(rows)]
    return [uniform(columns, 0, bound) for _ in range(rows)]


def values_in(found):
    """All Values in an attribute of a module: itself, in lists, in modules."""
    if isinstance(found, Value):
        yield found
    elif isinstance(found, Module):
        yield from found.parameters()
    elif isinstance(found, list):
        for part in found:
            yield from values_in(part)


class Module:
    """What has parameters."""

    def parameters(self):
        """The Values that the attributes hold."""
        return [value for found in vars(self).values() for value in values_in(found)]


class Linear(Module):
    """Weighted sums of the inputs."""

    def __init__(self, in_features, out_features):
        bound = in_features**-0.5
        self.weight = uniform(out_features, in_features, bound)
        self.bias = uniform(out_features, 0, bound)

    def __call__(self, x):
        pairs = zip(self.weight, self.bias, strict=True)
        return [sum((w * xi for w, xi in zip(row, x, strict=True)), b) for row, b in pairs]


class Embedding(Module):
    """A table of rows that are learned."""

    def __init__(self, num_embeddings, embedding_dim):
        rows = range(num_embeddings)
        self.weight = [[Value(random.gauss(0, 1)) for _ in range(embedding_dim)] for _ in rows]

    def __call__(self, place):
        return self.weight[place]


class LSTMCell(Module):
    """A step of a recurrent network that keeps what it saw."""

    def __init__(self, input_size, hidden_size):
        bound = hidden_size**-0.5
        self.hidden_size = hidden_size
        self.weight_ih = uniform(4 * hidden_size, input_size, bound)
        self.weight_hh = uniform(4 * hidden_size, hidden_size, bound)
        self.bias_ih = uniform(4 * hidden_size, 0, bound)
        self.bias_hh = uniform(4 * hidden_size, 0, bound)

    def __call__(self, x, state):
        h, c = state
        sums = [
            sum((w * xi for w, xi in zip(self.weight_ih[i], x, strict=True)), self.bias_ih[i])
            + sum((w * hi for w, hi in zip(self.weight_hh[i], h, strict=True)), self.bias_hh[i])
            for i in range(4 * self.hidden_size)
        ]
        size = self.hidden_size
        into, keep, out = (
            [sigmoid(v) for v in sums[start : start + size]] for start in (0, size, 3 * size)
        )
        new = [tanh(v) for v in sums[2 * size : 3 * size]]
        c = [keep[i] * c[i] + into[i] * new[i] for i in range(size)]
        return [out[i] * tanh(c[i]) for i in range(size)], c


class Conv2d(Module):
    """Filters that are moved over an image, a list of planes."""

    def __init__(self, in_channels, out_channels, kernel_size):
        bound = (in_channels * kernel_size**2) ** -0.5
        self.size = kernel_size
        self.weight = [
            [uniform(kernel_size, kernel_size, bound) for _ in range(in_channels)]
            for _ in range(out_channels)
        ]
        self.bias = uniform(out_channels, 0, bound)

    def __call__(self, planes):
        rows = range(len(planes[0]) - self.size + 1)
        columns = range(len(planes[0][0]) - self.size + 1)
        side = range(self.size)
        return [
            [
                [
                    sum(
                        (
                            kernel[c][i][j] * planes[c][top + i][left + j]
                            for c in range(len(planes))
                            for i in side
                            for j in side
                        ),
                        bias,
                    )
                    for left in columns
                ]
                for top in rows
            ]
            for kernel, bias in zip(self.weight, self.bias, strict=True)
        ]


class MaxPool2d(Module):
    """The largest number of each square of a plane."""

    def __init__(self, kernel_size):
        self.size = kernel_size

    def __call__(self, planes):
        size = self.size
        return [
            [
                [
                    max(
                        (plane[top + i][left + j] for i in range(size) for j in range(size)),
                        key=lambda v: v.data,
                    )
                    for left in range(0, len(plane[0]) - size + 1, size)
                ]
                for top in range(0, len(plane) - size + 1, size)
            ]
            for plane in planes
        ]


class ReLU(Module):
    """What is positive of each number."""

    def __call__(self, x):
        return [self(part) for part in x] if isinstance(x, list) else x.relu()


def sigmoid(x):
    """From 0 to 1."""
    return 1 / (1 + (-x).exp())


def tanh(x):
    """From -1 to 1."""
    return 1 - 2 / ((x * 2).exp() + 1)
