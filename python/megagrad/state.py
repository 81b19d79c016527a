"""Files of a module's numbers: what ``state_dict()`` returns and ``load_state_dict()`` takes."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from megagrad import _files
from megagrad._checks import kind, real_number

__all__ = ["load", "save"]

_Array = npt.NDArray[Any]


def save(state: Mapping[str, float], path: str | os.PathLike[str]) -> None:
    """Write a ``state_dict()`` to a file; ``load`` reads it::

        megagrad.save(model.state_dict(), "model.npz")
        model.load_state_dict(megagrad.load("model.npz"))

    state: a real number for each name. path: the file, with exactly this name; one that is there is
    replaced when the new one is complete.

    The file is an ``.npz`` of two arrays, which ``numpy.load`` reads too: ``names`` has the names as
    strings, ``data`` their numbers in float64, both of shape (len(state),) and in the state's order.

    Raises TypeError for a state that is not a mapping of strings to real numbers, OverflowError for an
    int beyond all floats, ValueError for a name that ends with a NUL character, which NumPy's strings
    drop, and OSError if the file cannot be written.
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            "a state must be a mapping of names to numbers, as model.state_dict() returns it, "
            f"not {kind(state)}"
        )
    for name in state:
        _check_name(name)
    numbers = [real_number(f"state[{name!r}]", number) for name, number in state.items()]
    content = io.BytesIO()
    np.savez_compressed(
        content, names=np.array(list(state), dtype=np.str_), data=np.array(numbers, dtype="<f8")
    )
    _files.write(path, content.getvalue())


def load(path: str | os.PathLike[str]) -> dict[str, float]:
    """Return the state that ``save`` wrote: the same names and numbers, in the same order.

    path: the file. All of it is checked, and nothing in it is executed. Raises ValueError if it is
    not what ``save`` writes, and OSError, such as FileNotFoundError, if it cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        return _state(*_arrays(content))
    except _WrongContent as error:
        raise ValueError(f"{os.fspath(path)!r} is not a saved state: {error}") from error.__cause__


class _WrongContent(Exception):
    """What is wrong with a file."""


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a state's names must be strings, not {kind(name)}")
    if name.endswith("\0"):
        raise ValueError(f"the name {name!r} ends with a NUL character, which NumPy would drop")


def _arrays(content: bytes) -> tuple[_Array, _Array]:
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        names = sorted(found.files) if isinstance(found, np.lib.npyio.NpzFile) else None
        if names == ["data", "names"]:
            return _array(found["names"]), _array(found["data"])
    # A damaged file can be anything to zipfile, zlib and NumPy.
    except Exception as error:
        raise _damaged() from error
    if names is None:
        raise _WrongContent("it is a single array, no .npz file")
    raise _WrongContent(f"its arrays should be ['data', 'names'], not {names}")


def _array(member: object) -> _Array:
    if not isinstance(member, np.ndarray):
        raise TypeError("a member is no array")
    return member


def _damaged() -> _WrongContent:
    return _WrongContent("it is damaged, or no .npz file of numbers and strings")


def _state(names: _Array, data: _Array) -> dict[str, float]:
    # Before lists are made of them: a few bytes may say that there are billions of empty strings.
    if names.dtype.kind != "U" or names.ndim != 1:
        raise _WrongContent(f"names should be a row of strings, not {_described(names)}")
    if data.dtype.newbyteorder("=") != np.float64 or data.shape != names.shape:
        raise _WrongContent(
            f"data should be float64 of names' shape {names.shape}, not {_described(data)}"
        )
    try:
        keys = names.tolist()
    except (ValueError, SystemError) as error:  # letters that are none
        raise _damaged() from error
    state: dict[str, float] = dict(zip(keys, data.tolist(), strict=True))
    if len(state) != len(keys):
        raise _WrongContent("a name occurs twice")
    return state


def _described(array: _Array) -> str:
    return f"{array.dtype} of shape {array.shape}"
