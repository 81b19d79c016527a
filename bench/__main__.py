"""Compares megagrad with micrograd, with everyone, or recorded programs: ``python bench``."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

try:
    import check
    import everyone
    import recorded
    import report
    import standings
    from engines import ENGINES
    from rich.console import Console
    from rich.progress import track
    from targets import Figures
    from timing import figure, interleaved
    from workload import Workload
    from workloads import WORKLOADS
except ModuleNotFoundError as missing:
    MISSING = missing.name
else:
    MISSING = None

PASSES = 4


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="megagrad bench" if "megagrad.cli.bench" in sys.modules else "python bench",
        description="Measure megagrad against micrograd, with the garbage collector on and off.",
        epilog="A figure in brackets is the ratio to megagrad's. bench/README.md tells what each "
        "row measures, and how.",
    )
    names = workload_names()
    parser.add_argument(
        "--check",
        action="store_true",
        help="only check that all engines compute equal results; exit code 1 if they do not",
    )
    parser.add_argument(
        "--everyone",
        action="store_true",
        help="measure against all engines that are installed, and write benchmark.svg, "
        "in the repository to docs/",
    )
    parser.add_argument(
        "--recorded",
        action="store_true",
        help="measure programs that are recorded or compiled once, with PyTorch, JAX and CasADi",
    )
    parser.add_argument("--quick", action="store_true", help="one pass: sooner done, but noisier")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=names or None,
        default=names,
        help=f"only these workloads{', out of: ' if names else ''}{', '.join(names)}",
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    return parser.parse_args()


def workload_names() -> list[str]:
    """List the workloads, none if the packages that they need are missing."""
    if MISSING:
        return []
    return list(dict.fromkeys(workload.name for workload in (*WORKLOADS, *recorded.WORKS)))


def compare(workload: Workload) -> bool:
    """Say whether there was anything to compare; exit with code 1 if engines differ."""
    outcomes = check.outcomes(workload, ENGINES)
    differences = check.differences(workload, outcomes)
    if differences:
        sys.exit("\n".join(["engines do not compute the same:", *differences]))
    return len(outcomes) > 1


def measure(workloads: Sequence[Workload], passes: int) -> Figures:
    """Return the medians over so many passes through all workloads."""
    samples: dict[str, dict[str, list[float]]] = {w.name: defaultdict(list) for w in workloads}
    for workload in watched([*workloads] * passes, "measuring"):
        suited = [engine for engine in ENGINES if workload.suits(engine)]
        samplers = {engine.name: workload.sampler(engine) for engine in suited}
        for name, figures in interleaved(samplers, workload.rounds).items():
            samples[workload.name][name] += figures
    return {
        workload: {engine: figure(figures) for engine, figures in engines.items()}
        for workload, engines in samples.items()
    }


def compete(workloads: Sequence[Workload], passes: int, markdown: bool) -> None:
    """Check and measure everyone; with no passes only check, and exit with code 1 on a fault."""
    standing = everyone.compete(workloads, passes, watched)
    if passes:
        standings.show(workloads, standing, markdown)
        standings.picture(standing)
        return
    if standing.faults():
        sys.exit("\n".join(["engines do not compute the same:", *standing.faults()]))
    print(f"{len(everyone.installed())} engines checked, all compute equal results")


def replay(names: Sequence[str], passes: int, markdown: bool) -> None:
    """Check and measure recorded programs; exit with code 1 if results differ."""
    works, standing = recorded.compete(names, passes, watched)
    if standing.faults():
        sys.exit("\n".join(["engines do not compute the same:", *standing.faults()]))
    if passes:
        recorded.show(works, standing, markdown)
    else:
        print(f"{len(works)} recorded programs checked, all engines compute equal results")


def watched(workloads: Sequence[Workload], doing: str) -> Iterable[Workload]:
    """Go through the workloads, with a bar on the terminal; where there is none, a line for each."""
    console = Console(stderr=True)
    if console.is_terminal:
        return track(workloads, doing, console=console, transient=True)
    return _announced(workloads, doing)


def _announced(workloads: Sequence[Workload], doing: str) -> Iterator[Workload]:
    for number, workload in enumerate(workloads, start=1):
        line = f"{doing} {number} of {len(workloads)}: {workload.title}"
        print(line, file=sys.stderr, flush=True)
        yield workload


def main() -> None:
    """Check all workloads, then measure them and print the tables."""
    given = arguments()
    if MISSING:
        sys.exit(
            f"{MISSING} is not installed: pip install 'megagrad[bench]', "
            "or in the repository pip install '.[bench]'"
        )
    chosen = [workload for workload in WORKLOADS if workload.name in given.only]
    passes = 0 if given.check else 1 if given.quick else PASSES
    if given.recorded:
        replay(given.only, min(passes, recorded.PASSES), given.markdown)
        return
    if given.everyone:
        compete(chosen, passes, given.markdown)
        return
    compared = sum(compare(workload) for workload in watched(chosen, "checking"))
    if given.check:
        print(f"{compared} workloads checked, all engines compute equal results")
        if everyone.peers_are_installed():
            compete(chosen, passes=0, markdown=False)
        return
    figures = measure(chosen, passes)
    report.show(chosen, figures, given.markdown)


if __name__ == "__main__":
    main()
