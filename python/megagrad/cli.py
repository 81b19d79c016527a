"""The command line: ``python -m megagrad``, or ``megagrad`` for short."""

import argparse
import contextlib
import math
import os
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from megagrad import __version__, compat, picture, program
from megagrad.datasets import moons
from megagrad.nn import ACTIVATIONS, MLP
from megagrad.training import Progress, train

__all__ = ["main"]

TRAIN_EXAMPLES = """\
examples:
  python -m megagrad train
  python -m megagrad train --points 200 --noise 0.15 --epochs 200
  python -m megagrad train --layers 8 8 8 --activation tanh --output tanh.svg
"""

RUN_EXAMPLES = """\
examples:
  python -m megagrad run my_micrograd_program.py
  python -m megagrad run train_mlp.py --steps 100

The program runs as with "python PROGRAM ARGS...", but "import micrograd" gives it megagrad, whether
micrograd is installed or not; so it does in the processes that multiprocessing starts, but not in other
programs that PROGRAM runs. All that follows PROGRAM belongs to the program.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line asks for; return the exit status.

    arguments: the words after the command's name, by default those of ``sys.argv``. Errors in them
    are printed in one line and raise SystemExit, as argparse does it.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:2] == ["run", "--"]:
        del words[1]
    if words[:1] == ["run"] and len(words) > 1 and not words[1].startswith("-"):
        # Not by argparse: every word after the program's name is the program's.
        compat.serve_micrograd()
        program.run(words[1], words[2:])
        return 0
    if sys.stdout is None:  # closed by whoever started us
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            return main(words)
    try:
        try:
            return _command(words)
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # then whoever read the output has had enough
            print(f"megagrad: cannot write: {error.strerror}", file=sys.stderr)
        # The interpreter must not flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nmegagrad: interrupted", file=sys.stderr)
        return 130


def _command(words: list[str]) -> int:
    parser = _parser()
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = ["train", *words]
    if words[0] == "run" and not {"-h", "--help"} & set(words):
        parser.error(f"run needs a PROGRAM after it, got {' '.join(words[1:]) or 'nothing'}")
    options = parser.parse_args(words)
    try:
        _train(options)
    except CannotTrain as error:
        print(f"megagrad: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="megagrad",
        description="micrograd with a compiled engine. Without a command: train.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"megagrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    train_parser = commands.add_parser(
        "train",
        help="train a network on the two-moons data and draw what it has learned",
        description="Train a multi-layer perceptron to tell two moons of points apart, and draw\n"
        "its decision boundary: with matplotlib into a file, else in the terminal.",
        epilog=TRAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_train_options(train_parser)
    run_parser = commands.add_parser(
        "run",
        help="run a program written for micrograd, unedited, on megagrad",
        description="Run a program written for micrograd, unedited, on megagrad.",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run_parser.add_argument(
        "program", metavar="PROGRAM", help="a Python file, or a folder or zip with a __main__.py"
    )
    run_parser.add_argument(
        "arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="the program's own arguments"
    )
    parser.epilog = f"The command train:\n\n{train_parser.format_help()}"
    return parser


def _add_train_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--points",
        type=_whole(2),
        default=100,
        metavar="N",
        help="how many points to learn from, at least 2 (default: %(default)s)",
    )
    add(
        "--noise",
        type=_real(0),
        default=0.1,
        metavar="X",
        help="standard deviation of the points around their moon (default: %(default)s)",
    )
    add(
        "--layers",
        type=_whole(1),
        nargs="+",
        default=[16, 16],
        metavar="N",
        help="neurons in each hidden layer (default: 16 16)",
    )
    add(
        "--activation",
        choices=ACTIVATIONS,
        default="relu",
        metavar="OP",
        help="what the hidden neurons end with: relu, tanh, ... (default: %(default)s)",
    )
    add(
        "--epochs",
        type=_whole(1),
        default=100,
        metavar="N",
        help="how many times to go through all points (default: %(default)s)",
    )
    add(
        "--learning-rate",
        "--lr",
        type=_real(0, open_end=True),
        default=1.0,
        metavar="X",
        help="step size at the start; it falls to a tenth (default: %(default)s)",
    )
    add(
        "--seed",
        type=int,
        default=1337,
        metavar="N",
        help="seed of the points and of the first weights (default: %(default)s)",
    )
    add(
        "--output",
        type=_output,
        default="moons.png",
        metavar="PATH",
        help="where the picture goes; the suffix chooses the format (default: %(default)s)",
    )


def _whole(least: int) -> Callable[[str], int]:
    def whole(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {number}")
        return number

    return whole


def _real(least: float, open_end: bool = False) -> Callable[[str], float]:
    def real(word: str) -> float:
        try:
            number = float(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is not a number") from None
        if not least <= number < math.inf or (open_end and number == least):
            bound = f"above {least}" if open_end else f"at least {least}"
            raise argparse.ArgumentTypeError(f"must be finite and {bound}, got {word}")
        return number

    return real


def _output(word: str) -> Path:
    """Check that the picture can be written, before time goes into what it shows."""
    path = Path(word)
    folder = path.parent
    if not picture.matplotlib_is_installed():
        return path  # but nothing will be written
    if path.is_dir():
        problem = "is a folder"
    elif not folder.is_dir():
        problem = f"is in {str(folder)!r}, which is not a folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        problem = "is not writable"
    elif path.suffix.lower() not in picture.suffixes():
        problem = f"needs one of the suffixes {', '.join(picture.suffixes())}"
    else:
        return path
    raise argparse.ArgumentTypeError(f"{word!r} {problem}")


class CannotTrain(Exception):
    """What stands in the way of a trained and drawn network."""


def _train(options: argparse.Namespace) -> None:
    points, labels = moons(options.points, options.noise, options.seed)
    random.seed(options.seed)
    model = MLP(2, [*options.layers, 1], activation=options.activation)
    print(f"{options.points} points, {len(model.parameters())} parameters", flush=True)
    try:
        for progress in train(
            model, points, labels, epochs=options.epochs, learning_rate=options.learning_rate
        ):
            _report(progress, options.epochs)
        _show(model, points, labels, progress, options)
    except (ValueError, OverflowError) as error:  # of an op, such as the log of a negative number
        raise CannotTrain(
            f"{error}; another --activation or a smaller --learning-rate should help"
        ) from None


def _show(
    model: MLP,
    points: list[tuple[float, float]],
    labels: list[int],
    progress: Progress,
    options: argparse.Namespace,
) -> None:
    accuracy = f"accuracy {progress.accuracy:.1%}"
    print(f"trained: {accuracy}, loss {progress.loss:.4f}", flush=True)
    if picture.matplotlib_is_installed():
        title = f"Two moons after {options.epochs} epochs: {accuracy}, loss {progress.loss:.4f}"
        try:
            picture.draw(model, points, labels, options.output, title)
        except OSError as error:
            raise CannotTrain(f"cannot write {str(options.output)!r}: {error.strerror}") from None
        print(f"decision boundary: {options.output}")
    else:
        width = min(shutil.get_terminal_size().columns, 80)
        print(picture.sketch(model, points, labels, width=width, colour=_stdout_has_colour()))
        print("matplotlib, which draws this into a file, comes with: pip install 'megagrad[viz]'")


def _report(progress: Progress, epochs: int) -> None:
    if not math.isfinite(progress.loss):
        raise CannotTrain(
            f"the loss is {progress.loss} after {progress.epoch} epochs; "
            "a smaller --learning-rate should help"
        )
    if progress.epoch % math.ceil(epochs / 10) == 0 or progress.epoch == epochs:
        print(
            f"epoch {progress.epoch:{len(str(epochs))}}/{epochs}  "
            f"loss {progress.loss:.4f}  accuracy {progress.accuracy:6.1%}",
            flush=True,
        )


def _stdout_has_colour() -> bool:
    """Tell whether stdout is a terminal whose user has not asked for plain text (no-color.org)."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
