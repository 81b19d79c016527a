"""A fork of micrograd with an optimiser of its own beside ``engine`` and ``nn``: two moons, as in the demo."""

import math
import random
import sys

from micrograd.engine import Value
from micrograd.nn import MLP
from micrograd.sgd import SGD

random.seed(1337)
points, labels = [], []
for i in range(25):
    angle = math.pi * i / 24
    noise = [random.gauss(0, 0.1) for _ in range(4)]
    points.append((math.cos(angle) + noise[0], math.sin(angle) + noise[1]))
    points.append((1 - math.cos(angle) + noise[2], 0.5 - math.sin(angle) + noise[3]))
    labels += [1, -1]
model = MLP(2, [16, 16, 1])
optimizer = SGD(model, rate=0.5)
print(model)
steps = int(sys.argv[1])
for step in range(steps):
    scores = [model([Value(x) for x in point]) for point in points]
    losses = [(1 - y * score).relu() for y, score in zip(labels, scores)]
    loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    loss.backward()
    optimizer.step(1 - 0.9 * step / steps)
    print(f"step {step} loss {loss.data!r}")
