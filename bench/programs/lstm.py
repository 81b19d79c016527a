"""An LSTM that learns a sentence by heart, a letter at a time."""

import random
import sys

from plain_nn import Embedding, Linear, LSTMCell
from scalar_value import Value

TEXT = "the cat sat on the mat. "
LETTERS = sorted(set(TEXT))
HIDDEN = 10

random.seed(7)
letters = Embedding(len(LETTERS), 6)
cell = LSTMCell(6, HIDDEN)
head = Linear(HIDDEN, len(LETTERS))
parameters = letters.parameters() + cell.parameters() + head.parameters()
print(len(parameters), "parameters")


def surprise(logits, place):
    most = max(v.data for v in logits)
    return sum((v - most).exp() for v in logits).log() + most - logits[place]


for step in range(int(sys.argv[1])):
    h, c = ([Value(0) for _ in range(HIDDEN)] for _ in range(2))
    loss = 0
    for now, following in zip(TEXT, TEXT[1:]):
        h, c = cell(letters(LETTERS.index(now)), (h, c))
        loss = loss + surprise(head(h), LETTERS.index(following))
    loss = loss / (len(TEXT) - 1)
    for p in parameters:
        p.grad = 0
    loss.backward()
    norm = sum(p.grad**2 for p in parameters) ** 0.5
    for p in parameters:
        p.data -= min(1, 1 / norm) * p.grad
    print(f"step {step} loss {loss.data!r}")
