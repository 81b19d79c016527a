"""The accuracy that docs/accuracy.md states, at a sample of its points; and the exact op table itself.

``MEGAGRAD_POINTS=20000 pytest tests/value/test_accuracy.py`` goes through as many as the page has.
"""

import os
import platform

import pytest
from support.op_table import COUNT_AS_NUMBERS, TABLE, apply, points, row_id

from megagrad import record
from megagrad._core import ops

mpmath = pytest.importorskip("mpmath")
accuracy = pytest.importorskip("long.accuracy")

STATED = accuracy.stated()
POINTS = int(os.environ.get("MEGAGRAD_POINTS", "100"))
each_op = pytest.mark.parametrize("row", ops(), ids=row_id)


def allowed(way, stated):
    """What another C library, or the same on another processor, may add to what the page has."""
    if way != "eager":
        return stated
    return 1.1 * stated + 0.5 if platform.libc_ver()[0] == "glibc" else 2 * stated + 2


@pytest.mark.skipif(not STATED, reason="needs docs/accuracy.md")
@each_op
def test_no_error_is_larger_than_stated(row):
    for figures in accuracy.measured(row, POINTS):
        stated = STATED.get((row.name, figures.what), {})
        recorded = max([error for way, error in stated.items() if way != "anywhere"], default=0.0)
        for way, worst in figures.ordinary.items():
            assert worst.error <= allowed(way, stated.get(way, recorded)), (
                figures.what,
                way,
                worst,
            )
        for way, worst in figures.anywhere.items():
            assert worst.error <= allowed(way, stated.get("anywhere", 0.0)), (figures.what, worst)


@pytest.mark.skipif(not STATED, reason="needs docs/accuracy.md")
def test_the_page_has_an_op_for_every_row_that_rounds():
    names = {name for name, _ in STATED}
    assert names <= TABLE.keys()
    assert {"exp", "log", "tanh", "erf", "gelu", "pow", "div"} <= names


@each_op
def test_exact_derivatives_are_limits_of_differences(row):
    """Of the exact op table, which the others are held against."""
    function, *slopes = accuracy.EXACT[row.name]
    with mpmath.workdps(60):
        for point in points(row, 10):
            arguments = [mpmath.mpf(x) for x in point]
            for place, slope in enumerate(slopes[: row.arity]):
                if (row.name, place) in COUNT_AS_NUMBERS:
                    continue
                order = [int(i == place) for i in range(len(arguments))]
                difference = mpmath.diff(function, tuple(arguments), tuple(order))
                assert mpmath.almosteq(difference, slope(*arguments), 1e-20, 1e-20), point


@pytest.mark.parametrize("row", [row for row in ops() if row.arity == 1], ids=row_id)
def test_second_derivatives_keep_their_digits_at_small_arguments(row):
    more = [row.default] if row.kind == "parametric" else []
    f = record(lambda x: apply(TABLE[row.name], x, *more), 1)
    slope = accuracy.EXACT[row.name][1]
    for x in [sign * size for sign in (1, -1) for size in (1e-2, 1e-3, 1e-9, 1e-20, 1e-100)]:
        if row.name in ("log", "sqrt") and x < 0:
            continue
        with mpmath.workdps(400):
            exact = mpmath.diff(
                lambda t: slope(t, *map(mpmath.mpf, more)), x, h=mpmath.mpf(10) ** -180
            )
            assert abs(f.hessian([x]).item() - exact) <= 2e-15 * abs(exact), x
