"""``megagrad draw``: the graph of an expression, with its values and gradients."""

import argparse
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from megagrad import _files
from megagrad.cli import words
from megagrad.cli.failure import Failure, told_if_unwritable
from megagrad.engine import Value
from megagrad.show.expression import ExpressionError, evaluate, is_name

__all__ = ["add_parser", "refuse_short_options"]

# Graphviz's language, which needs no program to write.
TEXT_SUFFIXES = (".dot", ".gv")

EXAMPLES = """\
examples:
  python -m megagrad draw "tanh(x1*w1 + x2*w2 + b)" x1=2 x2=0 w1=-3 w2=1 b=6.88
  python -m megagrad draw "where(x.less(y), x**2, y.exp())" x=1 y=2 --explain
  python -m megagrad draw "(a + b) * a" a=1 b=2 --output sum.dot --rankdir TB

An expression has numbers, names, + - * / **, and the other ops of megagrad, as functions or as
methods. One that begins with two minuses, or is a minus and a name, comes last, after "--".
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "draw",
        help="compute an expression, its gradients, and draw the graph",
        description="Compute an expression and the gradient of each name in it, and draw the graph\n"
        "of its operations.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=lambda options: _draw(options, parser.error))
    add = parser.add_argument
    add(
        "expression",
        type=words.unmarked,
        metavar="EXPRESSION",
        help='what to compute, such as "tanh(x*w + b)"',
    )
    add(
        "values",
        type=_named_number,
        nargs="*",
        metavar="NAME=NUMBER",
        help="the value of each name in the expression",
    )
    add(
        "--output",
        type=words.output,
        default=Path("graph.svg"),
        metavar="PATH",
        help="where the picture goes; the suffix chooses the format: .svg, .png, .pdf, ..., or "
        ".dot for text that needs no Graphviz (default: %(default)s)",
    )
    add(
        "--rankdir",
        choices=("LR", "TB"),
        default="LR",
        help="draw from left to right, or from top to bottom (default: %(default)s)",
    )
    add(
        "--as-micrograd",
        action="store_true",
        help="draw -, unary minus and / as the +, * and ** that micrograd builds them from",
    )
    add("--explain", action="store_true", help="print how each value and gradient comes about")
    return parser


def refuse_short_options(parser: argparse.ArgumentParser, given: list[str]) -> None:
    """Say which words are no options, before argparse takes another one for the expression."""
    unknown = [word for word in words.short_options(given) if word != "-h"]
    if unknown and "-h" not in given:
        parser.error(
            f"unrecognized arguments: {' '.join(unknown)} (an expression that is a minus and a name "
            'comes last, after "--")'
        )


def _named_number(word: str) -> tuple[str, float]:
    word = words.unmarked(word)
    name, sign, text = word.partition("=")
    if not sign or not is_name(name):
        raise argparse.ArgumentTypeError(f"{word!r} is not of the form NAME=NUMBER, such as x=1.0")
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r}: {text!r} is not a number") from None
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{word!r}: the number must be finite")
    return unicodedata.normalize("NFKC", name), number  # as Python reads names


def _draw(options: argparse.Namespace, refuse: Callable[[str], Any]) -> int:
    values: dict[str, float] = {}
    for name, number in options.values:
        if name in values:
            refuse(f"{name!r} has two values")
        values[name] = number
    try:
        root, leaves = evaluate(options.expression, values)
    except ExpressionError as error:
        refuse(str(error))
    if unused := [name for name in values if name not in leaves]:
        refuse(f"{', '.join(map(repr, unused))} does not occur in the expression")
    if not options.output.suffix:
        refuse(f"argument --output: {str(options.output)!r} needs a suffix, such as .svg")
    root.backward()
    print(f"value: {root.data + 0.0:.6g}")
    for name, leaf in leaves.items():
        print(f"{name} = {leaf.data + 0.0:.6g}, gradient {leaf.grad + 0.0:.6g}")
    if options.explain:
        from megagrad.show.explanation import explain

        print(f"\n{explain(root, limit=None)}\n")
    content = _drawn(root, options)
    with told_if_unwritable(options.output):
        _files.write(options.output, content)
    print(f"graph: {options.output}")
    return 0


def _drawn(root: Value, options: argparse.Namespace) -> bytes:
    from megagrad.show.drawing import draw_dot

    path: Path = options.output
    try:
        dot = draw_dot(root, rankdir=options.rankdir, as_micrograd=options.as_micrograd)
    except ImportError as error:
        raise Failure(str(error)) from None
    from graphviz import CalledProcessError, ExecutableNotFound

    if dot.summary:
        what, parts, _ = dot.summary.splitlines()
        raise Failure(f"the graph is too large to draw: {what} {parts}")
    if path.suffix.lower() in TEXT_SUFFIXES:
        return str(dot.source).encode()
    try:
        return bytes(dot.pipe(format=path.suffix[1:].lower(), quiet=True))
    except ExecutableNotFound as error:
        raise Failure(f"{error} Here: --output {path.with_suffix('.dot')}") from None
    except ValueError:
        raise Failure(
            f"Graphviz has no format {path.suffix!r}; .svg, .png and .pdf are some"
        ) from None
    except CalledProcessError as error:
        raise Failure(f"Graphviz could not draw {str(path)!r}: {error}") from None
