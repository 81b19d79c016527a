"""Formulas as text: the code is in ``megagrad.show.expression``."""

from megagrad.show.expression import Evaluation, ExpressionError, evaluate, is_name

__all__ = ["Evaluation", "ExpressionError", "evaluate", "is_name"]
