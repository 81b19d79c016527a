"""What micrograd's own README and notebooks do: the expression, a network, a margin loss."""

import random

from micrograd.engine import Value

a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f
print(f"{g.data:.4f}")
g.backward()
print(f"{a.grad:.4f} {b.grad:.4f}")
print(a, repr(a), g._op, f._op)

random.seed(1337)


class Neuron:
    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)

    def __call__(self, x):
        return sum((wi * xi for wi, xi in zip(self.w, x)), self.b)


hidden = [Neuron(2) for _ in range(4)]
last = Neuron(4)
parameters = [p for n in [*hidden, last] for p in [*n.w, n.b]]
points = [[random.gauss(0, 1), random.gauss(0, 1)] for _ in range(12)]
labels = [1 if x * y > 0 else -1 for x, y in points]

for k in range(10):
    inputs = [list(map(Value, row)) for row in points]
    scores = [last([n(row).relu() for n in hidden]) for row in inputs]
    losses = [(1 + -yi * score).relu() for yi, score in zip(labels, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    total = data_loss + 1e-4 * sum(p * p for p in parameters)
    accuracy = sum((yi > 0) == (score.data > 0) for yi, score in zip(labels, scores))
    for p in parameters:
        p.grad = 0
    total.backward()
    for p in parameters:
        p.data -= 0.5 * p.grad
    print(k, repr(total.data), accuracy)
