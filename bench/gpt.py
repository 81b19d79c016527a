"""A character GPT in which every number is a scalar Value: it learns to make up words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
BOUNDARY = len(ALPHABET)
VOCABULARY = BOUNDARY + 1
WIDTH = 16
HEADS = 4
HEAD = WIDTH // HEADS
CONTEXT = 16
PARAMETERS = 4_192

Vector = list[Any]
Matrix = list[Vector]


def words(count: int) -> list[str]:
    """Return pronounceable words, all of seven letters, so that all steps are of one size."""
    rng = Random(7)
    vowels = "aeiou"
    consonants = [letter for letter in ALPHABET if letter not in vowels]
    pattern = [consonants, vowels] * 3 + [consonants]
    return ["".join(rng.choice(letters) for letters in pattern) for _ in range(count)]


def tokens(word: str) -> list[int]:
    """Return the word's letters as numbers, with the boundary on both sides."""
    return [BOUNDARY, *(ALPHABET.index(letter) for letter in word), BOUNDARY]


def linear(weights: Matrix, x: Vector) -> Vector:
    """Return weights @ x."""
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in weights]


def plus(x: Vector, y: Vector) -> Vector:
    """Return x + y."""
    return [xi + yi for xi, yi in zip(x, y, strict=True)]


def normalised(x: Vector) -> Vector:
    """Return x divided by its root mean square."""
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def softmax(x: Vector) -> Vector:
    """Return the probabilities that belong to logarithmic odds."""
    largest = max(xi.data for xi in x)
    powers = [(xi - largest).exp() for xi in x]
    total = sum(powers)
    return [power / total for power in powers]


def attend(query: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> Vector:
    """Return the values, weighted by how well their keys answer the query."""
    scores = [sum(q * k for q, k in zip(query, key, strict=True)) / HEAD**0.5 for key in keys]
    weights = softmax(scores)
    return [
        sum(w * v for w, v in zip(weights, column, strict=True))
        for column in zip(*values, strict=True)
    ]


def surprise(odds: Vector, following: int) -> Any:
    """Return the negative logarithm of a letter's probability."""
    return -softmax(odds)[following].log()


@dataclass(frozen=True)
class Blocks:
    """What the network is built from: here loops over scalars, which any engine can run."""

    linear: Callable[[Matrix, Vector], Vector] = linear
    normalised: Callable[[Vector], Vector] = normalised
    attend: Callable[[Vector, Sequence[Vector], Sequence[Vector]], Vector] = attend
    surprise: Callable[[Vector, int], Any] = surprise


LOOPS = Blocks()


class Model:
    """One transformer block between an embedding and a head that are not tied."""

    def __init__(self, number: type[Any], blocks: Blocks) -> None:
        """Draw the weights."""
        self.blocks = blocks
        rng = Random(42)

        def matrix(rows: int, columns: int) -> Matrix:
            return [[number(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.letters = matrix(VOCABULARY, WIDTH)
        self.places = matrix(CONTEXT, WIDTH)
        self.query, self.key, self.value, self.mix = (matrix(WIDTH, WIDTH) for _ in range(4))
        self.widen = matrix(4 * WIDTH, WIDTH)
        self.narrow = matrix(WIDTH, 4 * WIDTH)
        self.head = matrix(VOCABULARY, WIDTH)

    def parameters(self) -> Vector:
        """Return all weights."""
        matrices = [value for value in vars(self).values() if isinstance(value, list)]
        return [weight for matrix in matrices for row in matrix for weight in row]

    def attention(self, x: Vector, keys: Matrix, values: Matrix) -> Vector:
        """Let x look at the places before it, whose keys and values were kept, and at itself."""
        linear, attend = self.blocks.linear, self.blocks.attend
        query = linear(self.query, x)
        keys.append(linear(self.key, x))
        values.append(linear(self.value, x))
        answer: Vector = []
        for start in range(0, WIDTH, HEAD):
            part = slice(start, start + HEAD)
            answer += attend(query[part], [k[part] for k in keys], [v[part] for v in values])
        return linear(self.mix, answer)

    def perceptron(self, x: Vector) -> Vector:
        """Return x through the hidden layer."""
        linear = self.blocks.linear
        return linear(self.narrow, [hidden.relu() for hidden in linear(self.widen, x)])

    def __call__(self, token: int, place: int, keys: Matrix, values: Matrix) -> Vector:
        """Return the logarithmic odds of the letter that follows."""
        linear, normalised = self.blocks.linear, self.blocks.normalised
        x = normalised(plus(self.letters[token], self.places[place]))
        x = plus(x, self.attention(normalised(x), keys, values))
        x = plus(x, self.perceptron(normalised(x)))
        return linear(self.head, x)


class Adam:
    """Adam over the ``data`` and ``grad`` of the parameters."""

    def __init__(self, parameters: Vector, rate: float = 0.01) -> None:
        """Start with moments of zero."""
        self.parameters = parameters
        self.rate = rate
        self.means = [0.0] * len(parameters)
        self.squares = [0.0] * len(parameters)
        self.steps = 0

    def step(self) -> None:
        """Update every parameter and clear its gradient."""
        self.steps += 1
        decay, decay_of_squares = 0.85, 0.99
        mean_scale = 1 / (1 - decay**self.steps)
        square_scale = 1 / (1 - decay_of_squares**self.steps)
        for i, p in enumerate(self.parameters):
            mean = self.means[i] = decay * self.means[i] + (1 - decay) * p.grad
            square = self.squares[i] = (
                decay_of_squares * self.squares[i] + (1 - decay_of_squares) * p.grad**2
            )
            p.data -= self.rate * mean * mean_scale / ((square * square_scale) ** 0.5 + 1e-8)
            p.grad = 0


class Gpt:
    """The training loop: a word a step."""

    def __init__(
        self,
        number: type[Any],
        blocks: Blocks = LOOPS,
        optimiser: Callable[[Vector], Any] = Adam,
    ) -> None:
        """Draw the model and the words. optimiser: called with the weights, has a ``step()``."""
        self.model = Model(number, blocks)
        self.optimiser = optimiser(self.model.parameters())
        self.words = words(200)
        self.steps = 0

    def parameters(self) -> Vector:
        """Return all weights."""
        return self.model.parameters()

    def loss(self) -> Any:
        """Return how surprising the next letters of this step's word are, on average."""
        sequence = tokens(self.words[self.steps % len(self.words)])
        keys: Matrix = []
        values: Matrix = []
        surprises = []
        for place, (token, following) in enumerate(pairwise(sequence)):
            odds = self.model(token, place, keys, values)
            surprises.append(self.model.blocks.surprise(odds, following))
        return sum(surprises) / len(surprises)

    def step(self) -> float:
        """Train once and return the loss before the update."""
        loss = self.loss()
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        return float(loss.data)
