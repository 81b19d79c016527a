"""What ends a command without a result."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Failure", "told_if_unwritable"]


class Failure(Exception):
    """What stands in the way, in one line for the user."""


@contextmanager
def told_if_unwritable(path: Path) -> Iterator[None]:
    """Make a Failure of an OSError that writing to the path raises."""
    try:
        yield
    except OSError as error:
        raise Failure(f"cannot write {str(path)!r}: {error.strerror}") from None
