"""The processor's own limit: how many multiply-adds of doubles one of its cores does in a second."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_suffix(".cpp")

FORWARD = 2 * 16 + 16 * 16 + 16
"""Multiply-adds of MLP(2, [16, 16, 1]) at a point: one for each weight."""

BACKWARD = FORWARD + 16 * 16 + 16
"""One for the gradient of each weight, and one for each weight whose input has a gradient."""


def multiply_adds() -> Callable[[], float] | None:
    """Compile the measuring program, and return what runs it; None where it cannot be compiled."""
    compiler = shutil.which("c++")
    if compiler is None:
        return None
    folder = TemporaryDirectory()
    program = Path(folder.name) / "fma_limit"
    command = [compiler, "-O2", "-funroll-loops", "-o", str(program), str(SOURCE)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return None

    def measure(folder: TemporaryDirectory[str] = folder) -> float:
        printed = subprocess.run([program], capture_output=True, check=True, cwd=folder.name)
        return float(printed.stdout)

    return measure
