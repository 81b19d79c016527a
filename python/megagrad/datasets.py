"""Data to learn from, generated on the spot."""

import math
import random

from megagrad.arguments import whole_number

__all__ = ["moons"]


def moons(
    points: int = 100, noise: float = 0.1, seed: int | None = None
) -> tuple[list[tuple[float, float]], list[int]]:
    """Make two interleaved half circles, the "two moons" that no straight line separates.

    points: how many, at least 2. noise: the standard deviation of the Gaussian noise added to both
    coordinates, at least 0 (the moons have radius 1). seed: anything ``random.Random`` takes; the
    same seed gives the same data, and None other data every time.

    With t evenly spaced from 0 to pi, the upper moon is (cos t, sin t), label -1, and the lower
    moon is (1 - cos t, 1/2 - sin t), label +1. If points is odd, the lower moon has one more.

    Returns a list of (x1, x2) pairs and the list of their labels, in shuffled order. Raises
    TypeError if points is not an integer, ValueError if points or noise is too small.
    """
    points = whole_number("points", points, 2, ", one for each moon")
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise must be a finite number of at least 0, got {noise}")
    generator = random.Random(seed)
    upper = [((math.cos(t), math.sin(t)), -1) for t in _half_turn(points // 2)]
    lower = [((1 - math.cos(t), 0.5 - math.sin(t)), 1) for t in _half_turn(points - points // 2)]
    data = upper + lower
    generator.shuffle(data)
    noisy = [
        (x1 + generator.gauss(0, noise), x2 + generator.gauss(0, noise)) for (x1, x2), _ in data
    ]
    return noisy, [label for _, label in data]


def _half_turn(steps: int) -> list[float]:
    """Space angles evenly from 0 to pi, in radians."""
    return [math.pi * i / max(steps - 1, 1) for i in range(steps)]
