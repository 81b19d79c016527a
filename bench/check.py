"""Whether all engines compute the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isclose

from engines import Engine
from workload import Outcome, Workload

RELATIVE = 1e-9
ABSOLUTE = 1e-12


def _close(x: float, y: float) -> bool:
    return isclose(x, y, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _first_difference(
    kind: str, ours: Sequence[float], theirs: Sequence[float], exact: bool
) -> str | None:
    if len(ours) != len(theirs):
        return f"{len(ours)} {kind} results against {len(theirs)}"
    for i, (x, y) in enumerate(zip(ours, theirs, strict=True)):
        if not (x == y if exact else _close(x, y)):
            return f"{kind} result {i} is {x!r} against {y!r}"
    return None


def difference(ours: Outcome, theirs: Outcome, exact: bool) -> str | None:
    """Return the first one between what two engines computed, in words; None if there is none."""
    return _first_difference("forward", ours.forward, theirs.forward, exact) or _first_difference(
        "gradient", ours.gradients, theirs.gradients, exact=False
    )


def outcomes(workload: Workload, engines: Iterable[Engine]) -> dict[str, Outcome]:
    """Return what each engine computes; a class that is listed twice computes once."""
    computed: dict[type, tuple[str, Outcome]] = {}
    for engine in engines:
        if engine.autograd and workload.suits(engine) and engine.value not in computed:
            outcome = workload.outcome(engine)
            if outcome is not None:
                computed[engine.value] = (engine.name, outcome)
    return dict(computed.values())


def differences(workload: Workload, results: Mapping[str, Outcome]) -> list[str]:
    """Return a line for each engine whose results differ from the first engine's."""
    lines = []
    for name, theirs in [*results.items()][1:]:
        reference, ours = next(iter(results.items()))
        found = difference(ours, theirs, workload.exact)
        if found is not None:
            lines.append(f"{workload.name}: {reference} and {name}: {found}")
    return lines
