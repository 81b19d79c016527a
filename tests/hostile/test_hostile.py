"""Everything public against arguments that no program means to pass.

Each call is described once, and each of its arguments is replaced by hostile ones: a share of them
here, all of them with ``MEGAGRAD_HOSTILE=all pytest tests/hostile`` (some 70,000 calls).
``python tests/long/hostile_campaign.py`` goes on with several at a time.
"""

import inspect
import os
import random

import pytest
from long.hostile_campaign import campaign
from support.public_names import MODULES, imported, members, public

from hostile.check import is_right, outcome, try_call
from hostile.objects import HOSTILE
from hostile.table import ROWS, never_ends

# One in so many.
SHARE = 1 if os.environ.get("MEGAGRAD_HOSTILE") == "all" else 10

# What has no row, and why.
ELSEWHERE = {
    "megagrad.cli": "words of a command line, in tests/cli",
    "megagrad.demo.picture": "draws what `megagrad train` has made",
    "megagrad.cli.program": "runs any program",
    "megagrad._arrays": "of what modules take, which have rows",
    "megagrad.functional._nesting": "of what functions take, which have rows",
    "megagrad.nn._windows": "of what convolutions and pooling take, which have rows",
    "megagrad.compat": "takes no arguments",
    "megagrad.show.digraph": "Graphviz's own class",
    "megagrad.torch_export": "in test_export.py, with PyTorch",
    "megagrad.demo.scaling": "of what `megagrad train` has checked",
    "megagrad.demo.training": "of what `megagrad train` has checked",
    "Explanation": "what explain() made",
    "GradcheckError": "an exception",
    "Evaluation": "a record",
    "ExpressionError": "an exception",
    "IncompatibleKeys": "a record",
    "Passed": "a record",
    "ProcessExecutor": "in test_parallel.py: it starts processes",
    "Received": "a record",
    "Step": "a record",
    "Table": "a record",
    "Vertex": "a record",
    "bound_of": "in draw_dot() and explain()",
    "collapse": "takes what trace() made",
    "is_name": "of a string",
    "kind": "of anything",
    "array_function": "NumPy calls it",
    "array_ufunc": "NumPy calls it, and operands' rows reach it",
    "label_of": "takes what trace() made",
    "length_of_arrows": "takes what trace() made",
    "printable": "of a string",
    "summary": "takes what trace() made",
    "too_many": "takes what trace() took",
    "Optimizer": "abstract: SGD and Adam",
}


def offered():
    """The names of all that is public: functions, classes, and their methods and properties."""
    for name in MODULES:
        if any(name.startswith(module) for module in ELSEWHERE):
            continue
        for key, thing in public(imported(name)).items():
            module = f"{name.rpartition('.')[2]}." if name == "megagrad.parallel" else ""
            if thing.__module__ in ELSEWHERE:
                continue
            yield module + key
            if inspect.isclass(thing) and key not in ELSEWHERE:
                yield from (f"{key}.{member}" for member in members(thing))


def test_everything_public_has_a_row():
    missing = {name for name in offered() if name not in ROWS and name not in ELSEWHERE}
    missing -= {"Optimizer.add_param_group", "parallel.ProcessExecutor"}
    assert not missing
    assert len(set(offered())) > 130


def chosen(name):
    """Pairs of a place and a hostile argument's name: a share of all of them, another for each row."""
    pairs = [(place, hostile) for place in ROWS[name]().places() for hostile in HOSTILE]
    random.Random(name).shuffle(pairs)
    return pairs[: max(len(pairs) // SHARE, 8)]


@pytest.fixture(autouse=True)
def files_go_elsewhere(tmp_path, monkeypatch):
    """Text is a path, too."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ROWS)
def test_hostile_arguments(name):
    if name == "draw_dot":
        pytest.importorskip("graphviz")
    assert outcome(ROWS[name]()).error is None
    for place, hostile in chosen(name):
        if never_ends(ROWS[name](), {place: hostile}):
            continue
        seen = try_call(ROWS[name], {place: (hostile, HOSTILE[hostile])})
        if not seen.failed:
            right = is_right(ROWS[name], place, HOSTILE[hostile], seen.portrait)
            assert right, f"{name} took {hostile} as {place}, and gave {seen.portrait}"


@pytest.mark.parametrize("seed", range(4))
def test_several_hostile_arguments(seed):
    assert campaign(500, seed) > 300
