"""The whole command line: which command it names, and what it ends with."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from megagrad import __version__
from megagrad.cli import bench, draw, run, train
from megagrad.cli.failure import Failure
from megagrad.cli.output import Output, nobody_reads
from megagrad.cli.words import marked, unmarked

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line asks for; return the exit status.

    arguments: the words after the command's name, by default those of ``sys.argv``. Returns 0 if
    all went well, 1 if something could not be done, and 130 after an interrupt, each with one line
    on stderr that says so. Errors in the words themselves are printed in one line too and raise
    SystemExit with status 2, as argparse does it.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:2] == ["run", "--"] and len(words) > 2:
        return run.start(words[2:])
    if words[:1] == ["run"] and len(words) > 1 and not words[1].startswith("-"):
        return run.start(words[1:])
    if sys.stdout is None:  # closed by whoever started us
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            return main(words)
    if sys.stderr is None:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            return main(words)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names from files and expressions may have letters that a terminal has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    stream = sys.stdout
    output = Output(stream)
    try:
        with contextlib.redirect_stdout(output):
            try:
                return _command(words)
            finally:
                output.finish()
    except OSError as error:
        if not nobody_reads(error):
            print(f"megagrad: cannot write: {error.strerror}", file=sys.stderr)
        # The interpreter must not flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nmegagrad: interrupted", file=sys.stderr)
        return 130


def _command(words: list[str]) -> int:
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = ["train", *words]
    command, *others = words
    if command == "bench":
        return bench.start(others)
    parser, parsers = _parsers()
    if command == "run" and not {"-h", "--help"} & set(words):
        parser.error(f"run needs a PROGRAM after it, got {' '.join(others) or 'nothing'}")
    if command not in parsers:
        parser.parse_args(words)  # which prints what was asked for, or what is wrong
        return 0
    if command == "draw":
        draw.refuse_short_options(parsers[command], others)
    # As words that are not options may come before, between and after those that are.
    options = parsers[command].parse_intermixed_args(
        marked(others, minus_is_plain=command == "draw")
    )
    try:
        status: int = options.do(options)
    except Failure as failure:
        print(f"megagrad: {failure}", file=sys.stderr)
        return 1
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(unmarked(message))


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of everything, and those of the commands that have options."""
    parser = _Parser(
        prog="megagrad",
        description="micrograd with a compiled engine. Without a command: train.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"megagrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parsers = {"train": train.add_parser(commands), "draw": draw.add_parser(commands)}
    run.add_parser(commands)
    bench.add_parser(commands)
    parser.epilog = f"The command train:\n\n{parsers['train'].format_help()}"
    return parser, parsers
