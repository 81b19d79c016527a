"""Ctrl-C that ends a long piece of work in good order."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["noticed"]


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C was pressed, which only the second time raises.

    Where Ctrl-C does not raise KeyboardInterrupt anyway, as in a background job or in a program
    with a handler of its own, nothing changes.
    """
    was_pressed = False

    def notice(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal was_pressed
        was_pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        if is_ours:
            signal.signal(signal.SIGINT, notice)
    except ValueError:  # not the main thread, which alone gets signals
        is_ours = False
    try:
        yield lambda: was_pressed
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
