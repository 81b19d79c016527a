"""PyTorch's losses, of sequences, arrays and batches, with its argument ``reduction``."""

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeAlias, cast, overload

from megagrad import _core
from megagrad._checks import positive_number
from megagrad._core import Value, as_value
from megagrad.functional._nesting import is_nested, is_row
from megagrad.functional.choice import where

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "nll_loss",
]

if TYPE_CHECKING:
    from megagrad._core import _Numbers
    from megagrad.functional._nesting import Nested, Rows

REDUCTIONS: dict[str, Callable[[list[Value]], Any]] = {
    "mean": _core.mean,
    "sum": _core.sum,
    "none": list,
}
Loss = Any  # a Value, or nested lists of Values where the reduction is 'none'
To1: TypeAlias = Literal["mean", "sum"]


class OfElements(Protocol):
    """The types of a loss of elements."""

    @overload
    def __call__(self, input: "Nested", target: "Nested", reduction: To1 = "mean") -> Value: ...
    @overload
    def __call__(
        self, input: "Nested", target: "Nested", reduction: Literal["none"]
    ) -> list[Any]: ...


class OfClasses(Protocol):
    """The types of a loss of classes."""

    @overload
    def __call__(
        self, input: "_Numbers", target: "SupportsIndex | _Numbers", reduction: str = "mean"
    ) -> Value: ...
    @overload
    def __call__(self, input: "Rows", target: "Nested", reduction: To1 = "mean") -> Value: ...
    @overload
    def __call__(
        self, input: "Rows", target: "Nested", reduction: Literal["none"]
    ) -> list[Value]: ...


# Both return the function as it is: they only say what it takes.
_elements = cast("Callable[[Callable[..., Any]], OfElements]", lambda loss: loss)
_classes = cast("Callable[[Callable[..., Any]], OfClasses]", lambda loss: loss)


@_elements
def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Loss:
    """Return the mean of the squared errors, ``(x - y) ** 2``.

    input, target: Values and real numbers, in lists or arrays of one shape, at least one. reduction:
    ``'mean'``, ``'sum'``, or ``'none'`` for the losses of the elements, in lists as input's.

    Raises ValueError if the shapes differ, for no elements and for another reduction, TypeError for
    anything but Values and real numbers.
    """
    return _of_elements(_core.squared_errors, input, target, reduction)


@_elements
def binary_cross_entropy_with_logits(input: Any, target: Any, reduction: str = "mean") -> Loss:
    """Return the mean surprise at outcomes, given their logarithmic odds.

    That is ``softplus(-x) * y + softplus(x) * (1 - y)``, which overflows for no odds; an infinite
    logit that is right has no loss. input: the odds. target: for each the probability that it should
    have, 0 or 1 for a plain outcome. reduction, errors: as of ``mse_loss``.
    """
    return _of_elements(_core.surprises, input, target, reduction)


@_elements
def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Loss:
    """Return the mean of the absolute errors, ``abs(x - y)``.

    The arguments and errors are those of ``mse_loss``.
    """
    return _of_elements(_each(lambda x, y: abs(x - y)), input, target, reduction)


@overload
def huber_loss(
    input: "Nested", target: "Nested", reduction: To1 = "mean", delta: float = 1.0
) -> Value: ...
@overload
def huber_loss(
    input: "Nested", target: "Nested", reduction: Literal["none"], delta: float = 1.0
) -> list[Any]: ...
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Loss:
    """Return the mean of errors that are squared while small, and count as they are when large.

    ``0.5 * e**2`` where the error ``e = abs(x - y)`` is at most delta, else ``delta * (e - 0.5 * delta)``
    (Huber 1964). delta: a number above 0. The other arguments are those of ``mse_loss``.
    """
    delta = positive_number("delta", delta)

    def huber(x: Value, y: Value) -> Value:
        error = abs(x - y)
        small = error.less_equal(delta)
        return where(small, 0.5 * error**2, delta * (error - 0.5 * delta))

    return _of_elements(_each(huber), input, target, reduction)


@_elements
def binary_cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Loss:
    """Return the mean surprise at outcomes, given their probabilities.

    That is ``-(y * log(x) + (1 - y) * log(1 - x))``, where a logarithm counts as -100 at least, as in
    PyTorch. With odds, ``binary_cross_entropy_with_logits`` is more exact. input: probabilities.
    target: for each the probability that it should have. reduction, errors: as of ``mse_loss``.
    """

    def surprise(x: Value, y: Value) -> Value:
        return -(y * x.log().maximum(-100) + (1 - y) * (1 - x).log().maximum(-100))

    return _of_elements(_each(surprise), input, target, reduction)


@_classes
def cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Loss:
    """Return how surprising a class is, given the logarithmic odds of all: ``-log(softmax(x)[target])``.

    input: the odds of the classes, Values and real numbers; or a row of odds for each example. target:
    the index of the class, an int from 0, or the probabilities of all classes; or one such for each
    example. reduction: of several examples ``'mean'``, ``'sum'``, or ``'none'`` for a list::

        from megagrad import Value
        from megagrad.functional import cross_entropy

        odds = [Value(1.0), Value(3.0)]
        print(f"{cross_entropy(odds, 1).data:.4f}")  # 0.1269
        print(f"{cross_entropy([odds, odds], [1, 0]).data:.4f}")  # 1.1269

    Raises ValueError for no input, where the numbers of examples or classes differ, and for another
    reduction; IndexError for a target that is none of the indices, TypeError for anything else.
    """
    return _of_examples(_cross_entropy, input, target, reduction)


@_classes
def nll_loss(input: Any, target: Any, reduction: str = "mean") -> Loss:
    """Return minus the logarithmic probability of a class: ``-x[target]``, as after ``log_softmax``.

    input: the logarithmic probabilities. The arguments and errors are those of ``cross_entropy``, but
    that a target is an index.
    """
    return _of_examples(_negative_log_likelihood, input, target, reduction)


def _cross_entropy(odds: Any, target: Any) -> Value:
    if is_row(target):
        return -_core.dot(target, _core.log_softmax(odds))
    return _core.cross_entropy(odds, target)


def _negative_log_likelihood(log_probabilities: Any, target: Any) -> Value:
    try:
        place = operator.index(target)
    except TypeError:
        kind = type(target).__name__
        raise TypeError(f"nll_loss() needs an int as target, not a '{kind}'") from None
    if not 0 <= place < len(log_probabilities):
        most = len(log_probabilities) - 1
        raise IndexError(f"nll_loss() needs a target from 0 to {most}, got {place}")
    return -as_value(log_probabilities[place])


def _each(loss: Callable[[Value, Value], Value]) -> Callable[[Any, Any], list[Value]]:
    """Make a loss of sequences from one of elements."""

    def losses(input: Any, target: Any) -> list[Value]:
        xs, ys = _values("input", input), _values("target", target)
        if len(xs) != len(ys):
            raise ValueError(f"a loss needs as many targets as inputs, got {len(ys)} and {len(xs)}")
        return [loss(x, y) for x, y in zip(xs, ys, strict=True)]

    return losses


def _values(name: str, items: Any) -> list[Value]:
    try:
        return [as_value(item) for item in list(items)]
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a list of Values and real numbers: {error}") from None


def _of_elements(
    losses: Callable[[Any, Any], list[Value]],
    input: Any,
    target: Any,
    reduction: str,
) -> Loss:
    """Apply the losses of two sequences to sequences, or to all elements of two arrays."""
    reduce = reduction_named(reduction)
    if not is_nested(input):
        return reduce(losses(input, target))
    from megagrad import _arrays

    x, y = _arrays.array("input", input), _arrays.array("target", target)
    if x.shape != y.shape:
        raise ValueError(f"input and target must have one shape, not {x.shape} and {y.shape}")
    found = losses(x.ravel().tolist(), y.ravel().tolist())
    if reduction == "none":
        return _arrays.shaped(found, x.shape).tolist()
    return reduce(found)


def _of_examples(
    loss: Callable[[Any, Any], Value], rows: Any, targets: Any, reduction: str
) -> Loss:
    """Apply a loss to one example, or to each of several."""
    reduce = reduction_named(reduction)
    if not is_nested(rows):
        return loss(rows, targets)
    if not is_row(targets) or len(targets) != len(rows):
        raise ValueError(f"there must be a target for each of the {len(rows)} rows")
    return reduce(
        [loss(row, target) for row, target in zip(list(rows), list(targets), strict=True)]
    )


def reduction_named(name: str) -> Callable[[list[Value]], Loss]:
    """Return the function that reduces losses. Raises ValueError if there is none of this name."""
    if not isinstance(name, str) or name not in REDUCTIONS:
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {name!r}")
    return REDUCTIONS[name]
