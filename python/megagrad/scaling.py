"""Features of mean 0 and standard deviation 1: the code is in ``megagrad.demo.scaling``."""

from megagrad.demo.scaling import Scaling

__all__ = ["Scaling"]
