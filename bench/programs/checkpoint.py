"""A network that learns a circle, is pickled at the end, and goes on from its pickle if there is one."""

import pickle
import random
import sys
from pathlib import Path

from scalar_value import Value

CHECKPOINT = Path("model.pkl")


class Net:
    def __init__(self, *sizes):
        self.layers = [
            [[Value(random.uniform(-1, 1)) for _ in range(before + 1)] for _ in range(after)]
            for before, after in zip(sizes, sizes[1:])
        ]

    def __call__(self, x):
        for layer in self.layers:
            sums = [sum((w * xi for w, xi in zip(row, x)), row[-1]) for row in layer]
            x = sums if layer is self.layers[-1] else [s.relu() for s in sums]
        return x[0]

    def parameters(self):
        return [w for layer in self.layers for row in layer for w in row]


random.seed(5)
points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(50)]
if CHECKPOINT.exists():
    model = pickle.loads(CHECKPOINT.read_bytes())
    print("goes on")
else:
    model = Net(2, 16, 16, 1)
for step in range(int(sys.argv[1])):
    loss = sum((1 - model(p) * (1 if p[0] ** 2 + p[1] ** 2 < 0.5 else -1)).relu() for p in points)
    loss = loss / len(points)
    for p in model.parameters():
        p.grad = 0
    loss.backward()
    for p in model.parameters():
        p.data -= 0.2 * p.grad
    print(f"step {step} loss {loss.data!r}")
CHECKPOINT.write_bytes(pickle.dumps(model))
