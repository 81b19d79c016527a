"""The row of start-up: what an import adds to the time that bare Python takes."""

from __future__ import annotations

import subprocess
import sys

from engines import Engine
from timing import Sampler, seconds
from workload import Outcome, Workload


def python(code: str) -> str:
    """Run the code in a fresh Python and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


def numpy_modules(module: str) -> int:
    """Return how many modules of NumPy are loaded by the import of this one."""
    loaded = "len([name for name in sys.modules if name.split('.')[0] == 'numpy'])"
    return int(python(f"import sys, {module}; print({loaded})"))


class Import(Workload):
    """Import time over bare Python."""

    name = "import"
    title = "import over bare Python"
    unit = "ms"
    rounds = 8

    def suits(self, engine: Engine) -> bool:
        """Say whether the engine is a package of its own."""
        return engine.module is not None and engine.collector

    def outcome(self, engine: Engine) -> Outcome | None:  # noqa: ARG002
        """Return nothing: an import computes no number."""
        return None

    def sampler(self, engine: Engine) -> Sampler:
        """Time a fresh Python with the import, less one without."""
        code = f"import {engine.module}"
        python(code)
        return lambda: seconds(lambda: python(code)) - seconds(lambda: python("pass"))


WORKLOADS = (Import(),)
