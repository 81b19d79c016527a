"""Data to learn from: generated on the spot, or read from a CSV file."""

import csv
import io
import math
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from megagrad._checks import LARGEST_COUNT, kind, real_number, whole_number

__all__ = ["Table", "circles", "moons", "read_csv", "spirals"]

Point = tuple[float, float]

# What other programs put between cells.
SEPARATORS = (";", "\t", "|")

# Of so few classes no one asks whether they are measurements.
FEW_CLASSES = 10


def moons(
    points: int = 100, noise: float = 0.1, seed: int | None = None
) -> tuple[list[Point], list[int]]:
    """Make two interleaved half circles, the "two moons" that no straight line separates.

    points: how many, at least 2. noise: the standard deviation of the Gaussian noise added to both
    coordinates, at least 0 (the moons have radius 1). seed: anything ``random.Random`` takes; the
    same seed gives the same data, and None other data every time.

    With t evenly spaced from 0 to pi, the upper moon is (cos t, sin t), label -1, and the lower
    moon is (1 - cos t, 1/2 - sin t), label +1. If points is odd, the lower moon has one more.

    Returns a list of (x1, x2) pairs and the list of their labels, in shuffled order. Raises
    TypeError if points is not an integer or noise not a number, ValueError if one is out of its range.
    """

    def upper(t: float) -> Point:
        return math.cos(t), math.sin(t)

    def lower(t: float) -> Point:
        return 1 - math.cos(t), 0.5 - math.sin(t)

    points = _count(points, ", one for each moon")
    return _noisy_curves(upper, lower, _half_turn, points, noise, seed)


def circles(
    points: int = 100, noise: float = 0.1, seed: int | None = None
) -> tuple[list[Point], list[int]]:
    """Make two concentric circles.

    points, noise, seed: as of ``moons``; the outer circle has radius 1.

    With n points on a circle and t = 0, 2 pi / n, ..., 2 pi (n - 1) / n, the outer circle is
    (cos t, sin t), label -1, and the inner one half as large, (cos t / 2, sin t / 2), label +1. If
    points is odd, the inner circle has one more.

    Returns and raises what ``moons`` does.
    """

    def outer(t: float) -> Point:
        return math.cos(t), math.sin(t)

    def inner(t: float) -> Point:
        return math.cos(t) / 2, math.sin(t) / 2

    points = _count(points, ", one for each circle")
    return _noisy_curves(outer, inner, _turn, points, noise, seed)


def spirals(
    points: int = 200, noise: float = 0.02, seed: int | None = None
) -> tuple[list[Point], list[int]]:
    """Make two interleaved spirals of one and a half turns.

    points, noise, seed: as of ``moons``; the spirals end at a distance of 1 from the centre.

    With r evenly spaced from 1/10 to 1, one spiral is (r cos 3 pi r, r sin 3 pi r), label -1, and
    the other one is the same turned by half a turn, (-r cos 3 pi r, -r sin 3 pi r), label +1. If
    points is odd, the latter has one more.

    Returns and raises what ``moons`` does.
    """

    def first(r: float) -> Point:
        return r * math.cos(3 * math.pi * r), r * math.sin(3 * math.pi * r)

    def second(r: float) -> Point:
        x1, x2 = first(r)
        return -x1, -x2

    points = _count(points, ", one for each spiral")
    return _noisy_curves(first, second, _radii, points, noise, seed)


def _count(points: int, why: str) -> int:
    return whole_number("points", points, 2, why, LARGEST_COUNT)


def _noisy_curves(
    negative: Callable[[float], Point],
    positive: Callable[[float], Point],
    spaced: Callable[[int], list[float]],
    points: int,
    noise: float,
    seed: int | None,
) -> tuple[list[Point], list[int]]:
    """Place points on two curves, shuffle them, and move each a little.

    negative, positive: the curves of label -1 and +1. spaced: what they are drawn from, for so many
    points.
    """
    noise = real_number("noise", noise, at_least=0)
    if math.isinf(noise):
        raise ValueError("noise must be finite, got inf")
    generator = random.Random(seed)
    data = [(negative(t), -1) for t in spaced(points // 2)]
    data += [(positive(t), 1) for t in spaced(points - points // 2)]
    generator.shuffle(data)
    noisy = [
        (x1 + generator.gauss(0, noise), x2 + generator.gauss(0, noise)) for (x1, x2), _ in data
    ]
    return noisy, [label for _, label in data]


def _half_turn(steps: int) -> list[float]:
    """Space angles evenly from 0 to pi, in radians."""
    return [math.pi * i / max(steps - 1, 1) for i in range(steps)]


def _turn(steps: int) -> list[float]:
    """Space angles evenly around a circle, in radians."""
    return [2 * math.pi * i / steps for i in range(steps)]


def _radii(steps: int) -> list[float]:
    """Space radii evenly from 1/10 to 1."""
    return [0.1 + 0.9 * i / max(steps - 1, 1) for i in range(steps)]


class Table(NamedTuple):
    """A data set of several classes, with the names of all that is in it.

    points: each row's features. labels: for each row the number of its class, from 0. features: the
    features' names. target: the name of what is to be told. classes: the classes' names.
    """

    points: Sequence[Sequence[float]]
    labels: Sequence[int]
    features: list[str]
    target: str
    classes: list[str]


class _WrongContent(Exception):
    """What is wrong with a CSV file."""


def read_csv(path: str | os.PathLike[str], target: str | None = None) -> Table:
    """Read a CSV file with a header, one column of which names the class of each row.

    path: the file, in UTF-8, with commas between the cells (RFC 4180) and points in decimal numbers.
    Semicolons, tabs or bars between the cells are refused, and so is a first line of numbers, which
    is no header. target: the name of the column with the classes, by default the last one. All other
    columns are features, and have to be numbers. Lines of nothing but white space are passed over,
    and so is it around a cell.

    Returns a Table, with classes in alphabetical order. Raises OSError if the file cannot be read,
    and ValueError if there is something wrong with it, with the line and the column: a cell that is
    missing or not a finite number, no such column, no rows, fewer than two classes, or so many that
    they look like measurements.
    """
    if target is not None and not isinstance(target, str):
        raise TypeError(f"target must be a str or None, not {kind(target)}")
    content = Path(path).read_bytes()
    try:
        return _table(_records(content), target)
    except _WrongContent as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def _records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each record, and the number of the line that it begins in."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _WrongContent(
            f"line {line} is not UTF-8 text (byte 0x{content[error.start]:02x}); "
            "save the file in UTF-8"
        ) from None
    _check_separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if stripped not in ([], [""]):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        raise _WrongContent(f"line {line}: {error}") from None


def _check_separator(text: str) -> None:
    """Refuse a file that has another separator in its header and again below it.

    A decimal comma would otherwise make a table of ``1,5;a``. In quotes, and in the white space
    around a comma, nothing separates.
    """
    bare = re.sub(r'"[^"]*"|[ \t]*,[ \t]*', "", text)
    header, *rows = [line.strip() for line in bare.splitlines() if line.strip()] or [""]
    for separator in SEPARATORS:
        if separator in header and any(separator in row for row in rows):
            raise _WrongContent(
                f"line 1: cells are separated by {separator!r}, and have to be by commas, "
                "with points in decimal numbers"
            )


def _table(records: Iterator[tuple[int, list[str]]], target: str | None) -> Table:
    _, header = next(records, (1, []))
    place = _place_of_target(header, target)
    features = header[:place] + header[place + 1 :]
    points, names = [], []
    for line, cells in records:
        if len(cells) > len(header):
            raise _WrongContent(f"line {line} has {len(cells)} cells, the header {len(header)}")
        for column, cell in zip(header, [*cells, *[""] * len(header)], strict=False):
            if not cell:
                raise _WrongContent(f"line {line}, column {column!r}: the cell is missing")
        names.append(cells.pop(place))
        points.append(
            tuple(_number(*named, line) for named in zip(cells, features, strict=True)),
        )
    classes = _classes(names, header[place])
    numbers = {name: number for number, name in enumerate(classes)}
    return Table(points, [numbers[name] for name in names], features, header[place], classes)


def _place_of_target(header: Sequence[str], target: str | None) -> int:
    if not any(header):
        raise _WrongContent("is empty; it needs a header, and a row for each point")
    if len(header) > 1 and sum(map(_is_number, header)) >= len(header) - 1:
        raise _WrongContent(
            f"line 1: {_excerpt(','.join(header))} are numbers, not names of columns; the file "
            "needs a header, such as x1,x2,kind"
        )
    if len(set(header)) < len(header):
        [(name, count)] = Counter(header).most_common(1)
        raise _WrongContent(f"line 1: {count} columns have the name {_excerpt(name)}")
    if len(header) == 1:
        raise _WrongContent(
            f"line 1: {header[0]!r} is the only column; it needs features and a target"
        )
    if target is None:
        return len(header) - 1
    if target not in header:
        raise _WrongContent(f"has no column {target!r}; it has {', '.join(map(repr, header))}")
    return header.index(target)


def _number(cell: str, column: str, line: int) -> float:
    try:
        number = float(cell.replace("_", "?"))  # which only programs have in numbers
    except ValueError:
        raise _WrongContent(
            f"line {line}, column {column!r}: {_excerpt(cell)} is not a number, as a feature has "
            "to be"
        ) from None
    if not math.isfinite(number):
        raise _WrongContent(f"line {line}, column {column!r}: {_excerpt(cell)} is not finite")
    return number


def _classes(names: Sequence[str], target: str) -> list[str]:
    classes = sorted(set(names))
    if not names:
        raise _WrongContent("has a header, but no rows")
    if len(classes) == 1:
        raise _WrongContent(
            f"column {target!r} names one class only, {_excerpt(classes[0])}; there is nothing to "
            "tell apart"
        )
    if len(classes) > FEW_CLASSES and (
        2 * len(classes) > len(names) or all(map(_is_number, classes))
    ):
        raise _WrongContent(
            f"column {target!r} has {len(classes)} different entries in {len(names)} rows, too "
            "many for classes; numbers cannot be learned, only classes told apart"
        )
    return classes


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _excerpt(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
