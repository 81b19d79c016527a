"""Pictures of what a classifier of points in the plane has learned: its decision boundary."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from megagrad.nn import MLP

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw", "matplotlib_is_installed", "sketch", "suffixes"]

Points = Sequence[Sequence[float]]

# Of Okabe and Ito's palette, which people with any kind of colour vision tell apart.
BLUE, ORANGE = "#0072B2", "#E69F00"

# The same for a terminal of 256 colours, as backgrounds: dark blue, dark orange.
NEGATIVE_GROUND, POSITIVE_GROUND = "\x1b[48;5;24;97m", "\x1b[48;5;130;97m"
PLAIN = "\x1b[0m"


class Grid(NamedTuple):
    """The scores at the crossings of a grid: scores[i][j] at (x1[j], x2[i])."""

    x1: list[float]
    x2: list[float]
    scores: list[list[float]]


def matplotlib_is_installed() -> bool:
    """Tell whether ``draw`` will work."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def suffixes() -> list[str]:
    """List the file suffixes that ``draw`` understands, such as ``.png``. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    formats = FigureCanvasAgg.get_supported_filetypes()
    return [f".{name}" for name in formats if name != "pgf"]  # which needs LaTeX besides


def draw(model: MLP, points: Points, labels: Sequence[int], path: Path, title: str) -> None:
    """Write a picture of the decision boundary among the points. Needs matplotlib.

    model: an MLP of two inputs and one output, whose score is positive for label +1. points: pairs
    of coordinates. labels: -1 or +1 for each. path: the file; its suffix chooses the format.
    Raises OSError if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    _draw_scores(axes, _grid(model, points, columns=160, rows=120))
    for label, colour, marker in ((-1, BLUE, "o"), (1, ORANGE, "^")):
        chosen = [p for p, of in zip(points, labels, strict=True) if of == label]
        axes.scatter(
            [x1 for x1, _ in chosen],
            [x2 for _, x2 in chosen],
            c=colour,
            marker=marker,
            edgecolors="black",
            linewidths=0.7,
            s=36,
            label=f"label {label:+d}",
            zorder=3,
        )
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=150)


def _draw_scores(axes: Axes, grid: Grid) -> None:
    most = max(abs(score) for row in grid.scores for score in row) + 1
    axes.contourf(*grid, levels=[-most, 0, most], colors=[BLUE, ORANGE], alpha=0.25)
    lowest, highest = min(map(min, grid.scores)), max(map(max, grid.scores))
    lines = [([0], "solid", 2.0, "boundary"), ([-1, 1], "dashed", 1.0, "margin (score ±1)")]
    for levels, style, width, name in lines:
        if all(lowest < level < highest for level in levels):
            axes.contour(*grid, levels=levels, colors="black", linestyles=style, linewidths=width)
            axes.plot([], [], color="black", linestyle=style, linewidth=width, label=name)


def sketch(
    model: MLP, points: Points, labels: Sequence[int], *, width: int = 72, colour: bool = False
) -> str:
    """Return a picture of the decision boundary in characters, for a terminal.

    model, points, labels: as for ``draw``. width: in characters, at least 10. colour: whether the
    two sides of the boundary differ in colour (ANSI sequences for 256 colours) or by dots.
    """
    columns = max(width, 10) - 2
    left, right, bottom, top = _bounds(points)
    # A character is about twice as high as it is wide.
    rows = max(round(columns * (top - bottom) / (right - left) / 2), 3)
    grid = _grid(model, points, columns, rows)
    cells = [[" " if colour or score <= 0 else "." for score in row] for row in grid.scores]
    for (x1, x2), label in zip(points, labels, strict=True):
        column = min(int((x1 - left) / (right - left) * columns), columns - 1)
        row = min(int((x2 - bottom) / (top - bottom) * rows), rows - 1)
        symbol = "x" if label > 0 else "o"
        right_side = (model([x1, x2]).data > 0) == (label > 0)
        cells[row][column] = symbol if right_side else symbol.upper()
    frame = f"+{'-' * columns}+"
    lines = [
        f"|{_paint(row, scores) if colour else ''.join(row)}|"
        for row, scores in zip(cells, grid.scores, strict=True)
    ]
    sides = "orange: the model says +1" if colour else "dots: the model says +1"
    legend = f"o label -1   x label +1   capitals: wrong side   {sides}"
    return "\n".join([frame, *reversed(lines), frame, legend])


def _paint(cells: list[str], scores: list[float]) -> str:
    painted = []
    for positive, run in groupby(zip(cells, scores, strict=True), key=lambda pair: pair[1] > 0):
        painted += [POSITIVE_GROUND if positive else NEGATIVE_GROUND, *(cell for cell, _ in run)]
    return "".join([*painted, PLAIN])


def _bounds(points: Points) -> tuple[float, float, float, float]:
    """Return the left, right, bottom and top of a frame around the points."""
    margin = 0.4
    x1, x2 = [p[0] for p in points], [p[1] for p in points]
    return min(x1) - margin, max(x1) + margin, min(x2) - margin, max(x2) + margin


def _grid(model: MLP, points: Points, columns: int, rows: int) -> Grid:
    """Score the centres of the cells that a frame around the points is cut into."""
    left, right, bottom, top = _bounds(points)
    x1 = [left + (right - left) * (j + 0.5) / columns for j in range(columns)]
    x2 = [bottom + (top - bottom) * (i + 0.5) / rows for i in range(rows)]
    return Grid(x1, x2, [[model([a, b]).data for a in x1] for b in x2])
