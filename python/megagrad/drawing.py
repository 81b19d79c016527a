"""Drawings of graphs: the code is in ``megagrad.show.drawing``."""

from megagrad.show.drawing import draw_dot

__all__ = ["draw_dot"]
