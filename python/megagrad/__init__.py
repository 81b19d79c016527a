"""megagrad: micrograd with a compiled engine."""

from megagrad._core import __version__
from megagrad.engine import Value

__all__ = ["Value", "__version__"]
