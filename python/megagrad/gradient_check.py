"""Gradients held against differences: for an op, a loss or a module of one's own."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from megagrad._checks import kind, positive_number, real_number
from megagrad._core import as_value
from megagrad.engine import Value
from megagrad.module import Module
from megagrad.show.graph import label_of, names_of, topological_order

__all__ = ["GradcheckError", "gradcheck"]

# One-sided slopes that differ by more than this part of their size are those of a kink.
KINK = 1e-2


class GradcheckError(RuntimeError):
    """A gradient is not what differences say."""


class _Slopes(NamedTuple):
    """The slopes of one output along one number: central, and those of either side."""

    central: float
    left: float
    right: float


def gradcheck(
    fn: Callable[..., Any],
    inputs: Iterable[Value | float] | Value,
    parameters: Module | Iterable[Value] = (),
    *,
    eps: float = 1e-4,
    atol: float = 1e-7,
    rtol: float = 1e-5,
    raise_exception: bool = True,
) -> bool:
    """Hold the gradients that ``backward`` gives against differences of the function's values.

    It tells whether a ``_backward`` or local gradients of your own are right, and added to what is there::

        from megagrad import Value, gradcheck

        def cube(x):
            return Value(x.data**3, (x,), (3 * x.data**2,))

        print(gradcheck(cube, [2.0]))  # True

    fn: is called with the inputs as its arguments, and returns a Value, or a list, tuple or array of them.
    inputs: Values or real numbers; a single Value stands for itself. parameters: a Module, or Values that fn
    uses, whose gradients are checked, too. eps: how far a number x is moved, times 1 or abs(x), whichever is
    larger; the slopes over eps and half of it are extrapolated (Richardson 1911), so that errors are of
    the order eps**4. atol, rtol: the difference may be atol + rtol * abs(slope).

    Returns whether all gradients agree. Raises GradcheckError, a RuntimeError, if not and raise_exception: its
    text lists each gradient that differs, by label or name, both numbers, and whether there is a kink. Data
    and gradients are what they were before, those of other nodes too. Raises TypeError and ValueError where there is
    nothing to check, RuntimeError within ``no_grad``.
    """
    eps = positive_number("eps", eps)
    atol, rtol = real_number("atol", atol, at_least=0), real_number("rtol", rtol, at_least=0)
    if not callable(fn):
        raise TypeError(f"fn must be a function, not {kind(fn)}")
    if not isinstance(inputs, Iterable | Value):
        raise TypeError(f"inputs must be a list of Values and numbers, not {kind(inputs)}")
    if not (Value(1.0) * Value(1.0))._children:
        raise RuntimeError("gradcheck needs gradients: call it outside of no_grad")
    values = [as_value(x) for x in ([inputs] if isinstance(inputs, Value) else list(inputs))]
    own_names = names_of(parameters)
    names = {
        **{value: value.label or f"inputs[{i}]" for i, value in enumerate(values)},
        **{
            value: label_of(value, own_names) or f"parameters[{i}]"
            for i, value in enumerate(own_names)
        },
    }
    if not names:
        raise ValueError("there must be at least one input or parameter, got none")
    data = {value: value.data for value in names}
    # All that is there already, to which backward may add.
    grads = {node: node.grad for out in _outputs(fn(*values)) for node in topological_order(out)}
    grads.update((value, value.grad) for value in names)
    try:
        wrong = list(_differences(lambda: _outputs(fn(*values)), names, eps, atol, rtol))
    finally:
        for value, number in data.items():
            value.data = number
        for value, number in grads.items():
            value.grad = number
    if wrong and raise_exception:
        which = f"{len(wrong)} gradient{'s' if len(wrong) > 1 else ''}"
        raise GradcheckError("\n".join([f"{which} must be what differences say:", *wrong]))
    return not wrong


def _outputs(result: Any) -> list[Value]:
    if isinstance(result, Value):
        return [result]
    if not isinstance(result, list | tuple) and not hasattr(result, "ravel"):
        raise TypeError(f"fn must return a Value, or a list of them, not {kind(result)}")
    flat = result.ravel().tolist() if hasattr(result, "ravel") else list(result)
    if not flat:
        raise ValueError("fn must return at least one Value, got none")
    return [as_value(output) for output in flat]


def _differences(
    compute: Callable[[], list[Value]],
    names: dict[Value, str],
    eps: float,
    atol: float,
    rtol: float,
) -> Any:
    """Describe each gradient that is not what differences say."""
    places = range(len(compute()))
    gradients = [_gradients(compute, place, names, 0.0) for place in places]
    on_top = [_gradients(compute, place, names, 1.0) for place in places]
    for value, name in names.items():
        for place, slopes in enumerate(_slopes(compute, value, eps)):
            found = gradients[place][value]
            tolerated = atol + rtol * abs(slopes.central)
            output = f" of output {place}" if len(gradients) > 1 else ""
            if abs(found - slopes.central) <= tolerated:
                if abs(on_top[place][value] - found) > tolerated:
                    yield f"  {name}{output}: backward sets the gradient, and must add to it, by +="
                continue
            line = f"{name}{output}: backward gives {found:.9g}, differences {slopes.central:.9g}"
            if abs(slopes.right - slopes.left) > KINK * (abs(slopes.right) + abs(slopes.left)):
                line += f"; a kink: {slopes.left:.4g} on the left, {slopes.right:.4g} on the right"
            if slopes.central != slopes.central:
                line += "; the function has no finite numbers there"
            yield f"  {line}; tolerated {tolerated:.1e}"


def _gradients(
    compute: Callable[[], list[Value]], place: int, names: Iterable[Value], start: float
) -> dict[Value, float]:
    """Return the gradients of one output on top of ``start``; its own is set, to 1.

    It is of a graph of its own, as closures may add to what is there.
    """
    output = compute()[place]
    for value in names:
        value.grad = start
    output.backward()
    return {value: value.grad - (start if value is not output else 0.0) for value in names}


def _slopes(compute: Callable[[], list[Value]], value: Value, eps: float) -> list[_Slopes]:
    """Return the slopes of all outputs along one number."""
    at, step = value.data, eps * max(1.0, abs(value.data))
    results = {}
    for move in (-1.0, -0.5, 0.0, 0.5, 1.0):
        value.data = at + move * step
        results[move] = [output.data for output in compute()]
    value.data = at
    return [
        _Slopes(
            (8 * (half_up - half_down) - (up - down)) / (6 * step),
            (middle - half_down) / (step / 2),
            (half_up - middle) / (step / 2),
        )
        for down, half_down, middle, half_up, up in zip(*results.values(), strict=True)
    ]
