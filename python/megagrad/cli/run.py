"""``megagrad run``: a program written for micrograd, unedited."""

import argparse
from typing import Any

from megagrad.cli import compat, program

__all__ = ["add_parser", "start"]

EXAMPLES = """\
examples:
  python -m megagrad run my_micrograd_program.py
  python -m megagrad run train_mlp.py --steps 100

The program runs as with "python PROGRAM ARGS...", but "import micrograd" gives it megagrad, whether
micrograd is installed or not. If the program has a micrograd of its own, engine and nn are replaced
where they are micrograd's text, and all else stays: a line on stderr says what was replaced, and why
the rest was not. So it is in the processes that multiprocessing starts, but not in other
programs that PROGRAM runs. All that follows PROGRAM belongs to the program. Tracebacks begin in the
program, but below its frames are megagrad's, as a debugger's are: traceback.print_stack() shows them.
"""


def start(words: list[str]) -> int:
    """Run the program that the first word names; the other words are its own.

    Not by argparse, which would take some of them for its own.
    """
    compat.serve_micrograd()
    program.run(words[0], words[1:])
    return 0


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add what ``--help`` says about the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="run a program written for micrograd, unedited, on megagrad",
        description="Run a program written for micrograd, unedited, on megagrad.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "program", metavar="PROGRAM", help="a Python file, or a folder or zip with a __main__.py"
    )
    parser.add_argument(
        "arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="the program's own arguments"
    )
    return parser
