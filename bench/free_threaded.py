"""What the engine's own lock costs, and what threads gain, in a free-threaded Python.

Run by itself with such a Python: ``python3.14t bench/free_threaded.py``. Each workload runs in one
process with the interpreter's lock and one without, in turns.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter

from moons import Moons
from timing import seconds

from megagrad import Value, nn, record

THREADS = 8
ROUNDS = 16


def networks() -> list[Callable[[], float]]:
    """Return, for each thread, the training step of a network of its own."""
    return [Moons(Value, nn).step for _ in range(THREADS)]


def chain(length: int) -> Value:
    """Return the end of a chain of operators."""
    x = Value(0.5)
    y = x
    for _ in range(length // 2):
        y = y * 0.999 + x
    return y


def on_threads(work: list[Callable[[], object]], times: int) -> float:
    """Return the seconds of one call of each, all at once on a thread each."""
    with ThreadPoolExecutor(len(work)) as pool:
        begin = perf_counter()
        list(pool.map(lambda call: seconds(call, times), work))
        return (perf_counter() - begin) / times


def measured() -> dict[str, float]:
    """Return each workload's seconds in this process."""
    a, b = Value(2.0), Value(3.0)
    end = chain(10_000)
    steps = networks()
    functions = [record(nn.MLP(8, [64, 64, 1]), 8) for _ in range(THREADS)]
    points = [[float(i)] * 8 for i in range(2000)]
    calls = [lambda function=function: function.vjp(points, threads=1) for function in functions]
    return {
        "a + b": seconds(lambda: a + b, 100_000),
        "backward, 10,000 nodes": seconds(end.backward, 50),
        "a training step": seconds(steps[0], 20),
        f"{THREADS} threads, a training step each": on_threads(steps, 10),
        f"{THREADS} threads, a replay over 2,000 points each": on_threads(calls, 5),
        "the same replays, one after the other": sum(seconds(call, 5) for call in calls),
    }


def in_a_process(lock: str) -> dict[str, float]:
    """Measure in another process, with the interpreter's lock on (1) or off (0)."""
    command = [sys.executable, "-X", f"gil={lock}", __file__, "--measure"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: float(taken) for name, taken in (line.split("\t") for line in lines)}


def equal_losses() -> bool:
    """Say whether networks learn the same on threads of their own as one after the other."""
    alone = [[step() for _ in range(5)] for step in networks()]
    with ThreadPoolExecutor(THREADS) as pool:
        return alone == list(pool.map(lambda step: [step() for _ in range(5)], networks()))


def main() -> int:
    """Check, measure in turns, and print the medians."""
    if "--measure" in sys.argv:
        for name, taken in measured().items():
            print(name, taken, sep="\t")
        return 0
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        print("this Python is not free-threaded")
        return 1
    if not equal_losses():
        print("networks do not learn the same on threads as alone")
        return 1
    rounds: dict[str, list[dict[str, float]]] = {"0": [], "1": []}
    for i in range(ROUNDS):
        for lock in ("01", "10")[i % 2]:
            rounds[lock].append(in_a_process(lock))
    print(f"{'':50} {'with its lock':>15} {'without':>12} {'ratio':>6}")
    for name in rounds["1"][0]:
        locked, free = ([one[name] * 1e6 for one in rounds[lock]] for lock in "10")
        ratio = median(y / x for x, y in zip(locked, free, strict=True))
        print(f"{name:50} {median(locked):12.3f} us {median(free):9.3f} us {ratio:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
