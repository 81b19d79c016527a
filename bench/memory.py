"""The row of memory: what one live node of a graph takes, all included."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from engines import ENGINES, Engine
from timing import Sampler
from workload import Outcome, Workload

NODES = 400_000


def chain(number: type[Any], nodes: int) -> tuple[Any, Any]:
    """Return a leaf and the end of a chain of sums, which alone keeps all its nodes alive."""
    step = number(0.5)
    end = number(1.0)
    for _ in range(nodes):
        end = end + step
    return step, end


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def bytes_a_node(number: type[Any]) -> float:
    """Return by how much the process grows with every node of a long chain."""
    gc.disable()
    before = resident()
    graph = chain(number, NODES)
    growth = resident() - before
    assert graph[1].data == 1.0 + 0.5 * NODES
    return growth / NODES


class Memory(Workload):
    """Bytes of a live node with two operands."""

    name = "memory"
    title = "live node of two operands"
    unit = "bytes"
    rounds = 1

    def suits(self, engine: Engine) -> bool:
        """Say whether the engine keeps a graph, and the system tells what a process holds."""
        return engine.autograd and Path("/proc/self/statm").exists()

    def outcome(self, engine: Engine) -> Outcome | None:
        """Compute a chain short enough for a recursive backward."""
        step, end = chain(engine.value, 200)
        end.backward()
        return Outcome([end.data], [step.grad])

    def sampler(self, engine: Engine) -> Sampler:
        """Measure in a fresh process, which has no freed memory to fill first."""
        command = [sys.executable, __file__, engine.name]
        return lambda: float(subprocess.run(command, check=True, capture_output=True).stdout)


WORKLOADS = (Memory(),)

if __name__ == "__main__":
    [engine] = [engine for engine in ENGINES if engine.name == sys.argv[1]]
    print(bytes_a_node(engine.value), flush=True)
    # A long chain of another engine may not survive being freed.
    os._exit(0)
