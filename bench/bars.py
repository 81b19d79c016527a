"""The picture of the comparison: how many times faster than micrograd, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from report import rounded

# Of Okabe and Ito's palette, which people with any kind of colour vision tell apart.
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#999999"
SCALAR, OTHER = (
    "a graph of scalar objects, built in every step",
    "arrays, a tape or a compiled step",
)

# Where bars begin; below 1, so that micrograd itself has a bar too.
LEFT = 0.5


class Bar(NamedTuple):
    """An engine's figure."""

    name: str
    seconds: float
    scalar: bool
    """Whether it builds a graph of scalar objects."""

    ours: bool = False

    @property
    def look(self) -> dict[str, str]:
        """The bar's colour and hatch."""
        if not self.scalar:
            return {"facecolor": ORANGE, "hatch": "///"}
        return {"facecolor": BLUE if self.ours else GREY}

    @property
    def weight(self) -> str:
        """The weight of its text."""
        return "bold" if self.ours else "normal"


def duration(seconds: float) -> str:
    """Return the time in the unit that leaves one to three digits before the point."""
    for unit, scale in (("s", 1), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{rounded(seconds * scale)} {unit}"
    return f"{rounded(seconds * 1e6)} µs"


def draw(bars: Sequence[Bar], reference: float, title: str, note: str) -> Figure:
    """Return the picture, the fastest engine on top.

    reference: micrograd's time in seconds. note: a line of small print below the title.
    """
    figure = Figure(figsize=(9, 1.6 + 0.36 * len(bars)), layout="constrained", facecolor="white")
    axes = figure.add_subplot(xscale="log")
    ordered = sorted(bars, key=lambda bar: bar.seconds, reverse=True)
    for place, bar in enumerate(ordered):
        _draw_bar(axes, place, bar, reference / bar.seconds)
    axes.set_yticks(range(len(ordered)), [bar.name for bar in ordered])
    for label, bar in zip(axes.get_yticklabels(), ordered, strict=True):
        label.set_weight(bar.weight)
    axes.axvline(1, color="black", linewidth=0.8)
    # Room for the text that stands right of the longest bar.
    axes.set_xlim(LEFT, 12 * reference / ordered[-1].seconds)
    axes.set_xlabel("times faster than micrograd (logarithmic)")
    axes.xaxis.set_major_formatter("{x:,g}x")
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(title, weight="bold")
    axes.set_title(note, fontsize="small")
    axes.legend(handles=_kinds(), loc="lower right")
    return figure


def _draw_bar(axes: Axes, place: int, bar: Bar, times: float) -> None:
    axes.barh(place, times - LEFT, left=LEFT, height=0.7, edgecolor="white", **bar.look)
    axes.annotate(
        f"{rounded(times)}x   {duration(bar.seconds)}",
        (max(times, LEFT), place),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        weight=bar.weight,
    )


def _kinds() -> list[Patch]:
    return [
        Patch(facecolor=BLUE, label="megagrad, a scalar graph"),
        Patch(facecolor=GREY, label="another scalar graph"),
        Patch(facecolor=ORANGE, edgecolor="white", hatch="///", label="arrays or a tape"),
    ]


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the same figures give the same file."""
    with mpl.rc_context({"svg.hashsalt": "megagrad", "svg.fonttype": "path"}):
        figure.savefig(path, metadata={"Date": None})
