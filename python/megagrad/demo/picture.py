"""Pictures of what a classifier has learned: its decision boundary, and how its loss went down."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Sequence
from itertools import cycle, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from megagrad import _files
from megagrad.demo.datasets import Table
from megagrad.demo.training import Progress, scores_of
from megagrad.nn import MLP

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw", "matplotlib_is_installed", "sketch", "suffixes"]

# Okabe and Ito's palette, which people with any kind of colour vision tell apart. Its yellow comes
# last, as it is faint on white.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY_BLUE, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY_BLUE, VERMILION, YELLOW)

# One more than there are colours, so that 56 classes differ in one or the other.
MARKERS = "o^sDvPX*"

# Height to width of the decision boundary's axes.
SHAPE = 0.75

# About the same colours for a terminal of 256, as backgrounds, and what replaces them in none.
GROUND_COLOURS = (24, 130, 22, 89, 31, 88, 58)
GROUNDS = " .:-'~,"
SYMBOLS = "oxvszmnwcuabdefghijklpqrty"


class Frame(NamedTuple):
    """A rectangle of the plane."""

    left: float
    right: float
    bottom: float
    top: float


class Grid(NamedTuple):
    """What a model says at the crossings of a grid.

    margins[c][i][j] is by how much class c leads there, at (x1[j], x2[i]): above 0 in one class.
    """

    x1: list[float]
    x2: list[float]
    margins: list[list[list[float]]]


def matplotlib_is_installed() -> bool:
    """Tell whether matplotlib is there; how it is configured, ``draw`` finds out."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    except Exception:  # noqa: BLE001 - of its configuration; draw raises it again
        return True
    return True


def suffixes() -> list[str]:
    """List the file suffixes that ``draw`` understands, such as ``.png``. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    formats = FigureCanvasAgg.get_supported_filetypes()
    return [f".{name}" for name in formats if name != "pgf"]  # which needs LaTeX besides


def draw(model: MLP, table: Table, history: Sequence[Progress], path: Path, title: str) -> None:
    """Draw the decision boundary, if there are two features, and the loss. Needs matplotlib.

    model: an MLP of one output, whose score is positive for the second class, or of one for each
    class. table: what it was trained on. history: the progress of the training. path: the file; its
    suffix chooses the format. Raises OSError if the file cannot be written.
    """
    from matplotlib.figure import Figure

    if len(table.features) == 2:
        figure = Figure(figsize=(12, 5.2), layout="constrained")
        boundary, curve = figure.subplots(1, 2, width_ratios=(1, SHAPE))
        curve.set_box_aspect(1)  # as high as the boundary's axes
        _draw_boundary(boundary, model, table)
    else:
        figure = Figure(figsize=(7.5, 5.5), layout="constrained")
        curve = figure.subplots()
    _draw_history(curve, history)
    figure.suptitle(title, parse_math=False)
    content = io.BytesIO()
    with warnings.catch_warnings():
        # Names may have letters that matplotlib's font has not: it draws boxes.
        warnings.filterwarnings("ignore", r"(?s)Glyph .* missing")
        figure.savefig(content, format=path.suffix[1:].lower(), dpi=150)
    _files.write(path, content.getvalue())


def _draw_boundary(axes: Axes, model: MLP, table: Table) -> None:
    x1, x2 = table.features
    axes.set_xlabel(_short(x1), parse_math=False)
    axes.set_ylabel(_short(x2), parse_math=False)
    axes.set_box_aspect(SHAPE)
    frame = _undistorted(_frame(table))
    _draw_margins(axes, _grid(model, frame, columns=160, rows=120))
    styles = zip(cycle(COLOURS), cycle(MARKERS))
    for number, (name, (colour, marker)) in enumerate(zip(table.classes, styles, strict=False)):
        chosen = [p for p, of in zip(table.points, table.labels, strict=True) if of == number]
        axes.scatter(
            [a for a, _ in chosen],
            [b for _, b in chosen],
            c=colour,
            marker=marker,
            edgecolors="black",
            linewidths=0.7,
            s=36,
            label=_short(f"{table.target} {name}"),
            zorder=3,
        )
    _add_legend(axes, *axes.get_legend_handles_labels())


def _draw_margins(axes: Axes, grid: Grid) -> None:
    x1, x2, margins = grid
    for values, colour in zip(margins, cycle(COLOURS), strict=False):
        lowest, highest = min(map(min, values)), max(map(max, values))
        if highest > 0:
            axes.contourf(x1, x2, values, levels=[0, highest + 1], colors=[colour], alpha=0.25)
        if lowest < 0 < highest:
            axes.contour(x1, x2, values, levels=[0], colors="black", linewidths=2)
    axes.plot([], [], color="black", linewidth=2, label="boundary")
    if len(margins) == 2:
        lowest, highest = min(map(min, margins[1])), max(map(max, margins[1]))
        if lowest < -1 and highest > 1:
            dashed: Any = {"linestyles": "dashed", "linewidths": 1}
            axes.contour(x1, x2, margins[1], levels=[-1, 1], colors="black", **dashed)
            axes.plot([], [], color="black", linestyle="dashed", label="margin (score ±1)")


def _draw_history(axes: Axes, history: Sequence[Progress]) -> None:
    epochs = [progress.epoch for progress in history]
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss", color=BLUE)
    loss = axes.plot(epochs, [p.loss for p in history], color=BLUE, label="loss")
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, max(epochs[-1], 1))
    axes.grid(alpha=0.3)
    right = axes.twinx()
    right.set_box_aspect(axes.get_box_aspect())
    right.set_ylabel("accuracy", color=VERMILION)
    accuracy = right.plot(
        epochs,
        [p.accuracy for p in history],
        color=VERMILION,
        linestyle="dashed",
        label="accuracy",
    )
    right.set_ylim(0, 1.03)
    right.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    _add_legend(axes, [*loss, *accuracy], ["loss", "accuracy"])


def _add_legend(axes: Axes, handles: Sequence[Any], names: Sequence[str]) -> None:
    legend = axes.legend(
        handles,
        names,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.12),
        ncols=4 if max(map(len, names)) < 20 else 2,
        frameon=False,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _short(name: str) -> str:
    # A legend leaves out what begins with an underscore.
    return f"{' ' * name.startswith('_')}{textwrap.shorten(name, 40, placeholder='…')}"


def sketch(model: MLP, table: Table, *, width: int = 72, colour: bool = False) -> str:
    """Return a picture of the decision boundary in characters, for a terminal.

    model, table: as for ``draw``, of two features. width: in characters, at least 10. colour:
    whether the sides of the boundary differ in colour (ANSI sequences for 256 colours) or by dots.
    """
    columns = max(width, 10) - 2
    frame = _frame(table)
    left, right, bottom, top = frame
    # A character is about twice as high as it is wide.
    shape = (top - bottom) / (right - left)
    rows = max(round(columns * min(max(shape, 1 / 3), 1) / 2), 3)
    grid = _grid(model, frame, columns, rows)
    told = [
        [_leader([margins[i][j] for margins in grid.margins]) for j in range(columns)]
        for i in range(rows)
    ]
    cells = [[" " if colour else GROUNDS[number % len(GROUNDS)] for number in row] for row in told]
    for (x1, x2), label in zip(table.points, table.labels, strict=True):
        column = min(int((x1 - left) / (right - left) * columns), columns - 1)
        row = min(int((x2 - bottom) / (top - bottom) * rows), rows - 1)
        symbol = _symbol(label)
        is_right = _leader(_margins(model, (x1, x2))) == label
        cells[row][column] = symbol if is_right else symbol.upper()
    border = f"+{'-' * columns}+"
    lines = [f"|{_ground(row, of, colour)}|" for row, of in zip(cells, told, strict=True)]
    return "\n".join([border, *reversed(lines), border, *_legend(table, colour)])


def _legend(table: Table, colour: bool) -> list[str]:
    lines = ["points, in capitals on the wrong side, and what the model says:"]
    for number, name in enumerate(table.classes):
        ground = (" " if colour else GROUNDS[number % len(GROUNDS)]) * 3
        entry = f"{table.target} {name}"
        shown = entry if entry.isprintable() else ascii(entry)
        lines.append(f"{_symbol(number)} {_ground([*ground], [number] * 3, colour)} {shown}")
    return lines


def _symbol(number: int) -> str:
    return SYMBOLS[number % len(SYMBOLS)]


def _ground(cells: list[str], told: list[int], colour: bool) -> str:
    if not colour:
        return "".join(cells)
    painted = []
    for number, run in groupby(zip(cells, told, strict=True), key=lambda pair: pair[1]):
        painted.append(f"\x1b[48;5;{GROUND_COLOURS[number % len(GROUND_COLOURS)]};97m")
        painted += [cell for cell, _ in run]
    return "".join([*painted, "\x1b[0m"])


def _frame(table: Table) -> Frame:
    """Return a frame around the points, with some space beside them."""
    (left, right), (bottom, top) = (_widened(*x) for x in zip(*table.points, strict=True))
    return Frame(left, right, bottom, top)


def _undistorted(frame: Frame) -> Frame:
    """Widen a frame to ``SHAPE``, so that circles are round, if the features are of like size."""
    left, right, bottom, top = frame
    width, height = right - left, top - bottom
    if not 1 / 3 < height / width < 3:
        return frame
    across, up = max(0, height / SHAPE - width) / 2, max(0, width * SHAPE - height) / 2
    return Frame(left - across, right + across, bottom - up, top + up)


def _widened(*numbers: float) -> tuple[float, float]:
    least, most = min(numbers), max(numbers)
    space = 0.15 * (most - least) or max(abs(most), 1.0)
    return least - space, most + space


def _grid(model: MLP, frame: Frame, columns: int, rows: int) -> Grid:
    """Ask the model at the centres of the cells that a frame is cut into."""
    left, right, bottom, top = frame
    x1 = [left + (right - left) * (j + 0.5) / columns for j in range(columns)]
    x2 = [bottom + (top - bottom) * (i + 0.5) / rows for i in range(rows)]
    margins = [[_margins(model, (a, b)) for a in x1] for b in x2]
    classes = range(len(margins[0][0]))
    return Grid(x1, x2, [[[cell[c] for cell in row] for row in margins] for c in classes])


def _margins(model: MLP, point: Sequence[float]) -> list[float]:
    """Return by how much each class leads before the best of the others."""
    scores = scores_of(model(point))
    if isinstance(scores, float):
        return [-scores, scores]
    best, second = sorted(scores, reverse=True)[:2]
    return [score - (second if score == best else best) for score in scores]


def _leader(margins: Sequence[float]) -> int:
    return margins.index(max(margins))
