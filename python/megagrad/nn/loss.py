"""Losses as modules, with PyTorch's names and arguments."""

from typing import Any

from megagrad import _arrays, functional
from megagrad._arrays import ArrayLike
from megagrad._checks import positive_number
from megagrad.functional.losses import reduction_named
from megagrad.module import TypedModule

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
]


class _Loss(TypedModule):
    """A loss of functional's, which says what it is. reduction: ``'mean'``, ``'sum'`` or ``'none'``.

    Raises ValueError for another reduction.
    """

    _function = ""
    _settings: tuple[str, ...] = ("reduction",)

    def __init__(self, reduction: str = "mean") -> None:
        """See the class."""
        reduction_named(reduction)
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> Any:
        """Return a Value; where the reduction is ``'none'``, an array with the loss of each."""
        settings = {name: getattr(self, name) for name in self._settings}
        loss = getattr(functional, self._function)(input, target, **settings)
        return _arrays.array("loss", loss) if isinstance(loss, list) else loss


class MSELoss(_Loss):
    """The squared errors: ``functional.mse_loss``."""

    _function = "mse_loss"


class L1Loss(_Loss):
    """The absolute errors: ``functional.l1_loss``."""

    _function = "l1_loss"


class HuberLoss(_Loss):
    """Errors squared while small, and as they are when large: ``functional.huber_loss``.

    reduction: ``'mean'``, ``'sum'`` or ``'none'``. delta: where small ends, a number above 0.
    """

    _function = "huber_loss"
    _settings = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        """See the class."""
        super().__init__(reduction)
        self.delta = positive_number("delta", delta)


class CrossEntropyLoss(_Loss):
    """The surprise at classes, given logarithmic odds: ``functional.cross_entropy``."""

    _function = "cross_entropy"


class NLLLoss(_Loss):
    """The surprise at classes, given logarithmic probabilities: ``functional.nll_loss``."""

    _function = "nll_loss"


class BCELoss(_Loss):
    """The surprise at outcomes, given probabilities: ``functional.binary_cross_entropy``."""

    _function = "binary_cross_entropy"


class BCEWithLogitsLoss(_Loss):
    """The surprise at outcomes, given odds: ``functional.binary_cross_entropy_with_logits``."""

    _function = "binary_cross_entropy_with_logits"
