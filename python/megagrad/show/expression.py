"""Expressions as text, such as ``tanh(x1*w1 + x2*w2 + b)``, and the graphs that they stand for."""

import ast
import difflib
import keyword
import math
import operator
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from megagrad._checks import kind
from megagrad._core import ops
from megagrad.engine import Value
from megagrad.functional import where

__all__ = ["Evaluation", "ExpressionError", "evaluate", "is_name"]

# In characters. Graphs of longer expressions are not for looking at.
LONGEST = 1000

OPERATORS: dict[type[ast.AST], Callable[..., Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}

# What is written as a call: the ops by their methods, which take the operands in the same order.
FUNCTIONS: dict[str, Callable[..., Value]] = {
    row.name: getattr(Value, row.name) for row in ops() if row.kind != "infix"
} | {"where": where}
OPERANDS = {row.name: row.arity for row in ops()} | {"where": 3}
PARAMETERS = {row.name: row.parameter for row in ops() if row.kind == "parametric"}

# What Python has, and is refused here, with what says the same.
INSTEAD: dict[type[ast.AST], str] = {
    ast.BitXor: "a power is written with **",
    ast.Compare: "a comparison is written x.less(y), x.greater_equal(y), ...",
    ast.IfExp: "a choice is written where(condition, x, y)",
}
RULE = "only numbers, names, + - * / ** and functions are allowed"


class ExpressionError(ValueError):
    """What is wrong with an expression; the text has the place, with carets under it."""


class Evaluation(NamedTuple):
    """The result of an expression, and the leaf that each name in it stands for."""

    root: Value
    names: dict[str, Value]


def evaluate(text: str, values: Mapping[str, float]) -> Evaluation:
    """Compute an expression, and with it build the graph of its operations.

    text: numbers, names, ``+ - * / **``, parentheses, and every other op in either form:
    ``tanh(x)`` or ``x.tanh()``, ``where(x.less(y), x, y)``. values: a real number for each name.
    Each name is one leaf, with the name as its label; the result has none.

    The text is only parsed by Python, never run: what is not listed here cannot be expressed.
    Raises ExpressionError, a ValueError, for everything else and for what an op cannot compute, and
    TypeError if text is no str or a value no real number, OverflowError if it is an int beyond all floats.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {kind(text)}")
    if not isinstance(values, Mapping):
        raise TypeError(f"values must be a dict of names and numbers, not {kind(values)}")
    source = text.strip()
    tree = _parse(source)
    evaluator = _Evaluator(source, values)
    try:
        root = evaluator.result(tree.body)
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None
    return Evaluation(root if isinstance(root, Value) else Value(root), evaluator.names)


def is_name(word: str) -> bool:
    """Tell whether an expression can have a name like this."""
    return word.isidentifier() and not keyword.iskeyword(word)


def _parse(source: str) -> ast.Expression:
    if not source:
        raise ExpressionError("the expression is empty")
    if len(source) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(source)} characters, at most {LONGEST} are allowed"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice about code that is refused below
            return ast.parse(source, mode="eval")
    except SyntaxError as error:
        place = (error.lineno or 1, (error.offset or 1) - 1)
        reason = (error.msg or "invalid syntax").split(";")[0]
        raise ExpressionError(_pointed(reason, source, *place)) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply") from None
    except ValueError:  # of a character that no source can have
        raise ExpressionError("the expression has characters that are no text") from None


class _Evaluator:
    """Goes through a parsed expression. A number alone is a float until an op makes it a Value."""

    def __init__(self, source: str, values: Mapping[str, float]) -> None:
        self.source = source
        for name in values:
            if not isinstance(name, str):
                raise TypeError(f"values' names must be strings, not {kind(name)}")
        self.values = {unicodedata.normalize("NFKC", name): x for name, x in values.items()}
        self.names: dict[str, Value] = {}

    def result(self, node: ast.expr) -> Value | float:
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name():
                return self.leaf(node)
            case ast.UnaryOp(op=ast.USub()):
                return -self.result(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.result(node.operand)
            case ast.BinOp() if type(node.op) in OPERATORS:
                operands = self.result(node.left), self.result(node.right)
                return self.computed(node, OPERATORS[type(node.op)], operands)
            case ast.Call():
                return self.call(node)
        written = type(node.op) if isinstance(node, ast.BinOp) else type(node)
        raise self.error(INSTEAD.get(written, RULE), node)

    def number(self, node: ast.Constant) -> float:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(RULE, node)
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise self.error("the number is too large", node)
        return number

    def leaf(self, node: ast.Name) -> Value:
        name = node.id
        if name not in self.values:
            raise self.error(f"{name!r} has no value; add {name}=1.0", node)
        if name not in self.names:
            self.names[name] = Value(self.values[name], label=name)
        return self.names[name]

    def call(self, node: ast.Call) -> Value:
        match node.func:
            case ast.Name(id=name):
                arguments = node.args
            case ast.Attribute(value=first, attr=name) if name != "where":
                arguments = [first, *node.args]
            case _:
                raise self.error(RULE, node)
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, n=2)
            known = (
                f"did you mean {' or '.join(map(repr, near))}?"
                if near
                else f"known are {', '.join(FUNCTIONS)}"
            )
            raise self.error(f"unknown function {name!r}; {known}", node.func)
        least = OPERANDS[name]
        if node.keywords or not least <= len(arguments) <= least + (name in PARAMETERS):
            raise self.error(f"{_usage(name)} is how {name!r} is called", node)
        operands = [self.result(argument) for argument in arguments]
        if name in PARAMETERS and isinstance(operands[-1], Value) and len(operands) > least:
            raise self.error(f"{PARAMETERS[name]} has to be a number", node)
        return self.computed(node, FUNCTIONS[name], operands)

    def computed(
        self, node: ast.expr, function: Callable[..., Value], operands: Sequence[Value | float]
    ) -> Value:
        first, *others = operands
        try:
            return function(first if isinstance(first, Value) else Value(first), *others)
        except (ArithmeticError, ValueError) as error:
            raise self.error(str(error), node) from None

    def error(self, reason: str, node: ast.expr) -> ExpressionError:
        line = _lines(self.source)[node.lineno - 1]
        # Columns are counted in bytes.
        start = len(line.encode()[: node.col_offset].decode())
        end = len(line)
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            end = len(line.encode()[: node.end_col_offset].decode())
        return ExpressionError(_pointed(reason, self.source, node.lineno, start, end - start))


def _usage(name: str) -> str:
    operands = ", ".join(("x", "y") if OPERANDS[name] < 3 else ("condition", "x", "y"))
    if OPERANDS[name] == 1:
        operands = f"x, {PARAMETERS[name]}" if name in PARAMETERS else "x"
    return f"{name}({operands})"


def _lines(source: str) -> list[str]:
    """Split where Python's parser does; str.splitlines also does it at form feeds and others."""
    return re.split(r"\r\n|\r|\n", source)


def _pointed(reason: str, source: str, number: int, column: int, width: int = 1) -> str:
    """Return the reason, and under it a line of the source with carets at the place."""
    lines = _lines(source)
    line = lines[min(number, len(lines)) - 1]
    # What is much longer than a terminal's line is cut.
    start = max(column - 50, 0)
    shown = line[start : start + 76]
    blank = "".join("\t" if c == "\t" else " " for c in line[start:column])
    carets = "^" * max(min(width, 76 - len(blank)), 1)
    return f"{reason}\n  {shown}\n  {blank}{carets}"
