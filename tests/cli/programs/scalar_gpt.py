"""The scalar-GPT form: children and local gradients given to the constructor, in-place updates."""

import math
import random

from micrograd.engine import Value

random.seed(42)


def square(x):
    """An op of the user's own, with local gradients as its chain rule."""
    return Value(x.data**2, (x,), (2 * x.data,))


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x)) for row in w]


def softmax(logits):
    largest = max(v.data for v in logits)
    exps = [(v - largest).exp() for v in logits]
    total = sum(exps)
    return [e / total for e in exps]


def normalise(x):
    scale = (sum(square(xi) for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def matrix(rows, columns):
    return [[Value(random.gauss(0, 0.3)) for _ in range(columns)] for _ in range(rows)]


embedding, hidden, head = matrix(5, 4), matrix(8, 4), matrix(5, 8)
parameters = [p for m in (embedding, hidden, head) for row in m for p in row]
m, v = [0.0] * len(parameters), [0.0] * len(parameters)
text = [0, 1, 2, 3, 4, 1, 3, 0]
for step in range(8):
    losses = []
    for token, target in zip(text, text[1:]):
        x = normalise(embedding[token])
        x = [xi.relu() for xi in linear(x, hidden)]
        losses.append(-softmax(linear(x, head))[target].log())
    loss = (1 / len(losses)) * sum(losses)
    loss.backward()
    for i, p in enumerate(parameters):
        m[i] = 0.85 * m[i] + 0.15 * p.grad
        v[i] = 0.99 * v[i] + 0.01 * p.grad**2
        p.data -= (
            0.05
            * m[i]
            / (1 - 0.85 ** (step + 1))
            / (math.sqrt(v[i] / (1 - 0.99 ** (step + 1))) + 1e-8)
        )
        p.grad = 0
    print(step, repr(loss.data))
print(sum(p.data for p in parameters))
a, b = Value(3.0), Value(4.0)
c = a * b
print([child.data for child in c._children], list(c._local_grads))
out = Value(7.0, children=(a, b), local_grads=(1.0, -2.0))
out.backward()
print(a.grad, b.grad, max(a, b).data, a < b, a > 3.5)
