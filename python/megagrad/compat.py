"""Serving megagrad under micrograd's name: the code is in ``megagrad.cli.compat``."""

from megagrad.cli.compat import serve_micrograd

__all__ = ["serve_micrograd"]
