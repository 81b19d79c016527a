"""Bringing features of any size to mean 0 and standard deviation 1, as networks learn best."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from megagrad.nn import MLP

__all__ = ["Scaling"]

# With larger numbers, sums may not be finite.
LARGEST = 1e300

# Relative to the numbers. When these are not scaled any more, a network has to tell them apart, and
# floats have 16 digits, of which this leaves a few.
FINEST = 1e-10


class Scaling(NamedTuple):
    """A shift and a factor for each feature: x becomes (x - mean) * factor."""

    means: tuple[float, ...]
    factors: tuple[float, ...]

    @classmethod
    def of(cls, points: Sequence[Sequence[float]], names: Sequence[str]) -> Self:
        """Return the scaling that gives these points mean 0 and deviation 1 in each feature.

        points: at least one, all of one length. names: the features', for messages. A feature that
        is the same for all points tells nothing: its factor is 0. Raises ValueError if a feature's
        numbers are spread so widely or narrowly that floats cannot hold what is computed
        with them.
        """
        columns = list(zip(*points, strict=True))
        means = tuple(math.fsum(x / len(column) for x in column) for column in columns)
        return cls(means, tuple(map(_factor, columns, means, names)))

    def apply(self, points: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
        """Return the points with their features scaled."""
        return [
            tuple((x - mean) * factor for x, mean, factor in zip(point, *self, strict=True))
            for point in points
        ]

    def fold_into(self, model: MLP) -> None:
        """Have a model that was trained on scaled points take them as they are.

        As w (x - mean) factor + b = (w factor) x + (b - w factor mean), the first layer's weights
        and biases can do the scaling: the model's outputs are the same up to rounding.
        """
        for neuron in model.layers[0].neurons:
            for weight, mean, factor in zip(neuron.w, *self, strict=True):
                weight.data *= factor
                neuron.b.data -= weight.data * mean


def _factor(column: Sequence[float], mean: float, name: str) -> float:
    least, most = min(column), max(column)
    if least == most:
        return 0.0
    deviation = math.hypot(*(x - mean for x in column)) / math.sqrt(len(column))
    size = max(-least, most)
    if deviation > LARGEST or deviation < max(1 / LARGEST, size * FINEST):
        amounts = "large" if deviation > LARGEST else "small"
        raise ValueError(
            f"the numbers in column {name!r} differ by too {amounts} amounts: they are up to "
            f"{size:.3g} in size, with a standard deviation of {deviation:.3g}"
        )
    return 1 / deviation
