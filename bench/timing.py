"""How a piece of work is timed, and how several engines take turns at it."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter

Sampler = Callable[[], float]
"""Measures once and returns the figure: seconds, or bytes."""


@contextmanager
def collector(on: bool) -> Iterator[None]:
    """Start without garbage and run the block with the cyclic collector on or off."""
    gc.collect()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        gc.enable()


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """Return how long one run of the work takes, averaged over so many in a row."""
    start = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - start) / times


def repeated(
    work: Callable[[], object], collector_on: bool, at_least: float = 0.03, warm: float = 0.0
) -> Sampler:
    """Return a sampler that runs the work often enough to last at least so many seconds.

    warm: for how many seconds it runs the work before that, but at least once. A core that was idle
    while others took their turn may take some tenths of a second to come back, on a virtual machine.
    """
    with collector(collector_on):
        times = max(1, math.ceil(at_least / seconds(work)))

    def sample() -> float:
        with collector(collector_on):
            # Without the garbage of a run before it, a run spares the collector half its work.
            work()
            until = perf_counter() + warm
            while perf_counter() < until:
                work()
            return seconds(work, times)

    return sample


def figure(samples: Sequence[float]) -> float:
    """Return the median; 0 where a difference of two times is lost in the noise."""
    return max(0.0, median(samples))


def interleaved(samplers: Mapping[str, Sampler], rounds: int) -> dict[str, list[float]]:
    """Let the samplers take turns for so many rounds and return the figures of each."""
    figures: dict[str, list[float]] = {name: [] for name in samplers}
    for _ in range(rounds):
        for name, sample in samplers.items():
            figures[name].append(sample())
    return figures
