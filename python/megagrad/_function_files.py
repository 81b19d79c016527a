"""Functions in files: what the compiled Function gets from Python."""

import os

from megagrad._core import Function

__all__ = ["load", "save"]


def save(self: Function, path: str | os.PathLike[str], /) -> None:
    """Write the program and the parameters' present data to a file.

    path: a str or path-like object. Labels, gradients and the graph are not saved. A file that is
    there is replaced only when the new one is complete. Raises OSError if it cannot be written.
    """
    from megagrad import _files

    _files.write(path, self._to_bytes())


def load(cls: type[Function], path: str | os.PathLike[str], /) -> Function:
    """Return the Function of a saved file, with new Values as its parameters.

    All of the file is checked before any of it is used. Raises ValueError if it is not what
    save() wrote, and OSError if it cannot be read.
    """
    from pathlib import Path

    # Not open(), which would take an int for the number of a file that someone else has opened.
    return cls._from_bytes(Path(path).read_bytes())


for function in (save, load):
    function.__qualname__ = f"Function.{function.__name__}"
Function.save = save  # type: ignore[method-assign]
Function.load = classmethod(load)  # type: ignore[method-assign,assignment]
