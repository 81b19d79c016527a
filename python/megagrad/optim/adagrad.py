"""Adagrad, which divides by the root of a sum of squares."""

from typing import Any, ClassVar

from megagrad._checks import real_number
from megagrad._core import AdagradRule
from megagrad.optim.optimizer import Optimizer, Parameters

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adagrad: steps by the gradient, over the root of the sum of all its squares so far.

    params: see Optimizer. lr: the learning rate, at least 0. lr_decay: how fast the rate falls, at
    least 0. weight_decay: the multiple of a parameter that is added to its gradient, at least 0.
    initial_accumulator_value: what the sum of squares begins with, at least 0. eps: added to the
    root, at least 0. maximize: go up.

    With the gradient ``g`` at step ``t``, each step does ``s += g**2`` and
    ``p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)``: Duchi, Hazan & Singer, "Adaptive
    subgradient methods for online learning and stochastic optimization" (2011), figure 1. A
    parameter group may have an initial_accumulator_value of its own; PyTorch takes the argument for
    all groups.

    Raises what Optimizer raises.
    """

    _rule: ClassVar = AdagradRule

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            group[name] = real_number(name, group[name], at_least=0)
        group["maximize"] = bool(group["maximize"])

    def _columns_at_first(self, group: dict[str, Any]) -> dict[str, list[float]]:
        count = len(group["params"])
        return {"step": [0.0] * count, "sum": [group["initial_accumulator_value"]] * count}
