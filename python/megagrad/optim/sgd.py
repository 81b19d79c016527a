"""Stochastic gradient descent."""

from typing import Any, ClassVar

from megagrad._checks import real_number
from megagrad._core import SGDRule
from megagrad.optim.optimizer import Optimizer, Parameters

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's variant of it.

    params: see Optimizer. lr: the learning rate, at least 0. momentum: the share of its last step
    that a parameter keeps, at least 0. dampening: what is taken off the gradient's weight in the
    momentum. weight_decay: the multiple of a parameter that is added to its gradient, at least 0.
    nesterov: look ahead along the momentum; needs momentum, and no dampening. maximize: go up.

    With the gradient ``g`` and the buffer ``b``, which is ``g`` at the first step, each step does
    ``g += weight_decay * p``, ``b = momentum * b + (1 - dampening) * g`` and ``p -= lr * b``, with
    ``g + momentum * b`` in b's place for nesterov and plain ``g`` without momentum. This is the
    momentum of Sutskever et al., "On the importance of initialization and momentum in deep learning"
    (2013), with the learning rate outside the buffer, as in PyTorch.

    Raises what Optimizer raises, and ValueError for nesterov without momentum or with dampening.
    """

    _rule: ClassVar = SGDRule

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        for name in ("lr", "momentum", "weight_decay"):
            group[name] = real_number(name, group[name], at_least=0)
        group["dampening"] = real_number("dampening", group["dampening"])
        for name in ("nesterov", "maximize"):
            group[name] = bool(group[name])
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                "nesterov needs a momentum above 0 and a dampening of 0, got "
                f"momentum {group['momentum']:g} and dampening {group['dampening']:g}"
            )
