"""The picture of the comparison: how many times faster than micrograd, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from report import rounded

# Of Okabe and Ito's palette, which people with any kind of colour vision tell apart.
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#999999"
SCALAR, OTHER = (
    "a graph of scalar objects, built in every step",
    "arrays, a tape or a compiled step",
)


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


def duration(seconds: float) -> str:
    """Return the time in milliseconds, or in seconds where these are many."""
    return f"{rounded(seconds)} s" if seconds >= 1 else f"{rounded(seconds * 1e3)} ms"


def draw(bars: Sequence[Bar], reference: float, title: str, note: str) -> Figure:
    """Return the picture, the fastest engine on top; `reference` is micrograd's time in seconds."""
    figure = Figure(figsize=(9, 1.6 + 0.36 * len(bars)), layout="constrained", facecolor="white")
    axes = figure.add_subplot(xscale="log")
    ordered = sorted(bars, key=lambda bar: bar.seconds, reverse=True)
    for place, bar in enumerate(ordered):
        times = reference / bar.seconds
        # From below 1, so that micrograd itself has a bar too.
        axes.barh(place, times - 0.5, left=0.5, height=0.7, edgecolor="white", **bar.look)
        weight = "bold" if bar.ours else "normal"
        text = f"{rounded(times)}x   {duration(bar.seconds)}"
        axes.annotate(
            text,
            (max(times, 0.5), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            weight=weight,
        )
    axes.set_yticks(range(len(ordered)), [bar.name for bar in ordered])
    for label, bar in zip(axes.get_yticklabels(), ordered, strict=True):
        label.set_weight("bold" if bar.ours else "normal")
    fastest = reference / ordered[-1].seconds
    axes.set_xlim(0.5, fastest * 12)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times faster than micrograd (logarithmic)")
    axes.xaxis.set_major_formatter("{x:,g}x")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(title, weight="bold")
    axes.set_title(note, fontsize="small")
    axes.legend(
        handles=[
            Patch(facecolor=BLUE, label=f"megagrad: {SCALAR}"),
            Patch(facecolor=GREY, label=f"others: {SCALAR}"),
            Patch(facecolor=ORANGE, edgecolor="white", hatch="///", label=f"others: {OTHER}"),
        ],
        loc="lower right",
        fontsize="small",
    )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the same figures give the same file."""
    with mpl.rc_context({"svg.hashsalt": "megagrad", "svg.fonttype": "path"}):
        figure.savefig(path, metadata={"Date": None})
