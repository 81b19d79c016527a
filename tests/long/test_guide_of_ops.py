"""The guide to ops, taken at its word: its steps on a copy of the checkout, which is built and tested.

It compiles the engine, so it is run by name: ``pytest tests/long/test_guide_of_ops.py``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import blocks
from support.places import ROOT

import megagrad

pytest.importorskip("scikit_build_core")
pytest.importorskip("pybind11")
pytestmark = [
    pytest.mark.skipif(not (ROOT / "CMakeLists.txt").exists(), reason="needs the whole checkout"),
    # An editable installation would be imported instead of the copy's.
    pytest.mark.skipif(
        ROOT in Path(megagrad.__file__).parents, reason="needs an installed package"
    ),
]
HEAD_OF_TABLE = "#define MEGAGRAD_UNARY(ENTRY) \\\n"


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def apply_diff(checkout, diff):
    """Make the change of a block whose first line names the file."""
    head, *lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    replace(checkout / head.removeprefix(" # "), old, new)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout, after the guide's steps."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    (entry,) = blocks("docs/guides/ops.md", "cpp")
    indented = "".join(f"    {line}\n" for line in entry.splitlines())
    replace(copy / "cpp/graph/op_table.hpp", HEAD_OF_TABLE, HEAD_OF_TABLE + indented)
    for diff in blocks("docs/guides/ops.md", "diff"):
        apply_diff(copy, diff)
    install = ["pip", "install", "-q", "--no-build-isolation", "--no-deps", "--target", "site", "."]
    run(copy, *install)
    run(copy, "docs/generate.py")
    run(copy, "tests/long/accuracy.py", "--points", "2000")
    return copy


def run(checkout, first, *arguments):
    command = [first] if first.endswith(".py") else ["-m", first]
    environment = os.environ | {"PYTHONPATH": str(checkout / "site")}
    program = [sys.executable, *command, *arguments]
    done = subprocess.run(program, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_every_test_of_ops_passes(checkout):
    tests = ("tests/value", "tests/graph/test_derivatives.py", "tests/function")
    rules = "tests/project/test_codebase.py"
    assert "softsign" in run(checkout, "pytest", "-v", "-p", "no:cacheprovider", *tests, rules)


def test_what_is_generated_has_it(checkout):
    for file in ("docs/reference/value.md", "python/megagrad/_core.pyi", "docs/accuracy.md"):
        assert "softsign" in (checkout / file).read_text(encoding="utf-8")
