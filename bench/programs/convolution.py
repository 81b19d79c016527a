"""A convolutional network that learns drawings of digits, 8 x 8 pixels each."""

import random
import sys

from plain_nn import Conv2d, Linear, MaxPool2d, ReLU
from sklearn.datasets import load_digits

BATCH = 4

random.seed(3)
images, labels = load_digits(return_X_y=True)
images, labels = (images / 16).reshape(-1, 1, 8, 8).tolist(), labels.tolist()
filters, pool, head = Conv2d(1, 4, 3), MaxPool2d(2), Linear(36, 10)
parameters = filters.parameters() + head.parameters()
print(len(parameters), "parameters")


def logits_of(image):
    planes = pool(ReLU()(filters(image)))
    return head([v for plane in planes for row in plane for v in row])


def surprise(logits, place):
    most = max(v.data for v in logits)
    return sum((v - most).exp() for v in logits).log() + most - logits[place]


for step in range(int(sys.argv[1])):
    chosen = random.sample(range(len(images)), BATCH)
    loss = sum(surprise(logits_of(images[i]), labels[i]) for i in chosen) / BATCH
    for p in parameters:
        p.grad = 0
    loss.backward()
    for p in parameters:
        p.data -= 0.1 * p.grad
    print(f"step {step} loss {loss.data!r}")
