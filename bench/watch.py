"""What operations take of one process: its processor's time, and memory beyond what it had before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

from memory import resident


class Figure(NamedTuple):
    """What an operation took: its seconds, and its bytes at the peak beyond those before it."""

    operation: str
    seconds: float
    extra: int


def reset_peak() -> None:
    """Let the system count the process' largest size from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """Return the largest size of the process since then, in bytes."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) << 10


class Watch:
    """Measures one operation after another."""

    def __init__(self) -> None:
        """Begin without figures."""
        self.figures: list[Figure] = []

    def __call__(self, operation: str, work: Callable[[], Any]) -> Any:
        """Do the work, note what it took, and pass its result on."""
        reset_peak()
        before = resident()
        start = process_time()
        result = work()
        seconds = process_time() - start
        self.figures.append(Figure(operation, seconds, max(0, peak() - before)))
        return result
