"""The engine under micrograd's name: ``from megagrad.engine import Value``."""

from megagrad._core import Value

__all__ = ["Value"]
