"""Memory that runs out: a MemoryError, nothing lost or half-done, and an engine that goes on."""

import ast
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from support.needs import FREE_THREADED, needs_memory_limits, needs_plain_memory
from support.places import TESTS


def run(program, *arguments):
    """Run a program of the tests; return what it printed, after a check that it went well."""
    command = [sys.executable, str(TESTS / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def operations(program, table="OPERATIONS"):
    """Return the names in a program's table, which cannot be imported everywhere."""
    tree = ast.parse((TESTS / program).read_text(encoding="utf-8"))
    tables = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == table
    ]
    return [key.value for key in tables[0].keys if key is not None]


@pytest.mark.skipif(
    os.environ.get("PYTHONMALLOC", "").startswith("malloc"), reason="counts Python's blocks"
)
@pytest.mark.skipif(FREE_THREADED, reason="has another allocator")
@pytest.mark.skipif(find_spec("_testcapi") is None, reason="no tests' extension of CPython here")
def test_each_allocation_of_python_fails_once():
    """Of every fourth operation; those of all fail once a week."""
    printed = run("long/failing_memory.py", *operations("long/failing_memory.py", "ENGINE")[::4])
    assert int(printed.split()[0]) > 150


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count addresses otherwise")
@needs_memory_limits
@needs_plain_memory
@pytest.mark.skipif(FREE_THREADED, reason="its allocator has memory in store")
@pytest.mark.parametrize("name", operations("support/little_memory.py"))
def test_a_process_with_little_memory(name):
    assert run("support/little_memory.py", name).splitlines() == ["MemoryError", "right afterwards"]
