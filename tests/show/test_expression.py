"""Expressions as text: what they compute, and all that they must not do."""

import math
import sys

import pytest

from megagrad import Value
from megagrad._core import ops
from megagrad.show.expression import ExpressionError, evaluate, is_name


def refused(text, **values):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("x", 3),
        ("-x", -3),
        ("+x", 3),
        ("--x", 3),
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("x + y*2 - 1/x", 3 + 0.5 * 2 - 1 / 3),
        ("(x - y) ** 2", 6.25),
        ("2**3**2", 512),
        ("1 - 2 - 3", -4),
        ("tanh(x)", math.tanh(3)),
        ("x.tanh()", math.tanh(3)),
        ("(x*y).exp().log()", 1.5),
        ("exp(1)", math.e),
        ("abs(-x)", 3),
        ("maximum(x, y)", 3),
        ("x.minimum(y)", 0.5),
        ("minimum(1, 2)", 1),
        ("where(x.less(y), x, y)", 0.5),
        ("where(less(y, x), x, y)", 3),
        ("where(0, 1, x)", 3),
        ("leaky_relu(-x)", -0.03),
        ("leaky_relu(-x, 0.5)", -1.5),
        ("(-x).leaky_relu(-0.5)", 1.5),
        ("1e3 + 1_0", 1010),
        ("(x\n  + y)", 3.5),
        ("  x  # and a remark", 3),
    ],
)
def test_values(text, value):
    root = evaluate(text, {"x": 3, "y": 0.5}).root
    assert isinstance(root, Value)
    assert root.data == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("row", ops(), ids=lambda row: row.name)
def test_every_op_that_has_a_name(row):
    if row.kind == "infix":
        assert "unknown function" in refused(f"{row.name}(x, y)", x=0.5, y=2)
        return
    others = ["y"] * (row.arity - 1)
    method = evaluate(f"x.{row.name}({', '.join(others)})", {"x": 0.5, "y": 2.0})
    function = evaluate(f"{row.name}({', '.join(['x', *others])})", {"x": 0.5, "y": 2.0})
    expected = getattr(Value(0.5), row.name)(*[Value(2.0)] * (row.arity - 1))
    assert method.root.data == function.root.data == expected.data
    assert method.root._op == function.root._op == expected._op


def test_a_name_is_one_leaf_with_a_label():
    root, names = evaluate("x*x + y", {"x": 3.0, "y": 1.0})
    assert {name: value.label for name, value in names.items()} == {"x": "x", "y": "y"}
    root.backward()
    assert (names["x"].grad, names["y"].grad) == (6.0, 1.0)
    assert root.label == ""


def test_names_that_python_takes_for_the_same():
    assert evaluate("ﬁ + fi", {"ﬁ": 2.0}).root.data == 4


def test_a_name_may_be_a_functions():
    assert evaluate("exp(exp)", {"exp": 0.0}).root.data == 1


@pytest.mark.parametrize("word", ["x", "w1", "größe", "_"])
def test_names(word):
    assert is_name(word)


@pytest.mark.parametrize("word", ["", "1x", "x y", "lambda", "None", "x.y", "x-1"])
def test_no_names(word):
    assert not is_name(word)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        (" \n ", "the expression is empty"),
        ("x + z", "'z' has no value; add z=1.0\n  x + z\n      ^"),
        ("tahn(x)", "unknown function 'tahn'; did you mean 'tan' or 'tanh'?\n  tahn(x)\n  ^^^^"),
        ("x + x.sigmiod()", "unknown function 'sigmiod'; did you mean 'sigmoid'?\n  x + x.sig"),
        ("qqq(x)", "unknown function 'qqq'; known are maximum, "),
        ("x^2", "a power is written with **\n  x^2\n  ^^^"),
        ("x < 2", "a comparison is written x.less(y)"),
        ("x == 2", "a comparison is written x.less(y)"),
        ("x if x else 2", "a choice is written where(condition, x, y)"),
        ("tanh()", "tanh(x) is how 'tanh' is called\n  tanh()\n  ^^^^^^"),
        ("tanh(x, x)", "tanh(x) is how 'tanh' is called"),
        ("maximum(x)", "maximum(x, y) is how"),
        ("where(x, x)", "where(condition, x, y) is how"),
        ("elu(x, 1, 2)", "elu(x, alpha) is how"),
        ("elu(x, alpha=1)", "elu(x, alpha) is how"),
        ("elu(x, x)", "alpha has to be a number"),
        ("1/(x-3)", "division by zero\n  1/(x-3)\n  ^^^^^^^"),
        ("0*x + log(-x)", "\n  0*x + log(-x)\n        ^^^^^^^"),
        ("exp(1000)", "too large for a float\n  exp(1000)\n  ^^^^^^^^^"),
        ("9**9**9", "too large for a float\n  9**9**9\n  ^^^^^^^"),
        ("(-8) ** 0.5", "undefined"),
        ("1e999", "the number is too large\n  1e999\n  ^^^^^"),
        ("9" * 400, "the number is too large"),
        ("(x", "'(' was never closed\n  (x\n  ^"),
        ("x +", "invalid syntax\n  x +"),
        ("2x", "invalid decimal literal\n  2x"),
        ("x y", "invalid syntax"),
        ("x\n+ 1", "invalid syntax"),
        ("grün + foo(x)", "'grün' has no value; add grün=1.0\n  grün + foo(x)\n  ^^^^\n"),
        ("x*grün", "\n  x*grün\n    ^^^^\n"),
        ("\tx * (\n\tz)", "'z' has no value; add z=1.0\n  \tz)\n  \t^\n"),
    ],
)
def test_what_is_wrong_and_where(text, message):
    assert message in refused(text, x=3.0) + "\n"


ATTACKS = [
    *("__import__('os').system('true')", "x.__class__", "x.__class__()", "x.data"),
    *("x.backward()", "x._backward()", "x.__add__(1)", "x.add(1)", "x.where(1, 2)"),
    *("(lambda: 1)()", "lambda: 1", "[x]", "[x for x in x]", "(x, x)", "{x}", "{x: x}", "x[0]"),
    *("'text'", "b'text'", "f'{x}'", "'a' * 10**9", "True", "None", "...", "2j", "x and x"),
    *("not x", "~x", "x % 2", "x // 2", "x @ x", "x << 1000", "x | x", "(x := 1)"),
    *("maximum(*x)", "maximum(**x)", "tanh(*[x])", "tanh(x)(x)", "tanh.__call__(x)", "await x"),
    *("yield", "x; x", "x = 1", "import os", "open('file')", "exec('1')", "breakpoint()"),
    *("x\x00", "\ud800", "\ud800 + x", "“x”", "\\", "#", '"""'),
]


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_else_can_be_said(text):
    assert refused(text, x=3.0)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 900 + "x" + ")" * 900,
        "(" * 150 + "x" + ")" * 150,
        "-" * 1999 + "x",
        "x" + "+x" * 999,
        "x" + "**x" * 666,
        "x" + ".exp()" * 333,
        "tanh(" * 300 + "x" + ")" * 300,
        "x" * 2001,
        "9" * 2000,
        "x" + "+" * 5_000_000 + "x",
        "(" * 2000,
    ],
    ids=lambda text: f"{text[:8]} of {len(text)}",
)
def test_long_and_deep_ones_are_refused_or_computed(text):
    message = ""
    try:
        evaluate(text, {"x": 0.0})
    except ExpressionError as error:
        message = str(error)
    assert len(message) < 300
    # What went wrong must not have used up anything.
    assert evaluate("x + 1", {"x": 1.0}).root.data == 2
    assert sys.getrecursionlimit() >= 1000


def test_a_message_shows_part_of_a_long_line():
    message = refused("x + " * 100 + "y" + " + x" * 100, x=1.0)
    _, line, carets = message.splitlines()
    assert len(line) < 80
    assert line[carets.index("^")] == "y"


def test_values_must_be_numbers():
    with pytest.raises(TypeError):
        evaluate("x", {"x": "1"})


@pytest.mark.parametrize("text", ["(a+\x0céé\n+z)", "(a +\u2028 z)", "(a\r\n+ z)"])
def test_lines_end_where_they_do_for_python(text):
    with pytest.raises(ExpressionError):
        evaluate(text, {"a": 1.0, "éé": 2.0})


def test_what_is_no_text_and_no_values():
    with pytest.raises(TypeError, match="text must be a str, not 'int'"):
        evaluate(5, {})
    with pytest.raises(TypeError, match="values must be a dict of names and numbers, not 'list'"):
        evaluate("x", ["x"])
    with pytest.raises(TypeError, match="values' names must be strings, not 'int'"):
        evaluate("x", {5: 1.0})
