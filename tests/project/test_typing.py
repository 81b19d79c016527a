"""Programs that use megagrad pass the type checkers, and what is wrong does not.

``tests/project/typing`` has such programs. In ``mistakes.py`` each line says which error it is: mypy and
pyright both complain of an error that is missing. They are in the extra dev, as mypy and basedpyright,
pyright's rules in a package that pip can install.
"""

import importlib.util
import json
import os
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import megagrad

PROGRAMS = Path(__file__).resolve().parent / "typing"
NEEDS = {"drawings": "graphviz", "exports": "torch"}

# An editable install is found by importing alone.
SOURCES = Path(megagrad.__file__).resolve().parent.parent
INSTALLED = {Path(path).resolve() for path in sysconfig.get_paths().values()}
SEARCHED = [] if SOURCES in INSTALLED else [str(SOURCES)]


def can_run(program):
    return program.stem not in NEEDS or importlib.util.find_spec(NEEDS[program.stem]) is not None


CHECKED = [program for program in sorted(PROGRAMS.glob("*.py")) if can_run(program)]


def check(*command, **environment):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_checkers_look_for_is_installed():
    assert len(CHECKED) >= 5
    package = Path(megagrad.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_core.pyi").exists()


def test_mypy(tmp_path):
    pytest.importorskip("mypy")
    check(
        "mypy",
        "--config-file=",
        "--strict",
        "--follow-imports=silent",
        f"--cache-dir={tmp_path}",
        *map(str, CHECKED),
        MYPYPATH=os.pathsep.join(SEARCHED),
    )


def test_pyright(tmp_path):
    pytest.importorskip("basedpyright")
    settings = {
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,  # which are mypy's
        "reportUnnecessaryTypeIgnoreComment": True,
        "extraPaths": SEARCHED,
        "include": list(map(str, CHECKED)),
    }
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    check("basedpyright", "--project", str(config), "--pythonpath", sys.executable)


@pytest.mark.parametrize("name", [p.stem for p in CHECKED if p.stem != "mistakes"])
def test_it_runs(name):
    runpy.run_path(str(PROGRAMS / f"{name}.py"))
