"""The guide to parallel programs: its scripts run, also as its diffs change them."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
from support.documents import blocks, promised
from support.needs import EMULATED

GUIDE = "docs/guides/parallel.md"
BLOCKS = blocks(GUIDE)
DIFFS = blocks(GUIDE, "diff")

needs_guide = pytest.mark.skipif(not BLOCKS, reason="needs the whole checkout")


def run_script(tmp_path, text, *launcher):
    script = tmp_path / "train.py"
    script.write_text(text, encoding="utf-8")
    mpi = {  # what Open MPI wants in containers and on few cores
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    return subprocess.run(
        [*launcher, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **mpi},
        timeout=1200 if EMULATED else 120,
    )


def changed(text, diff):
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in kind) for kind in (" -", " +"))
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@needs_guide
@pytest.mark.parametrize("engine", ["processes", "dask", "mpi"])
def test_the_guides_training(engine, tmp_path):
    text, launcher = BLOCKS[0], [sys.executable]
    if engine == "dask":
        pytest.importorskip("distributed")
        text = changed(text, DIFFS[0])
    if engine == "mpi":
        pytest.importorskip("mpi4py")
        if shutil.which("mpiexec") is None:
            pytest.skip("needs mpiexec")
        text = changed(text, DIFFS[1])
        launcher = ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    done = run_script(tmp_path, text, *launcher)
    assert done.returncode == 0, done.stderr
    loss, accuracy = re.fullmatch(
        r"loss (.*), accuracy (.*)", done.stdout.strip().splitlines()[-1]
    ).groups()
    assert float(loss) < 0.02
    assert float(accuracy) > 0.99


@needs_guide
@pytest.mark.skipif(importlib.util.find_spec("dask") is None, reason="needs dask")
def test_the_guides_array(tmp_path):
    done = run_script(tmp_path, BLOCKS[1], sys.executable)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == promised(BLOCKS[1])


@needs_guide
def test_the_guide_is_tested():
    assert len(BLOCKS) == 2
    assert len(DIFFS) == 2
