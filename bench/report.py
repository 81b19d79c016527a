"""How the figures are shown."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from engines import ENGINES, MEGAGRAD, Engine
from tables import Rows, show_table
from targets import TARGETS, Figures, Target
from workload import Workload

UNITS = {"ns": 1e9, "µs": 1e6, "ms": 1e3, "bytes": 1.0}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def machine(packages: Sequence[str] = ("megagrad", "micrograd")) -> str:
    """Return a line that says what was measured, and where."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, {python}, {versions}"


def rounded(figure: float) -> str:
    """Return the figure with three significant digits, and all digits before the point."""
    if figure == 0:
        return "0"
    whole_digits = len(str(int(abs(figure))))
    return f"{figure:,.{max(0, 3 - whole_digits)}f}"


def cell(medians: Mapping[str, float], engine: str, first: str, scale: float) -> str:
    """Return an engine's figure, scaled, with its ratio to the one of the engine that is first."""
    if engine not in medians:
        return "-"
    figure = rounded(medians[engine] * scale)
    if engine == first or not medians.get(first):  # not measured, or too little to be
        return figure
    return f"{figure} ({rounded(medians[engine] / medians[first])}x)"


def _cell(workload: Workload, engine: Engine, figures: Figures) -> str:
    return cell(figures[workload.name], engine.name, MEGAGRAD.name, UNITS[workload.unit])


def _heading() -> list[str]:
    return ["", *(engine.name for engine in ENGINES)]


def _rows(workloads: Sequence[Workload], figures: Figures) -> Rows:
    return [
        [f"{w.title}, {w.unit}", *(_cell(w, engine, figures) for engine in ENGINES)]
        for w in workloads
    ]


def verdicts(targets: Sequence[Target], figures: Figures) -> Rows:
    """Return a row for each target that was measured: the figure, and whether it holds."""
    rows = []
    for target in targets:
        try:
            measured = target.measure(figures)
        except (KeyError, ZeroDivisionError):  # not measured, or too little to be
            continue
        verdict = "holds" if target.holds(measured) else "FALLS SHORT"
        rows.append([target.title, target.limit, rounded(measured), verdict])
    return rows


def show(workloads: Sequence[Workload], figures: Figures, markdown: bool) -> None:
    """Print the machine, the table of all figures, and the targets."""
    print(machine())
    show_table(_heading(), _rows(workloads, figures), markdown)
    show_table(["target", "limit", "measured", ""], verdicts(TARGETS, figures), markdown, left=2)
