"""How a table is printed: no wider than a terminal, or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

WIDTH = 80
NARROWEST_TITLE = 18
GAP = 2

Rows = list[list[str]]


def show_table(heading: Sequence[str], rows: Rows, markdown: bool, left: int = 1) -> None:
    """Print a table whose first columns, so many, are text."""
    if markdown:
        print(f"\n{_markdown(heading, rows, left)}")
        return
    console = Console(highlight=False, width=WIDTH)
    for table in _tables(heading, rows, left):
        print()
        console.print(table)


def _markdown(heading: Sequence[str], rows: Rows, left: int) -> str:
    rule = ["---"] * left + ["---:"] * (len(heading) - left)
    lines = (f"| {' | '.join(cells)} |" for cells in (heading, rule, *rows))
    return "\n".join(line.replace("\n", "<br>") for line in lines)


def _tables(heading: Sequence[str], rows: Rows, left: int) -> Iterator[Table]:
    """Yield as many tables as the columns need; each begins with the titles."""
    below = [[cell.replace(" (", "\n(") for cell in row] for row in rows]  # ratios below figures
    widths = [_width(column) for column in zip(heading, *below, strict=True)]
    texts = sum(width + GAP for width in widths[1:left])
    room = WIDTH - texts - min(widths[0], NARROWEST_TITLE)
    for shown in _groups(widths, range(left, len(widths)), room):
        taken = texts + sum(widths[i] + GAP for i in shown)
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
        for i in (*range(left), *shown):
            width = min(widths[i], WIDTH - taken) if i == 0 else widths[i]
            table.add_column(heading[i], justify="left" if i < left else "right", width=width)
        for row in below:
            table.add_row(*(row[i] for i in (*range(left), *shown)))
        yield table


def _width(column: Sequence[str]) -> int:
    """Return how wide a column has to be: its heading is broken between words, its cells are not."""
    heading, *cells = column
    return max(map(len, [*heading.split(), *(line for c in cells for line in c.split("\n"))]))


def _groups(widths: Sequence[int], columns: Sequence[int], room: int) -> Iterator[list[int]]:
    group: list[int] = []
    for column in columns:
        if group and sum(widths[i] + GAP for i in (*group, column)) > room:
            yield group
            group = []
        group.append(column)
    yield group
