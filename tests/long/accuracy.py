"""How far each op's value and derivatives are from the exact ones, in units in the last place.

``python tests/long/accuracy.py --points 100000`` measures them and writes ``docs/accuracy.md``. Points are
drawn from spreads that reach the whole of an op's domain. They are seeded, and fewer points are the
first ones of more, so the tests, with few, find nothing worse than the page says.
"""

import argparse
import itertools
import math
import platform
import random
import struct
import sys
from pathlib import Path
from typing import NamedTuple

import mpmath
import numpy as np
from mpmath import mpf

from megagrad import Function, Value
from megagrad._core import instruction_sets, ops, use_instruction_set

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.exact import EXACT
from support.op_table import SYMBOLS
from support.places import ROOT

PAGE = ROOT / "docs" / "accuracy.md"
DIGITS = 50
PARAMETER = 0.3  # of ops that have one


# Points


def any_double(rng):
    """Any finite number: 0 to 1.8e308, every exponent as often."""
    while not math.isfinite(x := struct.unpack("d", rng.randbytes(8))[0]):
        pass
    return x


def between(low, high):
    return lambda rng: rng.uniform(low, high)


def signed_power_of_2(low, high):
    return lambda rng: rng.choice((-1, 1)) * 2 ** rng.uniform(low, high)


def beside_1(rng):
    return rng.choice((-1, 1)) * (1 + rng.choice((-1, 1)) * 2 ** rng.uniform(-53, -3))


def beside_quarter_turns(rng):
    x = int(2 ** rng.uniform(0, 30)) * (math.pi / 2)
    return rng.choice((-1, 1)) * (x + rng.randint(-3, 3) * math.ulp(x))


SPREADS = [
    *(any_double, between(-1, 1), between(-5, 5), between(-40, 40), between(-750, 750)),
    *(signed_power_of_2(-60, 3), beside_1, beside_quarter_turns),
]


# Edges and kinks, which are among every op's points.
MAGNITUDES = (0.0, 5e-324, 1e-310, 2.0**-1022, 1e-300, 0.5, 1.0, 2.0, 40.0, 1e300, 1.7e308)
SPECIAL = [sign * magnitude for magnitude in MAGNITUDES for sign in (1, -1)]


def both(spread):
    return lambda rng: (spread(rng), spread(rng))


def base_and_exponent(spread):
    """With a power that is neither 0 nor infinite: that takes an exponent to suit the base."""

    def draw(rng):
        x = abs(spread(rng)) or 1.0
        return x, rng.uniform(-745, 710) / (math.log(x) or 1.0)

    return draw


def small_whole_exponent(rng):
    return rng.uniform(-50, 50), float(rng.randint(-9, 9))


PAIRS = [both(spread) for spread in (any_double, between(-5, 5), signed_power_of_2(-40, 40))]
POWERS = [
    *PAIRS,
    *map(base_and_exponent, (any_double, between(0, 40), signed_power_of_2(-3, 3), beside_1)),
    small_whole_exponent,
]


def points(row, count):
    """Points of one number, or of two: the special ones, and seeded ones."""
    if row.arity == 1:
        spreads = [lambda rng, spread=spread: (spread(rng),) for spread in SPREADS]
    else:
        spreads = POWERS if row.name == "pow" else PAIRS
    found = list(itertools.product(SPECIAL, repeat=row.arity))
    for number, spread in enumerate(spreads):
        rng = random.Random(f"{row.name} {number}")
        found += [spread(rng) for _ in range(count // len(spreads))]
    return found


# What is computed


def apply(row, x, y=PARAMETER):
    if row.kind == "infix":
        return SYMBOLS[row.name](x, y)
    return getattr(x, row.name)(*([y] if row.kind != "unary" else []))


def eager(row, points):
    """A list for each point: the value and the partial derivatives; the value alone if it overflows."""
    results = []
    for point in points:
        operands = [Value(x) for x in point]
        try:
            node = apply(row, *operands)
        except OverflowError:
            results.append([None])
            continue
        node.backward()
        results.append([node.data, *(operand.grad for operand in operands)])
    return results


def recorded(row, points):
    """The same of a recorded program, by the instruction set in use."""
    operands = [Value(math.nan) for _ in points[0]]
    values, grads, _ = Function(operands, apply(row, *operands)).vjp(np.array(points))
    return np.column_stack([values, grads]).tolist()


def by_every_way(row, points):
    results = {"eager": eager(row, points)}
    try:
        for name in instruction_sets():
            use_instruction_set(name)
            results[name] = recorded(row, points)
    finally:
        use_instruction_set(instruction_sets()[0])
    return results


# What is right

INFINITY = mpf(2) ** 1024  # in the place of an infinity
LARGEST_ULP = 971  # as a power of 2


def exactly(row, point):
    """The exact value and partial derivatives; None in the place of what is no real number."""
    arguments = [mpf(x) for x in point]
    if row.kind == "parametric":
        arguments.append(mpf(PARAMETER))
    return [real(function, arguments) for function in EXACT[row.name][: 1 + len(point)]]


def real(function, arguments):
    try:
        number = function(*arguments)
    except (ValueError, ZeroDivisionError):
        return None
    if not isinstance(number, mpf) or not mpmath.isfinite(number):
        return None
    return max(-INFINITY, min(INFINITY, number))


def ulps(computed, exact):
    """The error in units in the last place of the exact number."""
    if computed is None:  # an OverflowError
        computed = math.copysign(math.inf, exact)
    if math.isnan(computed):
        return math.nan  # which no bound allows
    if math.isinf(computed):
        computed = math.copysign(1, computed) * INFINITY
    error = abs(computed - exact)
    if not error:
        return 0.0
    ulp = max(mpmath.mag(exact) - 53, -1074) if exact else -1074
    return float(mpmath.ldexp(error, -min(ulp, LARGEST_ULP)))


def is_ordinary(numbers):
    """Whether nothing comes near to where numbers end, and lose digits."""
    return all(not number or 1e-290 < abs(number) < 1e290 for number in numbers)


# Figures


class Worst(NamedTuple):
    """The largest error, and where it was found."""

    error: float
    point: tuple


class Figures(NamedTuple):
    """Of an op's value, or of a derivative: the worst error in ulps by each way of computing it."""

    op: str
    what: str
    points: int
    ordinary: dict
    anywhere: dict
    absolute: float  # the largest error of ordinary results up to 1, as it is


def measured(row, count):
    """Figures of the value and of each derivative."""
    with mpmath.workdps(DIGITS):
        drawn = [(point, exactly(row, point)) for point in points(row, count)]
        drawn = [
            (point, exact, is_ordinary([*point, *exact]))
            for point, exact in drawn
            if exact[0] is not None
        ]
        ways = by_every_way(row, [point for point, _, _ in drawn])
        return [
            figures(row, what, drawn, ways, place)
            for place, what in enumerate(["value", "by x", "by y"][: 1 + row.arity])
        ]


def figures(row, what, drawn, ways, place):
    nothing = Worst(0.0, ())
    ordinary, anywhere, absolute = dict.fromkeys(ways, nothing), dict.fromkeys(ways, nothing), 0.0
    for (point, exact, is_usual), *results in zip(drawn, *ways.values(), strict=True):
        right, known = exact[place], {}
        if right is None:
            continue
        for way, result in zip(ways, results, strict=True):
            if place >= len(result):
                continue
            number = result[place]
            if number not in known:  # most ways agree
                known[number] = Worst(ulps(number, right), point)
            anywhere[way] = max(anywhere[way], known[number], key=by_error)
            if is_usual:
                ordinary[way] = max(ordinary[way], known[number], key=by_error)
        if is_usual and abs(right) <= 1:
            absolute = max([absolute, *(float(abs(number - right)) for number in known)])
    return Figures(row.name, what, len(drawn), ordinary, anywhere, absolute)


def by_error(worst):
    return worst.error


# The page

# Why a figure is large, for its footnote.
NOTES = {
    "pow by x": "`y - 1` is rounded where y is below 1 or beyond 2^53, and x^(y - 1) is that much "
    "off, times log x. The formula is micrograd's.",
    "tanh by x": "`1 - z * z` loses what z has in common with 1, and is 0 from |x| = 19.1 on. "
    "The formula is micrograd's.",
    "silu by x": "The derivative is 0 near x = -1.278, and its two terms cancel there.",
    "gelu by x": "The derivative is 0 near x = -0.752, and its two terms cancel there.",
    "cbrt value": "Eagerly the C library's; recorded programs have their own.",
}

PAGE_TEMPLATE = """\
# Accuracy

How far the results of the ops are from the exact ones: the worst errors found, in units in the last place (ulp) of
the exact result. One that is correctly rounded is off by 0.5 at most. *eager* is a `Value`, with the functions of the
C library; the other columns are recorded programs, by the instruction set in use, with functions of their own.

The columns up to the first *at* are for ordinary points, where arguments, value and derivatives are 0 or between 1e-290 and 1e290
in magnitude. *anywhere* is the worst of all columns up to the last numbers that there are. What a formula goes
through on its way may be subnormal or infinite there though its result is neither, and loses digits; an infinity counts
as 2^1024.

Ops and derivatives that are not listed are exact: {exact}; and slopes like 1 or y.

| op | of | {ways} | at | anywhere | at |
|---|---|{lines}---|---:|---|
{rows}

{notes}

Held against mpmath at {digits} digits, with {points:,} points an op and more: numbers of any exponent, intervals around 0,
neighbours of 1 and of multiples of π/2, powers that are neither 0 nor infinite, edges and kinks. Written by `python
tests/long/accuracy.py --points {points}` on {machine}. `pytest tests/value/test_accuracy.py` holds every figure at a sample of the same points.
"""


def shown(error):
    """Rounded up: an error that the page has is not exceeded. Beyond 2^52 no digit is right."""
    if error >= 2**52:
        return "all"
    digits = 2 if error < 100 else 0
    return f"{math.ceil(error * 10**digits) / 10**digits:,.{digits}f}"


def place(point):
    return ", ".join(map(repr, point))


def row_of_table(figures, note):
    ordinary, anywhere = (
        max(each.values(), key=by_error) for each in (figures.ordinary, figures.anywhere)
    )
    cells = [
        f"`{figures.op}`",
        figures.what + (f" [^{note}]" if note else ""),
        *(shown(worst.error) for worst in figures.ordinary.values()),
        place(ordinary.point),
        shown(anywhere.error),
        place(anywhere.point),
    ]
    return f"| {' | '.join(cells)} |"


def page(all_figures, count):
    rounded = [each for each in all_figures if any(w.error for w in each.anywhere.values())]
    names = {each.op for each in rounded}
    notes = []
    rows = []
    for each in rounded:
        note = NOTES.get(f"{each.op} {each.what}")
        if note:
            notes.append(
                f"[^{len(notes) + 1}]: {note} No error of a result up to 1 is above {each.absolute:.1e}."
            )
        rows.append(row_of_table(each, len(notes) if note else 0))
    ways = list(rounded[0].ordinary)
    return PAGE_TEMPLATE.format(
        exact=", ".join(f"`{row.name}`" for row in ops() if row.name not in names),
        ways=" | ".join(ways),
        lines="---:|" * len(ways),
        rows="\n".join(rows),
        notes="\n".join(notes),
        digits=DIGITS,
        points=count,
        machine=f"{platform.machine()}, {' '.join(platform.libc_ver())}",
    )


def stated():
    """The page's figures by op and what they are of: the error by each way, and "anywhere"."""
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    found = {}
    for op, what, *cells in table[2:]:
        named = dict(zip(table[0][2:], cells, strict=True))
        del named["at"]
        errors = {
            k: math.inf if v == "all" else float(v.replace(",", "")) for k, v in named.items()
        }
        found[op.strip("`"), what.split(" [")[0]] = errors
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=100_000, help="of each op (%(default)s)")
    count = parser.parse_args().points
    all_figures = []
    for row in ops():
        print(row.name, file=sys.stderr, flush=True)
        all_figures += measured(row, count)
    PAGE.write_text(page(all_figures, count), encoding="utf-8")


if __name__ == "__main__":
    main()
