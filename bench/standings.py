"""How the comparison with everyone is shown: a table, what could not be done, and a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from everyone import TITLES, Standing, installed
from field import FIELD, MEGAGRAD, MICROGRAD, MICROGRAD_GC_OFF, Entrant
from report import UNITS, machine, rounded
from tables import Rows, show_table
from workload import Workload

DOCS = Path(__file__).parent.parent / "docs"

# Where the README shows it; an installed benchmark has no docs beside it.
PICTURE = (DOCS if DOCS.is_dir() else Path()) / "benchmark.svg"


def _ratios(medians: dict[str, float], figure: float) -> str:
    against = (MICROGRAD.name, MICROGRAD_GC_OFF.name)
    if figure == 0:  # too little to be measured
        return ""
    return " / ".join(rounded(medians[name] / figure) for name in against if name in medians)


def _cell(workload: Workload, entrant: Entrant, standing: Standing) -> str:
    medians = dict(standing.figures.get(workload.name, {}))
    if entrant.name not in medians:
        return "-"
    figure = medians[entrant.name]
    return f"{rounded(figure * UNITS[workload.unit])}\n{_ratios(medians, figure)}"


def rows(workloads: Sequence[Workload], standing: Standing) -> Rows:
    """Return a row for each engine that did something: scalar graphs first."""
    measured = {name for medians in standing.figures.values() for name in medians}
    return [
        [entrant.name, entrant.way, *(_cell(work, entrant, standing) for work in workloads)]
        for entrant in FIELD
        if entrant.name in measured
    ]


def inabilities(
    standing: Standing,
    field: Sequence[Entrant] = FIELD,
    titles: Mapping[str, str] = TITLES,
) -> Iterator[str]:
    """Yield a line for each engine that is missing, and for each reason why some left work out."""
    for entrant in field:
        if entrant.version is None:
            yield f"{entrant.name}: not installed; pip install {entrant.package}"
    sharing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for engine, refusals in standing.refusals.items():
        works: dict[str, list[str]] = defaultdict(list)
        for workload, refusal in refusals.items():
            works[refusal.reason].append(titles[workload])
        for reason, left_out in works.items():
            sharing[reason, "; ".join(left_out)].append(engine)
    for (reason, work), engines in sharing.items():
        yield f"{', '.join(engines)}: {reason} ({work})"


def show(workloads: Sequence[Workload], standing: Standing, markdown: bool) -> None:
    """Print the machine, the table, and what could not be done."""
    packages = dict.fromkeys(entrant.package for entrant in installed() if entrant.package)
    print(machine([*packages]))
    print("Below a time: how many times faster than micrograd that is, its gc on / off.")
    columns = [workload for workload in workloads if standing.figures.get(workload.name)]
    heading = ["", "written as", *(f"{TITLES[w.name]}\n{w.unit}" for w in columns)]
    show_table(heading, rows(columns, standing), markdown, left=2)
    print("\nNot measured:")
    for line in inabilities(standing):
        print(f"- {line}")


def picture(standing: Standing) -> None:
    """Write the picture of the moons step, where matplotlib is installed and it was measured."""
    seconds = standing.figures.get("moons", {})
    try:
        from bars import Bar, draw, save
    except ModuleNotFoundError as missing:
        print(f"\nno picture: {missing.name} is not installed")
        return
    if MICROGRAD.name not in seconds:
        return
    bars = [
        Bar(e.name, seconds[e.name], e.scalar, ours=e.package == MEGAGRAD.package)
        for e in FIELD
        if e.name in seconds
    ]
    title = "One training step of micrograd's demo: MLP(2, [16, 16, 1]), 100 points"
    save(draw(bars, seconds[MICROGRAD.name], title, machine()), PICTURE)
    print(f"\nwrote {PICTURE}")
