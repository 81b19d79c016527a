"""Output that nobody may be reading any more."""

import errno
import os
from typing import Any, TextIO

__all__ = ["Output", "nobody_reads"]


def nobody_reads(error: OSError) -> bool:
    """Tell whether whoever read the output has had enough; Windows says so in its own way."""
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


class Output:
    """A stream whose errors wait for the end, so that a command still saves its results.

    stream: where the text goes, up to the first error.
    """

    def __init__(self, stream: TextIO) -> None:
        """See the class."""
        self._stream = stream
        self._error: OSError | None = None

    def write(self, text: str) -> int:
        """Write, or do nothing after an error."""
        if self._error is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._error = error
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing after an error."""
        if self._error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._error = error

    def finish(self) -> None:
        """Flush, and raise the OSError that has been waiting, if there is one."""
        self.flush()
        if self._error is not None:
            raise self._error

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self._stream, name)
