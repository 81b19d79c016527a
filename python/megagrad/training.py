"""Training a classifier: the code is in ``megagrad.demo.training``."""

from megagrad.demo.training import Progress, accuracy, scores_of, train

__all__ = ["Progress", "accuracy", "scores_of", "train"]
