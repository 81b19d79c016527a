"""Computing numbers without a graph: ``no_grad``, as PyTorch has it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Self, TypeVar

from megagrad import _core
from megagrad._checks import kind

__all__ = ["no_grad"]

F = TypeVar("F", bound=Callable[..., Any])


class no_grad:
    """Within it, Values are computed as ever, but are leaves: they hold nothing that they came from.

    Use it as a context manager, ``with no_grad():``, or as a decorator, ``@no_grad()`` or ``@no_grad``,
    to measure a model: the numbers are the same, no graph takes memory, and ``backward`` has nothing to
    do at a result::

        from megagrad import Value, no_grad

        x = Value(3.0)
        with no_grad():
            y = x * 2
        print(y.data, y._prev)  # 6.0 set()

    It may be nested and used again, and concerns only the thread that entered it. ``p += 1`` makes a new Value,
    as everywhere: to change a parameter, set ``p.data``. A comparison such as ``a.less(b)`` has leaves
    for operands. A node of one's own, ``Value(data, children)``, gets no children and no ``_backward``.
    ``record`` inside it makes the program that it makes outside; inside a function that is recorded,
    what ``no_grad`` computes passes no gradient on, as after ``detach``.

    Raises TypeError for anything but a function to decorate, and for a generator or an async one: what
    its thread does in between would run within it.
    """

    def __new__(cls, function: Any = None) -> Any:
        """Return a context; for a function, as where the parentheses are left out, decorate it."""
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __enter__(self) -> Self:
        """Begin: from here on, this thread's results are leaves."""
        _core.enter_no_grad()
        return self

    def __exit__(self, *exception: object) -> None:
        """End; the thread is within those that it entered before."""
        _core.leave_no_grad()

    def __call__(self, function: F) -> F:
        """Return the function, all of whose calls run within no_grad."""
        if not callable(function) or inspect.isclass(function):
            raise TypeError(f"no_grad must decorate a function, not {kind(function)}")
        kinds = inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction
        if any(is_one(function) for is_one in kinds):
            raise TypeError(
                "no_grad must decorate a function that runs at once, no async one and no generator; use"
                " `with no_grad():` in it"
            )

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return decorated  # type: ignore[return-value]
