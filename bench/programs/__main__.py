"""Five programs as people write them: on the plain-Python class that they carry, and with megagrad in its place.

Run as ``python bench/programs``, with micrograd and scikit-learn installed; it takes a few minutes. The text of
a program stays as it is but for its imports. All variants must print the same first losses, to 1e-9,
or nothing is timed. A time is that of the whole process, with Python's start and the imports.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import micrograd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # as Python has it for programs that are files of bench
from tables import show_table

CLASS = (HERE.parent / "scalar_value.py").read_text(encoding="utf-8")
MODULES = (HERE / "plain_nn.py").read_text(encoding="utf-8")
CLASS_IMPORT = "from scalar_value import Value\n"
MODULES_IMPORT = "from plain_nn import"
TOLERANCE = 1e-9
CHECKED_STEPS = 5  # later on, training may magnify what was rounding


@dataclass(frozen=True)
class Program:
    """A program, how many steps take ten seconds in plain Python, and its folder if it is a fork."""

    name: str
    title: str
    steps: int
    is_fork: bool = False


PROGRAMS = (
    Program("fork", "fork of micrograd", 20, is_fork=True),
    Program("scalar_gpt", "scalar GPT", 150),
    Program("lstm", "LSTM on characters", 100),
    Program("convolution", "convolution, digits", 250),
    Program("checkpoint", "pickled checkpoint", 100),
)
PLAIN, ENGINE, ALL = "plain Python", "its Value replaced", "its modules, too"


def carrying(*texts: str) -> str:
    """Return one file of these texts, each without what it imports of the others."""
    joined = "\n".join(texts)
    for line in (r"from __future__ .*\n", CLASS_IMPORT, rf"{MODULES_IMPORT} .*\n"):
        joined = re.sub(rf"^{line}", "", joined, flags=re.MULTILINE)
    return f"from __future__ import annotations\n{joined}"


def variants(program: Program) -> dict[str, str]:
    """Return the texts: with the class in the file, with megagrad's, and with megagrad's modules if it has any."""
    if program.is_fork:
        text = (HERE / "fork" / "program.py").read_text(encoding="utf-8")
        return {PLAIN: text, ENGINE: text}
    text = (HERE / f"{program.name}.py").read_text(encoding="utf-8")
    ours = "from megagrad import Value\n"
    if MODULES_IMPORT not in text:
        return {PLAIN: carrying(CLASS, text), ENGINE: carrying(ours, text)}
    with_modules = text.replace(MODULES_IMPORT, "from megagrad.nn import")
    return {
        PLAIN: carrying(CLASS, MODULES, text),
        ENGINE: carrying(ours, MODULES, text),
        ALL: carrying(ours, with_modules),
    }


def prepared(program: Program, folder: Path) -> dict[str, Callable[[int], str]]:
    """Write the variants into a folder each, and return what runs them and returns what they print."""
    runs = {}
    for name, text in variants(program).items():
        place = folder / program.name / name.replace(" ", "_")
        place.mkdir(parents=True)
        (place / "program.py").write_text(text, encoding="utf-8")
        if program.is_fork:
            fork = place / "micrograd"
            fork.mkdir()
            for module in ("__init__", "engine", "nn"):
                original = Path(micrograd.__file__).with_name(f"{module}.py")
                (fork / original.name).write_bytes(original.read_bytes())
            (fork / "sgd.py").write_bytes((HERE / "fork" / "sgd.py").read_bytes())
        words = ["-m", "megagrad", "run"] if program.is_fork and name != PLAIN else []
        runs[name] = runner(place, words)
    return runs


def runner(folder: Path, words: list[str]) -> Callable[[int], str]:
    """Return what runs the program there for so many steps."""

    def run(steps: int) -> str:
        done = subprocess.run(
            [sys.executable, *words, "program.py", str(steps)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"{folder}:\n{done.stderr}")
        return done.stdout

    return run


def losses(output: str) -> list[float]:
    """Return the last number of each line that has a step's loss."""
    return [float(line.rsplit(" ", 1)[1]) for line in output.splitlines() if " loss " in line]


def share_checkpoint(program: Program, folder: Path, runs: dict[str, Callable[[int], str]]) -> None:
    """Train once in plain Python, and let every variant go on from that pickle."""
    if program.name != "checkpoint":
        return
    places = list((folder / program.name).iterdir())
    for place in places:
        (place / "model.pkl").unlink(missing_ok=True)
    runs[PLAIN](3)
    pickled = (folder / program.name / PLAIN.replace(" ", "_") / "model.pkl").read_bytes()
    for place in places:
        (place / "model.pkl").write_bytes(pickled)


def check(runs: dict[str, Callable[[int], str]], steps: int) -> float:
    """Return how far the losses of the variants are apart; AssertionError if it is more than rounding."""
    first, *others = (losses(run(steps)) for run in runs.values())
    assert len(first) == steps, "a program printed no losses"
    apart = [abs(a - b) for other in others for a, b in zip(first, other, strict=True)]
    assert max(apart) <= TOLERANCE, f"the losses differ by {max(apart)}"
    return max(apart)


def timed(run: Callable[[int], str], steps: int) -> float:
    """Return how long the process took, in seconds."""
    start = perf_counter()
    run(steps)
    return perf_counter() - start


def main() -> None:
    """Check, measure in turn, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only check that losses are equal")
    parser.add_argument("--only", nargs="*", choices=[p.name for p in PROGRAMS], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, help="3 unless you say so")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    rows = []
    with TemporaryDirectory() as folder:
        for program in PROGRAMS:
            if options.only and program.name not in options.only:
                continue
            runs = prepared(program, Path(folder))
            share_checkpoint(program, Path(folder), runs)
            apart = check(runs, CHECKED_STEPS)
            print(f"{program.name}: equal losses, {apart:.0e} apart at most", flush=True)
            if options.check:
                continue
            times: dict[str, list[float]] = {name: [] for name in runs}
            for _ in range(options.rounds):
                share_checkpoint(program, Path(folder), runs)
                for name, run in runs.items():
                    times[name].append(timed(run, program.steps))
            rows.append([program.title, *cells({name: median(t) for name, t in times.items()})])
    if rows:
        show_table(["", PLAIN, ENGINE, ALL], rows, options.markdown)


def cells(seconds: dict[str, float]) -> list[str]:
    """Return the times, and how many times faster than plain Python."""
    plain = seconds[PLAIN]
    ours = [seconds.get(name) for name in (ENGINE, ALL)]
    return [
        f"{plain:.2f} s",
        *("-" if s is None else f"{s:.2f} s ({plain / s:.1f}x)" for s in ours),
    ]


if __name__ == "__main__":
    main()
