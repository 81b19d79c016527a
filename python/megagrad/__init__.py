"""megagrad: micrograd with a compiled engine.

``Value`` is the scalar that remembers how it was computed; ``megagrad.nn`` has neurons, layers and
multi-layer perceptrons, ``megagrad.functional`` bulk operations and losses, ``megagrad.optim``
optimisers and learning-rate schedules. ``megagrad.engine`` and ``megagrad.nn`` are where micrograd
has them. ``Function`` and ``record`` turn a graph into a program for whole arrays of points, and
``megagrad.parallel`` runs that on many processes or machines.
"""

import importlib

from megagrad._core import Function, __version__
from megagrad.engine import Value

__all__ = [
    "Function",
    "Value",
    "__version__",
    "engine",
    "functional",
    "nn",
    "optim",
    "parallel",
    "record",
    "where",
]

_MODULES = ("functional", "nn", "optim", "parallel")
_HOMES = {"record": "function", "where": "functional"}


def __getattr__(name: str) -> object:
    """Import a module when it is first asked for: many programs need the engine alone."""
    if name in _MODULES:
        return importlib.import_module(f"megagrad.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"megagrad.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'megagrad' has no attribute {name!r}")
