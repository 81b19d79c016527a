"""CasADi without the conversion of arguments: its Function writes from one buffer to others."""

from __future__ import annotations

import casadi
import numpy as np
import random_program

from peers.peer import Peer
from peers.recorded import PLACE, Recorded, checked, flat, one_at_a_time, places
from peers.recorded_casadi import random_function, readme_function


class Buffered:
    """A function of columns, one a point, with memory for its values and gradients."""

    def __init__(self, function: casadi.Function, points: np.ndarray) -> None:
        """Take the function and the points, one a row."""
        self.points = np.ascontiguousarray(points)
        self.value = np.empty(len(points))
        self.gradient = np.empty(points.shape)
        # CasADi keeps addresses only, so everything has to be kept alive here.
        self.function = function
        self.buffer, self.evaluate = function.buffer()
        self.views = [memoryview(array) for array in (self.points, self.value, self.gradient)]
        self.buffer.set_arg(0, self.views[0])
        self.buffer.set_res(0, self.views[1])
        self.buffer.set_res(1, self.views[2])

    def run(self) -> None:
        """Compute the function at all points."""
        self.evaluate()

    def results(self) -> list[float]:
        """Return the values and gradients at some of the points."""
        self.run()
        return flat(checked(self.value), checked(self.gradient))


def readme() -> Recorded:
    """The expression of micrograd's README at one point."""
    return Buffered(readme_function(), np.array([PLACE]))


def single() -> Recorded:
    """The random program at one point after another, each of which is copied into the buffer."""
    points = checked(np.array(places()))
    program = Buffered(random_function(), points[:1].copy())

    def at(point: np.ndarray) -> tuple[float, np.ndarray]:
        program.points[0] = point
        program.run()
        return program.value[0], program.gradient[0].copy()

    return one_at_a_time(at, points)


def batch() -> Recorded:
    """The random program at all points."""
    return Buffered(random_function().map(random_program.OPS), np.array(places()))


PEER = Peer(
    recorded={"expression": readme, "random": single, "random-batch": batch},
    without_value="as the plain call, or builds its graphs of other objects",
)
