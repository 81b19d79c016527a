"""The processor's own limit: how many multiply-adds of doubles one of its cores does in a second."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_suffix(".cpp")

FORWARD = 2 * 16 + 16 * 16 + 16
"""Multiply-adds of MLP(2, [16, 16, 1]) at a point: one for each weight."""

BACKWARD = FORWARD + 16 * 16 + 16
"""One for the gradient of each weight, and one for each weight whose input has a gradient."""


def multiply_adds() -> float | None:
    """Compile the measuring program and run it; None without a compiler, or the source: a wheel has none."""
    compiler = shutil.which("c++")
    if compiler is None or not SOURCE.exists():
        return None
    with TemporaryDirectory() as folder:
        program = str(Path(folder) / "fma_limit")
        command = [compiler, "-O2", "-funroll-loops", "-o", program, str(SOURCE)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return None
        return float(subprocess.check_output([program]))
