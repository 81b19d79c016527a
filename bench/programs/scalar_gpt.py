"""A GPT of one layer that learns names, a letter at a time."""

import random
import sys

from plain_nn import Embedding, Linear, Module

NAMES = "emma olivia ava isabella sophia charlotte mia amelia harper evelyn".split()
LETTERS = sorted({letter for name in NAMES for letter in name})
END = len(LETTERS)
WIDTH, HEADS = 12, 2
PART = WIDTH // HEADS


def softmax(logits):
    most = max(v.data for v in logits)
    powers = [(v - most).exp() for v in logits]
    total = sum(powers)
    return [power / total for power in powers]


def normalized(x):
    scale = (sum(v * v for v in x) * (1 / len(x)) + 1e-5) ** -0.5
    return [v * scale for v in x]


class GPT(Module):
    def __init__(self):
        self.letters = Embedding(END + 1, WIDTH)
        self.places = Embedding(12, WIDTH)
        self.queries, self.keys = Linear(WIDTH, WIDTH), Linear(WIDTH, WIDTH)
        self.values, self.mixed = Linear(WIDTH, WIDTH), Linear(WIDTH, WIDTH)
        self.up, self.down = Linear(WIDTH, 4 * WIDTH), Linear(4 * WIDTH, WIDTH)
        self.head = Linear(WIDTH, END + 1)

    def __call__(self, letter, place, keys, values):
        both = zip(self.letters(letter), self.places(place), strict=True)
        x = normalized([a + b for a, b in both])
        query = self.queries(x)
        keys.append(self.keys(x))
        values.append(self.values(x))
        heard = []
        for start in range(0, WIDTH, PART):
            part = range(start, start + PART)
            likeness = [sum(query[i] * key[i] for i in part) * PART**-0.5 for key in keys]
            weights = softmax(likeness)
            heard += [sum(w * v[i] for w, v in zip(weights, values, strict=True)) for i in part]
        x = [a + b for a, b in zip(x, self.mixed(heard), strict=True)]
        hidden = [v.relu() for v in self.up(normalized(x))]
        return self.head([a + b for a, b in zip(x, self.down(hidden), strict=True)])


random.seed(42)
model = GPT()
parameters = model.parameters()
print(len(parameters), "parameters")
for step in range(int(sys.argv[1])):
    name = NAMES[step % len(NAMES)]
    tokens = [END, *map(LETTERS.index, name), END]
    keys, values, losses = [], [], []
    for place, (letter, following) in enumerate(zip(tokens, tokens[1:])):
        odds = softmax(model(letter, place, keys, values))
        losses.append(-odds[following].log())
    loss = sum(losses) * (1 / len(losses))
    for p in parameters:
        p.grad = 0
    loss.backward()
    for p in parameters:
        p.data -= 0.1 * p.grad
    print(f"step {step} {name} loss {loss.data!r}")
