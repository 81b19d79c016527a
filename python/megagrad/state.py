"""Files of a module's numbers: what ``state_dict()`` returns and ``load_state_dict()`` takes."""

import io
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from megagrad import _arrays, _files
from megagrad._checks import kind, real_number

__all__ = ["load", "save"]

_Array = npt.NDArray[Any]


def save(state: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a ``state_dict()`` to a file; ``load`` reads it::

        megagrad.save(model.state_dict(), "model.npz")
        model.load_state_dict(megagrad.load("model.npz"))

    state: a real number or an array of them for each name. path: the file, with exactly this name; one
    that is there is replaced when the new one is complete.

    The file is an ``.npz`` which ``numpy.load`` reads too: ``names`` has the names as strings, ``data`` all
    numbers in float64, one entry after the other. If there are arrays, ``shapes`` has the shapes as
    strings such as ``"3 2"``, empty for a number.

    Raises TypeError for a state that is not a mapping of strings to real numbers and arrays,
    OverflowError for an int beyond all floats, ValueError for a name that ends with a NUL character, which
    NumPy's strings drop, and OSError if the file cannot be written.
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            "a state must be a mapping of names to numbers, as model.state_dict() returns it, "
            f"not {kind(state)}"
        )
    for name in state:
        _check_name(name)
    entries = [_numbers(f"state[{name!r}]", entry) for name, entry in state.items()]
    arrays: dict[str, Any] = {
        "names": np.array(list(state), dtype=np.str_),
        "data": np.concatenate([np.empty(0), *(entry.ravel() for entry in entries)]).astype("<f8"),
    }
    if any(entry.shape for entry in entries):
        shapes = [" ".join(map(str, entry.shape)) for entry in entries]
        arrays["shapes"] = np.array(shapes, dtype=np.str_)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    _files.write(path, content.getvalue())


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the state that ``save`` wrote: the same names and numbers, in the same order.

    path: the file. All of it is checked, and nothing in it is executed. A number is a float, an array
    float64. Raises ValueError if it is not what ``save`` writes, and OSError, such as FileNotFoundError, if
    it cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        return _state(*_arrays_of(content))
    except _WrongContent as error:
        raise ValueError(f"{os.fspath(path)!r} is not a saved state: {error}") from error.__cause__


class _WrongContent(Exception):
    """What is wrong with a file."""


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a state's names must be strings, not {kind(name)}")
    if name.endswith("\0"):
        raise ValueError(f"the name {name!r} ends with a NUL character, which NumPy would drop")


def _numbers(name: str, entry: Any) -> _Array:
    if isinstance(entry, np.ndarray) or _arrays.is_tensor(entry):
        return _arrays.numbers(name, entry)
    return np.array(real_number(name, entry))


def _arrays_of(content: bytes) -> tuple[_Array, _Array, _Array | None]:
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        names = sorted(found.files) if isinstance(found, np.lib.npyio.NpzFile) else None
        if names in (["data", "names"], ["data", "names", "shapes"]):
            shapes = _array(found["shapes"]) if "shapes" in names else None
            return _array(found["names"]), _array(found["data"]), shapes
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


def _state(names: _Array, data: _Array, shapes: _Array | None) -> dict[str, Any]:
    _check_arrays(names, data, shapes)
    try:
        keys = names.tolist()
        texts = [""] * len(keys) if shapes is None else shapes.tolist()
    except (ValueError, SystemError) as error:  # letters that are none
        raise _damaged() from error
    state: dict[str, Any] = {}
    place = 0
    for key, shape in zip(keys, map(_shape, texts), strict=True):
        numbers = data[place : place + math.prod(shape)]
        if len(numbers) != math.prod(shape):
            raise _WrongContent(f"data should have more numbers than {len(data)}")
        state[key] = numbers.reshape(shape).astype(np.float64) if shape else float(numbers[0])
        place += len(numbers)
    if place != len(data):
        raise _WrongContent(f"data should have {place} numbers, not {len(data)}")
    if len(state) != len(keys):
        raise _WrongContent("a name occurs twice")
    return state


def _check_arrays(names: _Array, data: _Array, shapes: _Array | None) -> None:
    """Before lists are made of them: a few bytes may say that there are billions of empty strings."""
    if names.dtype.kind != "U" or names.ndim != 1:
        raise _WrongContent(f"names should be a row of strings, not {_described(names)}")
    if shapes is None:
        if data.dtype.newbyteorder("=") != np.float64 or data.shape != names.shape:
            raise _WrongContent(
                f"data should be float64 of names' shape {names.shape}, not {_described(data)}"
            )
        return
    if shapes.dtype.kind != "U" or shapes.shape != names.shape:
        raise _WrongContent(
            f"shapes should be strings of names' shape {names.shape}, not {_described(shapes)}"
        )
    if data.dtype.newbyteorder("=") != np.float64 or data.ndim != 1:
        raise _WrongContent(f"data should be a row of float64, not {_described(data)}")
    if len(names) > data.size + shapes.nbytes:
        raise _WrongContent(f"data should have a number for each name, not {data.size}")


def _shape(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"([0-9]{1,9}( [0-9]{1,9}){0,31})?", text):
        raise _WrongContent(f"shapes should be such as '3 2', not {text!r}")
    return tuple(map(int, text.split()))


def _described(array: _Array) -> str:
    return f"{array.dtype} of shape {array.shape}"
