"""Computing numbers without a graph: ``no_grad``, as PyTorch has it."""

import functools
import inspect
from collections.abc import Callable, Generator
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

    It may be nested and used again, and concerns only the thread that entered it. A decorated generator
    is within it while it runs, and whoever takes its items is not. ``p += 1`` makes a new Value,
    as everywhere: to change a parameter, set ``p.data``. A comparison such as ``a.less(b)`` has leaves
    for operands. A node of one's own, ``Value(data, children)``, gets no children and no ``_backward``.
    ``record`` inside it makes the program that it makes outside; inside a function that is recorded,
    what ``no_grad`` computes passes no gradient on, as after ``detach``.

    Raises TypeError for anything but a function to decorate, and for an async one: other tasks of its
    thread would run within it.
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
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                "no_grad must decorate a function that is not async; use `with no_grad():` around"
                " what does not await"
            )
        run = self._generate if inspect.isgeneratorfunction(function) else self._call

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            return run(function, args, kwargs)

        return decorated  # type: ignore[return-value]

    def _call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with self:
            return function(*args, **kwargs)

    def _generate(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Generator[Any, Any, Any]:
        """Run a generator within no_grad, and what happens between its items outside."""
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, generator)
        try:
            while True:
                with self:
                    item = resume()
                try:
                    resume = functools.partial(generator.send, (yield item))
                except GeneratorExit:
                    with self:
                        generator.close()
                    raise
                except BaseException as error:  # that the caller throws into it
                    resume = functools.partial(generator.throw, error)
        except StopIteration as end:
            return end.value
