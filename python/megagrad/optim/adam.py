"""Adam, Adam with decoupled weight decay, and Adam with Nesterov's momentum."""

from typing import Any, ClassVar

from megagrad._checks import kind, real_number
from megagrad._core import AdamRule, NAdamRule
from megagrad.optim.optimizer import Optimizer, Parameters

__all__ = ["Adam", "AdamW", "NAdam"]


class Adam(Optimizer):
    """Adam: steps by the gradient's running mean, over the root of its running square.

    params: see Optimizer. lr: the learning rate, at least 0. betas: how much of the two running
    averages each step keeps, both in [0, 1). eps: added to the root, at least 0. weight_decay: the
    multiple of a parameter that is added to its gradient, at least 0. amsgrad: divide by the root of
    the largest average of squares so far. maximize: go up.

    With the gradient ``g`` at step ``t``, ``m = b1 * m + (1 - b1) * g``,
    ``v = b2 * v + (1 - b2) * g**2`` and
    ``p -= lr * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)``: Kingma & Ba, "Adam: a method for
    stochastic optimization" (2015), algorithm 1. amsgrad: Reddi et al., "On the convergence of Adam
    and beyond" (2018), with the bias corrections, as in PyTorch.

    Raises what Optimizer raises.
    """

    _rule: ClassVar = AdamRule
    _decoupled: ClassVar = False

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            group[name] = real_number(name, group[name], at_least=0)
        group["betas"] = _checked_betas(group["betas"])
        for name in ("amsgrad", "maximize"):
            group[name] = bool(group[name])
        group["decoupled_weight_decay"] = self._decoupled


class AdamW(Adam):
    """Adam with the weight decay decoupled from the gradient.

    The arguments are those of Adam. Each step first does ``p *= 1 - lr * weight_decay``, and leaves
    the gradient, and so the running averages, as they are: Loshchilov & Hutter, "Decoupled weight
    decay regularization" (2019), algorithm 2, with the decay scaled by the learning rate, as in
    PyTorch.

    Raises what Optimizer raises.
    """

    _decoupled: ClassVar = True

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: a step looks ahead along the running mean.

    params: see Optimizer. lr: the learning rate, at least 0. betas, eps: as for Adam. weight_decay:
    the multiple of a parameter that is added to its gradient, at least 0. momentum_decay: how fast
    the momentum grows from half of ``betas[0]`` to all of it, at least 0. decoupled_weight_decay:
    do ``p *= 1 - lr * weight_decay`` first, and leave the gradient as it is, as AdamW does. maximize:
    go up.

    With the gradient ``g`` at step ``t``, ``m`` and ``v`` as for Adam,
    ``u[t] = b1 * (1 - 0.96**(t * momentum_decay) / 2)`` and ``U[t] = u[1] * ... * u[t]``, each step
    does ``p -= lr * ((1 - u[t]) / (1 - U[t]) * g + u[t+1] / (1 - U[t+1]) * m) /
    (sqrt(v / (1 - b2**t)) + eps)``: Dozat, "Incorporating Nesterov momentum into Adam" (2016).
    ``U`` is remembered as ``mu_product``. PyTorch keeps that in its default type, which is float32
    unless the program sets another, so that the last digits of its steps differ.

    Raises what Optimizer raises.
    """

    _rule: ClassVar = NAdamRule

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay", "momentum_decay"):
            group[name] = real_number(name, group[name], at_least=0)
        group["betas"] = _checked_betas(group["betas"])
        for name in ("decoupled_weight_decay", "maximize"):
            group[name] = bool(group[name])


def _checked_betas(betas: Any) -> tuple[float, float]:
    if not isinstance(betas, tuple | list):
        raise TypeError(f"betas must be a tuple of two numbers, not {kind(betas)}")
    if len(betas) != 2:
        raise ValueError(f"betas must be two numbers, got {len(betas)}")
    first, second = (real_number(f"betas[{i}]", beta) for i, beta in enumerate(betas))
    for i, beta in enumerate((first, second)):
        if not 0 <= beta < 1:
            raise ValueError(f"betas[{i}] must be at least 0 and below 1, got {beta}")
    return first, second
