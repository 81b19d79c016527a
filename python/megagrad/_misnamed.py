"""Errors that say which name was probably meant, or where it is."""

import importlib
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec

__all__: list[str] = []

_HOMES = ("megagrad", "megagrad.nn", "megagrad.functional", "megagrad.optim")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a question such as ``" Did you mean: 'relu'?"``, empty if no name is close.

    Of those that are, one of the same letters comes first: ``tahn`` is ``tanh`` rather than ``tan``.
    """
    close = get_close_matches(name, list(names))
    close.sort(key=lambda near: sorted(near) != sorted(name))
    return f" Did you mean: {close[0]!r}?" if close else ""


def no_attribute(module: str, name: str, names: Iterable[str]) -> Exception:
    """Return what ``__getattr__`` of a module raises for a name that it does not have.

    That is an AttributeError; in ``from module import name``, which would make an ImportError without
    a hint of it, an ImportError right away if there is a hint and the name is no module either.
    """
    message = f"module {module!r} has no attribute {name!r}"
    hint = "" if name.startswith("_") else _elsewhere(module, name) or did_you_mean(name, names)
    is_imported = sys._getframe(2).f_code.co_name == "_handle_fromlist"
    if hint and is_imported and find_spec(f"{module}.{name}") is None:
        return ImportError(f"cannot import name {name!r} from {module!r}.{hint}", name=module)
    # Without an obj, Python does not look for a name once more when it prints the error.
    return AttributeError(f"{message}.{hint}", name=name) if hint else AttributeError(message)


def _elsewhere(module: str, name: str) -> str:
    for home in _HOMES:
        if home != module and name in importlib.import_module(home).__all__:
            return f" Write: from {home} import {name}"
    return ""
