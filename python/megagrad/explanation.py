"""Explanations of gradients: the code is in ``megagrad.show.explanation``."""

from megagrad.show.explanation import Explanation, Passed, Received, Step, explain

__all__ = ["Explanation", "Passed", "Received", "Step", "explain"]
