"""Data to learn from: the code is in ``megagrad.demo.datasets``."""

from megagrad.demo.datasets import Table, circles, moons, read_csv, spirals

__all__ = ["Table", "circles", "moons", "read_csv", "spirals"]
