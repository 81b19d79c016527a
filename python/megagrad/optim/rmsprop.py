"""RMSprop, which divides by the root of a running square."""

from typing import Any, ClassVar

from megagrad._checks import real_number
from megagrad._core import RMSpropRule
from megagrad.optim.optimizer import Optimizer, Parameters

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop: steps by the gradient, over the root of its running square.

    params: see Optimizer. lr: the learning rate, at least 0. alpha: how much of the running averages
    each step keeps, at least 0. eps: added to the root, at least 0. weight_decay: the multiple of a
    parameter that is added to its gradient, at least 0. momentum: the share of its last step that a
    parameter keeps, at least 0. centered: take the square of the gradient's running mean off the
    running square, which leaves its variance. maximize: go up.

    With the gradient ``g``, each step does ``v = alpha * v + (1 - alpha) * g**2`` and
    ``p -= lr * g / (sqrt(v) + eps)``. With momentum it does ``b = momentum * b + g / (sqrt(v) + eps)``
    and ``p -= lr * b``. If centered, ``m = alpha * m + (1 - alpha) * g`` and ``v - m**2`` is in v's
    place under the root: Tieleman & Hinton, "Lecture 6.5: RMSprop" (2012); centered: Graves,
    "Generating sequences with recurrent neural networks" (2013), with eps outside of the root, as in
    PyTorch.

    Raises what Optimizer raises.
    """

    _rule: ClassVar = RMSpropRule

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        for name in ("lr", "alpha", "eps", "weight_decay", "momentum"):
            group[name] = real_number(name, group[name], at_least=0)
        for name in ("centered", "maximize"):
            group[name] = bool(group[name])
