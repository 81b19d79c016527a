"""How time and memory grow with the size of graphs, to 10,000,000 nodes, and of recorded programs.

Run by itself, as ``python bench/scale.py``, on Linux: all of it takes the better part of an hour and 8 GiB;
``--largest`` and ``--only`` make it less.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import scale_graphs
import scale_programs
from watch import Figure

KINDS = {"graphs": scale_graphs, "programs": scale_programs}
SIZES = {"graphs": (100_000, 10_000_000), "programs": (10_000, 1_000_000)}
"""The smallest and the largest; those between are the root of 10 apart."""

ROUNDS = 3
SMALL = 400_000
"""A figure is the median of several rounds up to this size; larger ones take turns with nothing."""

Samples = Mapping[int, Sequence[Figure]]


class Fit(NamedTuple):
    """The power of the size that time grows with, and its standard error."""

    slope: float
    error: float

    def __str__(self) -> str:
        """Return it as a reader of tables wants it."""
        return f"{self.slope:.2f} ± {self.error:.2f}"


def fitted(sizes: Sequence[float], times: Sequence[float]) -> Fit:
    """Fit a line to the logarithms by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(time) for time in times]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((xi - mean_x) ** 2 for xi in x)
    slope = sum((xi - mean_x) * (yi - mean_y) for xi, yi in zip(x, y, strict=True)) / spread
    left = sum((yi - mean_y - slope * (xi - mean_x)) ** 2 for xi, yi in zip(x, y, strict=True))
    return Fit(slope, math.sqrt(left / max(1, len(x) - 2) / spread))


def sizes(kind: str, largest: int) -> list[int]:
    """Return the sizes up to the largest, half an order of magnitude apart."""
    first, last = SIZES[kind]
    steps = round(2 * math.log10(min(last, largest) / first))
    return [round(first * 10 ** (step / 2)) for step in range(steps + 1)]


def sample(kind: str, shape: str, size: int) -> tuple[int, list[Figure]]:
    """Measure in a fresh process, which has no freed memory to fill first."""
    command = [sys.executable, __file__, "--one", kind, shape, str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    count, figures = json.loads(done.stdout)
    return count, [Figure(*figure) for figure in figures]


def measure(kind: str, shape: str, largest: int) -> dict[str, dict[int, list[Figure]]]:
    """Return all figures, by operation and by the size that the graph or program came to."""
    samples: dict[str, dict[int, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    for size in sizes(kind, largest):
        for _ in range(ROUNDS if size <= SMALL else 1):
            count, figures = sample(kind, shape, size)
            for figure in figures:
                samples[figure.operation][count].append(figure)
    return samples


def row(operation: str, samples: Samples) -> list[str]:
    """Return the cells of an operation: nanoseconds a node at each size, the fit, and the memory."""
    times = {count: median(f.seconds for f in figures) for count, figures in samples.items()}
    cells = [f"{1e9 * seconds / count:,.4g}" for count, seconds in times.items()]
    fit = str(fitted([*times], [*times.values()])) if len(times) > 2 else ""
    last = max(samples)
    extra = median(f.extra for f in samples[last]) / last
    return [operation, *cells, fit, f"{times[last]:.3g}", f"{extra:,.0f}"]


def show(kind: str, shape: str, samples: Mapping[str, Samples], columns: Sequence[int]) -> None:
    """Print the table of a shape as Markdown."""
    unit = "node" if kind == "graphs" else "instruction"
    print(f"\n{kind}, {shape}: ns a {unit}\n")
    widths = len(columns)
    head = ["", *(f"{size:,}" for size in columns), "power", "s", f"bytes a {unit}"]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for operation, figures in samples.items():
        name, *cells, fit, seconds, extra = row(operation, figures)
        cells += [""] * (widths - len(cells))
        print("| " + " | ".join([name, *cells, fit, seconds, extra]) + " |", flush=True)


def main() -> None:
    """Read the command line, measure, and print a table for each shape."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    names = [*scale_graphs.SHAPES, *scale_programs.SHAPES]
    parser.add_argument("--largest", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--only", nargs="+", metavar="SHAPE", choices=names, default=names)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        kind, shape, size = given.one
        print(json.dumps(KINDS[kind].measured(shape, int(size))))
        return
    if not Path("/proc/self/clear_refs").exists():
        sys.exit("scale.py reads the memory's peaks in /proc/self, which only Linux has")
    for kind, module in KINDS.items():
        for shape in module.SHAPES:
            if shape in given.only:
                columns = sizes(kind, given.largest)
                show(kind, shape, measure(kind, shape, given.largest), columns)


if __name__ == "__main__":
    main()
