"""The comparison with everyone: checks all engines against micrograd, then measures them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan

from check import difference
from field import FIELD, MICROGRAD, Entrant
from peers.process import Asked, Refusal, asked
from targets import Figures
from timing import figure, interleaved
from workload import Row

TITLES = {
    "add": "a + b",
    "multiply": "a * b",
    "expression": "expression",
    "backward-1000": "backward, 1,000",
    "backward-10000": "backward, 10,000",
    "moons": "moons step",
    "gpt-own": "GPT step",
}
"""The workloads, by their names, that others than megagrad and micrograd can be asked for."""

PLAIN = (None, "megagrad", "micrograd")
"""The packages that the plain benchmark compares."""

Watched = Callable[[Sequence[Row], str], Iterable[Row]]


@dataclass
class Standing:
    """Which engine can do what, and how fast."""

    able: dict[str, list[Asked]] = field(default_factory=dict)
    """By the name of the workload: the engines that compute what the reference does."""

    refusals: dict[str, dict[str, Refusal]] = field(default_factory=lambda: defaultdict(dict))
    """By the name of the engine and that of the workload: why it is not measured."""

    figures: Figures = field(default_factory=dict)

    def faults(self) -> list[str]:
        """Return a line for each refusal that the engine's adapter does not know of."""
        return [
            f"{workload}: {engine}: {refusal.reason}"
            for engine, refusals in self.refusals.items()
            for workload, refusal in refusals.items()
            if not refusal.known
        ]


def installed() -> list[Entrant]:
    """Return those that can take part here."""
    return [entrant for entrant in FIELD if entrant.version is not None]


def peers_are_installed() -> bool:
    """Say whether there is anyone but those that the plain benchmark compares."""
    return any(e.version is not None for e in FIELD if e.package not in PLAIN)


def check(
    workloads: Sequence[Row],
    engines: Sequence[Asked],
    watched: Watched,
    reference: Entrant = MICROGRAD,
) -> Standing:
    """Let each engine compute each workload, and keep those that agree with the reference."""
    standing = Standing()
    [referee] = [engine for engine in engines if engine.entrant is reference]
    for workload in watched(workloads, "checking"):
        expected = referee.outcome(workload)
        able = standing.able[workload.name] = []
        for engine in engines:
            try:
                computed = engine.outcome(workload)
                different = difference(expected, computed, exact=False)
                if different:
                    raise Refusal(f"computes something else: {different}")
            except Refusal as refusal:
                standing.refusals[engine.entrant.name][workload.name] = refusal
            else:
                able.append(engine)
    return standing


def measure(workloads: Sequence[Row], passes: int, standing: Standing, watched: Watched) -> None:
    """Add the medians over so many passes, in each of which the engines take turns."""
    samples: dict[str, dict[str, list[float]]] = {w.name: defaultdict(list) for w in workloads}
    for workload in watched([*workloads] * passes, "measuring"):
        samplers = {}
        for engine in standing.able[workload.name]:
            try:
                samplers[engine.entrant.name] = engine.sampler(workload)
            except Refusal as refusal:
                standing.refusals[engine.entrant.name][workload.name] = refusal
        for name, figures in interleaved(samplers, workload.rounds).items():
            samples[workload.name][name] += [one for one in figures if not isnan(one)]
            if any(map(isnan, figures)):
                standing.refusals[name][workload.name] = Refusal("crashed while it was measured")
    standing.figures = {
        workload: {engine: figure(figures) for engine, figures in engines.items() if figures}
        for workload, engines in samples.items()
    }


def compete(workloads: Sequence[Row], passes: int, watched: Watched) -> Standing:
    """Check all that are installed and measure them; with no passes, only check them."""
    chosen = [workload for workload in workloads if workload.name in TITLES]
    with asked(installed()) as engines:
        standing = check(chosen, engines, watched)
        if passes:
            measure(chosen, passes, standing, watched)
    return standing
