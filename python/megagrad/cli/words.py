"""What the words of a command line may be: numbers, and files that can be written."""

import argparse
import math
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

__all__ = ["marked", "output", "real", "short_options", "unmarked", "whole"]

# Before a word that is no option, whatever it begins with. No command line can have it.
MARK = "\0"


def marked(words: Sequence[str], minus_is_plain: bool) -> list[str]:
    """Mark the words after ``--``, which argparse loses count of, and leave that out.

    minus_is_plain: whether a word such as ``-x*2`` is no option either, but an expression.
    """
    before, after = _parts(words)
    if minus_is_plain:
        before = [f"{MARK}{word}" if _is_expression(word) else word for word in before]
    return before + [f"{MARK}{word}" for word in after]


def short_options(words: Sequence[str]) -> list[str]:
    """List the words before ``--`` that look like an option such as ``-o`` or ``-o=3``."""
    return [word for word in _parts(words)[0] if _is_short_option(word)]


def _parts(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide the words at the first ``--``, which is left out."""
    end = words.index("--") if "--" in words else len(words)
    return list(words[:end]), list(words[end + 1 :])


def _is_expression(word: str) -> bool:
    return word.startswith("-") and not (word.startswith("--") or _is_short_option(word))


def _is_short_option(word: str) -> bool:
    return word.startswith("-") and word[1:].partition("=")[0].isidentifier()


def unmarked(word: str) -> str:
    """Return a word, or what is said about it, as the user has written it."""
    return word.replace(MARK, "")


def whole(least: int) -> Callable[[str], int]:
    """Return what makes a whole number of a word, for argparse."""

    def parse(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {number}")
        return number

    return parse


def real(least: float, open_end: bool = False) -> Callable[[str], float]:
    """Return what makes a finite number of a word; open_end: whether least is too small."""

    def parse(word: str) -> float:
        try:
            number = float(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is not a number") from None
        if not least <= number < math.inf or (open_end and number == least):
            bound = f"above {least}" if open_end else f"at least {least}"
            raise argparse.ArgumentTypeError(f"must be finite and {bound}, got {word}")
        return number

    return parse


def output(word: str, suffixes: Collection[str] = ()) -> Path:
    """Check that a file can be written, before time goes into what it is to hold.

    suffixes: one of which it needs; any will do if there are none. Raises ArgumentTypeError.
    """
    word = unmarked(word)
    path = Path(word)
    folder = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
    if path.is_dir() or word.endswith(("/", os.sep)):
        problem = "is a folder"
    elif not folder.is_dir():
        problem = f"is in {str(folder)!r}, which is not a folder"
    # A file is replaced, which is a matter of the folder; a device is written to.
    elif not os.access(path if path.exists() and not path.is_file() else folder, os.W_OK):
        problem = "is not writable"
    elif suffixes and path.suffix.lower() not in suffixes:
        problem = f"needs one of the suffixes {', '.join(suffixes)}"
    else:
        return path
    raise argparse.ArgumentTypeError(f"{word!r} {problem}")
