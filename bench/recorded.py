"""The comparison of recorded programs: ``python bench --recorded``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from everyone import Standing, Watched, check, measure
from field import Entrant
from fma_limit import BACKWARD, FORWARD, multiply_adds
from peers.process import asked
from peers.recorded import FEW, MANY, NODES
from random_program import OPS
from report import UNITS, cell, machine, rounded, verdicts
from standings import inabilities
from tables import Rows, show_table
from targets import Figures, Target
from workload import Row

FUNCTION = Entrant("Function", "recorded_function", "recorded", "megagrad", cores=1)
THREADS = Entrant("Function, 2 threads", "recorded_threads", "recorded", "megagrad", cores=2)
VALUE = Entrant("Value", "recorded_values", "scalars", "megagrad", cores=1)
PYTORCH = Entrant("PyTorch", "recorded_pytorch", "arrays, eager", "torch", cores=1)
JAX = Entrant("JAX jit", "recorded_jax", "compiled", "jax", cores=1)
CASADI = Entrant("CasADi", "recorded_casadi", "recorded", "casadi", cores=1)
BUFFER = Entrant("CasADi buffer()", "recorded_casadi_buffer", "recorded", "casadi", cores=1)
MICROGRAD = Entrant("micrograd", "recorded_micrograd", "scalars", "micrograd", cores=1)
MICROGRAD_GC_OFF = Entrant(
    "micrograd, gc off", "recorded_micrograd", "scalars", "micrograd", collector=False, cores=1
)

FIELD = (FUNCTION, THREADS, PYTORCH, JAX, CASADI, BUFFER, VALUE, MICROGRAD, MICROGRAD_GC_OFF)
"""The columns of the table. A Value, which is held against micrograd elsewhere, is the reference."""

Measure = Callable[[Figures], float]

PASSES = 2
"""Each of them takes minutes, which JAX needs to compile the random program."""

LIMIT = "limit"
"""Among the figures: seconds of the network's multiply-adds at many points, on the machine."""


@dataclass
class Work(Row):
    """A row of the table; the engines' adapters say what is computed."""

    name: str
    title: str
    unit: str
    per: int = 1
    """The figure is shown divided by this."""

    rounds: int = 2


WORKS = (
    Work(f"moons-{FEW}", f"network, {FEW} points", "µs", rounds=4),
    Work(f"tanh-{FEW}", f"tanh network, {FEW} points", "µs", rounds=4),
    Work(f"moons-{MANY}", f"network, {MANY:,} points", "ms"),
    Work(f"tanh-{MANY}", f"tanh network, {MANY:,} points", "ms"),
    Work("expression", "README expression", "µs", rounds=4),
    Work("random", f"{OPS:,} ops, a point at a time", "ns an op", OPS),
    Work("random-batch", f"{OPS:,} ops, a batch", "ns an op and point", OPS * OPS),
    *(
        Work(f"record-{nodes}", f"recording {nodes:,} nodes", "ns a node", nodes, rounds=1)
        for nodes in NODES
    ),
)


def _ours(workload: str, scale: float = 1) -> Measure:
    return lambda figures: figures[workload][FUNCTION.name] * scale


def _times(workload: str, slower: Entrant, faster: Entrant = FUNCTION) -> Measure:
    return lambda figures: figures[workload][slower.name] / figures[workload][faster.name]


_FEW, _MANY = f"moons-{FEW}", f"moons-{MANY}"

TARGETS = (
    Target("network, 100 points, microseconds", _ours(_FEW, 1e6), at_most=13),
    Target("network, 100 points, times PyTorch", _times(_FEW, PYTORCH), at_least=8),
    Target("network, 100 points, times JAX", _times(_FEW, JAX), at_least=3),
    Target("network, 100,000 points, times PyTorch", _times(_MANY, PYTORCH), at_least=2.5),
    Target("network, 100,000 points, times JAX", _times(_MANY, JAX), at_least=4),
    Target(
        "network, 100,000 points, times the machine's limit",
        lambda figures: figures[_MANY][FUNCTION.name] / figures[LIMIT]["machine"],
        at_most=4,
    ),
    Target(
        "network, 100,000 points, two threads against one",
        _times(_MANY, FUNCTION, THREADS),
        at_least=1.7,
    ),
    *(
        Target(f"tanh network, {count:,} points, times {peer.name}", measured, at_least=least)
        for count, peer, least in (
            (FEW, PYTORCH, 8),
            (FEW, JAX, 3),
            (MANY, PYTORCH, 2.5),
            (MANY, JAX, 4),
        )
        for measured in [_times(f"tanh-{count}", peer)]
    ),
    Target("README expression, microseconds", _ours("expression", 1e6), at_most=1),
    Target(
        "10,000 ops, a point alone against one of a batch",
        lambda figures: (
            OPS * figures["random"][FUNCTION.name] / figures["random-batch"][FUNCTION.name]
        ),
        at_least=10,
    ),
    *(
        Target(f"recording {n:,} nodes, ns a node", _ours(f"record-{n}", 1e9 / n), at_most=150)
        for n in NODES
    ),
)


def _cell(work: Work, entrant: Entrant, figures: Figures) -> str:
    scale = UNITS[work.unit.partition(" ")[0]] / work.per
    return cell(figures.get(work.name, {}), entrant.name, FUNCTION.name, scale)


def rows(works: Sequence[Work], entrants: Sequence[Entrant], figures: Figures) -> Rows:
    """Return a row for each piece of work, a column for each engine."""
    return [[f"{w.title}, {w.unit}", *(_cell(w, e, figures) for e in entrants)] for w in works]


def show(works: Sequence[Work], standing: Standing, markdown: bool) -> None:
    """Print the machine, the table, what was not measured, and the targets."""
    entrants = [entrant for entrant in FIELD if entrant.version is not None]
    print(machine([*dict.fromkeys(e.package for e in entrants if e.package is not None)]))
    heading = ["", *(entrant.name for entrant in entrants)]
    show_table(heading, rows(works, entrants, standing.figures), markdown)
    limit = standing.figures.get(LIMIT)
    if limit:
        print(
            f"The multiply-adds of a network at {MANY:,} points take a core at least "
            f"{rounded(limit['machine'] * 1e3)} ms."
        )
    show_table(
        ["target", "limit", "measured", ""], verdicts(TARGETS, standing.figures), markdown, left=2
    )
    print("\nNot measured:")
    for line in inabilities(standing, FIELD, {work.name: work.title for work in WORKS}):
        print(f"- {line}")


def _limits(passes: int) -> list[float]:
    rates = [multiply_adds() for _ in range(passes)]
    return [(FORWARD + BACKWARD) * MANY / rate for rate in rates if rate is not None]


def compete(names: Sequence[str], passes: int, watched: Watched) -> tuple[list[Work], Standing]:
    """Check and measure the works of these names; with no passes only check them."""
    works = [work for work in WORKS if work.name in names]
    with asked([entrant for entrant in FIELD if entrant.version is not None]) as engines:
        standing = check(works, engines, watched, VALUE)
        if passes:
            limits = _limits(passes)
            measure(works, passes, standing, watched)
            limits += _limits(passes)
            if limits:
                standing.figures[LIMIT] = {"machine": median(limits)}
    return works, standing
