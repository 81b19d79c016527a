"""Five kinds of programs that people have written for micrograd, run unedited.

Each file in programs/ imports micrograd. It is run on the plain-Python engine of reference.py and
on megagrad, and has to print the same, digit for digit.
"""

import re
import runpy
import sys
import types
from pathlib import Path

import pytest
from support import reference

import megagrad.engine

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def run(program, engine, monkeypatch, capsys):
    package = types.ModuleType("micrograd")
    package.engine = engine
    monkeypatch.setitem(sys.modules, "micrograd", package)
    monkeypatch.setitem(sys.modules, "micrograd.engine", engine)
    runpy.run_path(str(program), run_name="__main__")
    return capsys.readouterr().out


def rounded(text):
    """Gradients are sums, whose order is the engine's own: their last digits may differ."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda m: f"{float(m[0]):.10g}", text)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_prints_what_it_prints_on_plain_python(program, monkeypatch, capsys):
    expected = run(program, reference, monkeypatch, capsys)
    assert expected.count("\n") > 5
    actual = run(program, megagrad.engine, monkeypatch, capsys)
    assert rounded(actual) == rounded(expected)


def test_the_programs_are_the_five_kinds():
    assert [p.stem for p in PROGRAMS] == [
        "exercise",
        "lecture",
        "micrograd_demo",
        "scalar_gpt",
        "tutorial",
    ]
