"""megagrad: micrograd with a compiled engine.

``Value`` is the scalar that remembers how it was computed; ``megagrad.nn`` has neurons, layers and
multi-layer perceptrons, ``megagrad.functional`` bulk operations and losses, ``megagrad.optim``
optimisers and learning-rate schedules. ``megagrad.engine`` and ``megagrad.nn`` are where micrograd
has them.
"""

import importlib

from megagrad._core import __version__
from megagrad.engine import Value

__all__ = ["Value", "__version__", "engine", "functional", "nn", "optim"]


def __getattr__(name: str) -> object:
    """Import a module when it is first asked for: many programs need the engine alone."""
    if name in ("functional", "nn", "optim"):
        return importlib.import_module(f"megagrad.{name}")
    raise AttributeError(f"module 'megagrad' has no attribute {name!r}")
