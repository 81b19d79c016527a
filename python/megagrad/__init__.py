"""megagrad: micrograd with a compiled engine.

``Value`` is the scalar that remembers how it was computed; ``megagrad.nn`` has neurons, layers and
multi-layer perceptrons. ``megagrad.engine`` and ``megagrad.nn`` are where micrograd has them.
"""

from megagrad._core import __version__
from megagrad.engine import Value

__all__ = ["Value", "__version__", "engine", "nn"]


def __getattr__(name: str) -> object:
    """Import ``megagrad.nn`` when it is first asked for: many programs need the engine alone."""
    if name == "nn":
        import megagrad.nn

        return megagrad.nn
    raise AttributeError(f"module 'megagrad' has no attribute {name!r}")
