"""Which part may use which: the imports that are there, held against tables that cannot hold a circle."""

import ast
import re
from pathlib import Path

import pytest
from support.places import ROOT

import megagrad

PACKAGE = Path(megagrad.__file__).parent

# Modules of the package, lowest first: each with those that it uses, which stand above it. A folder's
# name, and megagrad, stand for what an ``__init__`` has.
PYTHON = {
    "_core": "",  # the compiled engine
    "functional._nesting": "_core",
    "functional.choice": "_core functional._nesting",
    "_numpy_functions": "_core functional.choice",
    "engine": "_core _numpy_functions",
    "_files": "",
    "_function_files": "_core _files",
    "_misnamed": "",
    "megagrad": "_core _function_files _misnamed engine",
    "_checks": "engine",
    "_arrays": "_checks engine",
    "functional.maps": "_core functional._nesting",
    "functional.attention": "_arrays _checks _core functional.maps",
    "functional.losses": "_core _arrays _checks functional._nesting functional.choice",
    "functional": "_core functional.attention functional.choice functional.losses functional.maps",
    "grad_mode": "_core _checks",
    "data": "_checks",
    "_workers": "_checks",
    "module": "_arrays _checks engine",
    "nn.mlp": "_core _checks _misnamed engine module",
    "nn.activation": "_arrays _checks engine functional module",
    "nn.containers": "_arrays _checks module",
    "nn.linear": "_arrays _checks functional module",
    "nn._windows": "_arrays _checks",
    "nn.convolution": "_arrays _checks functional module nn._windows",
    "nn.pooling": "_arrays _core functional module nn._windows",
    "nn.normalization": "_arrays _checks _core functional module",
    "nn.dropout": "_arrays _checks module",
    "nn.recurrent": "_arrays _checks functional module",
    "nn.attention": "_arrays _checks functional functional.attention module nn.linear",
    "nn.loss": "_arrays _checks functional functional.losses module",
    "nn": "_misnamed engine module nn.mlp",
    "function": "_core _checks module",
    "parallel": "_core _checks _workers engine",
    "state": "_arrays _checks _files",
    "torch_export.mlp": "_checks nn.mlp",
    "torch_export.modules": "_checks module nn torch_export.mlp",
    "torch_export": "_checks module nn.mlp torch_export.mlp torch_export.modules",
    "optim.optimizer": "_core _checks engine",
    "optim.sgd": "_core _checks optim.optimizer",
    "optim.adam": "_core _checks optim.optimizer",
    "optim.rmsprop": "_core _checks optim.optimizer",
    "optim.adagrad": "_core _checks optim.optimizer",
    "optim.lr_scheduler": "_checks optim.optimizer",
    "optim.clip": "_core _checks engine",
    "optim": "optim.optimizer optim.sgd optim.adam optim.rmsprop optim.adagrad optim.lr_scheduler optim.clip",
    "show": "",
    "show.graph": "_core _checks engine module",
    "show.digraph": "",
    "show.lecture": "_core engine show.graph",
    "show.drawing": "_checks engine module show.graph show.digraph show.lecture",
    "show.explanation": "_core engine module show.graph",
    "show.expression": "_core _checks engine functional",
    "gradient_check": "_checks _core engine module show.graph",
    "demo": "",
    "demo.datasets": "_checks",
    "demo.scaling": "nn",
    "demo.training": "engine functional nn optim optim.lr_scheduler",
    "demo.picture": "_files nn demo.datasets demo.training",
    "cli": "",
    "cli.program": "",
    "cli.own_micrograd": "",
    "cli.compat": "megagrad engine nn.mlp cli.own_micrograd",
    "cli.run": "cli.program cli.compat",
    "cli.bench": "cli.program",
    "cli.words": "",
    "cli.failure": "",
    "cli.interrupt": "",
    "cli.output": "",
    "cli.draw": "_files engine show.drawing show.explanation show.expression cli.words cli.failure",
    "cli.train": "nn state show.graph demo.datasets demo.scaling demo.training demo.picture"
    " cli.words cli.failure cli.interrupt",
    "cli.main": "megagrad cli.run cli.bench cli.words cli.failure cli.output cli.draw cli.train",
    "__main__": "cli.main",
    # Where users find a module that has moved into a room.
    "drawing": "show.drawing",
    "explanation": "show.explanation",
    "expression": "show.expression",
    "datasets": "demo.datasets",
    "scaling": "demo.scaling",
    "training": "demo.training",
    "compat": "cli.compat",
}

# Folders of the C++ sources, lowest first, in the same way.
CPP = {
    "platform": "",
    "graph": "platform",
    "optim": "platform graph",
    "program": "platform graph",
    "program/record": "platform graph program",
    "program/plan": "platform program",
    "program/vectors": "platform",
    "program/vectors/math": "program/vectors",
    "program/kernels": "platform graph program/plan program/vectors program/vectors/math",
    "program/run": "program/plan program/kernels",
    "bindings/support": "",
    "bindings/value": "platform graph bindings/support",
    "bindings/bundle": "graph bindings/support bindings/value",
    "bindings/function": "program program/record program/plan program/run bindings/support"
    " bindings/value",
    "bindings": "graph optim program/kernels bindings/value bindings/bundle bindings/function",
    "tests": "graph optim program program/record program/kernels program/vectors/math program/run",
    "tests/fuzz": "program program/kernels program/run",
}


def found_in_python():
    """Each module of the package, and the modules of the package that it imports, wherever it does."""
    files = [path for path in PACKAGE.rglob("*.py") if "bench" not in path.parts]
    names = {module_name(path) for path in files} | {"_core"}
    return {"_core": set()} | {module_name(path): imported_by(path, names) for path in files}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "megagrad"


def imported_by(path, names):
    found = set()
    for node in walked(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(known(alias.name, names) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(known(f"{node.module}.{alias.name}", names) for alias in node.names)
    return found - {None}


def walked(tree):
    """All of a tree but what stands under ``if TYPE_CHECKING``, which is never run."""
    if isinstance(tree, ast.If) and getattr(tree.test, "id", "") == "TYPE_CHECKING":
        return
    yield tree
    for inner in ast.iter_child_nodes(tree):
        yield from walked(inner)


def known(name, names):
    """The module of the package that an imported name is, or is in; None if it is none of ours."""
    if name.split(".")[0] != "megagrad":
        return None
    inside = name.removeprefix("megagrad").removeprefix(".")
    while inside and inside not in names:
        inside = inside.rpartition(".")[0]
    return inside or "megagrad"


def found_in_cpp(sources):
    """Each folder of the sources, and the folders that its files' includes name, as "graph/node.hpp"."""
    found = {}
    for path in sorted([*sources.rglob("*.hpp"), *sources.rglob("*.cpp")]):
        folder = path.parent.relative_to(sources).as_posix()
        included = re.findall(r'^#include "(.+)/', path.read_text(encoding="utf-8"), re.MULTILINE)
        found.setdefault(folder, set()).update(other for other in included if other != folder)
    return found


def faults(table, found):
    """What the files do that the table does not say, what it says that they do not, and its circles."""
    above = set()
    for part, uses in table.items():
        allowed = set(uses.split())
        there = found.get(part)
        if there is None:
            yield f"{part} stands in the table, and is not there"
            continue
        yield from (f"{part} is to use {use}, which stands below it" for use in allowed - above)
        yield from (f"{part} uses {use}, and may not" for use in there - allowed)
        yield from (f"{part} may use {use}, and does not" for use in allowed - there)
        above.add(part)
    yield from (f"{part} is not in the table" for part in found.keys() - table.keys())


def test_modules_of_python_use_those_that_stand_above_them():
    assert sorted(faults(PYTHON, found_in_python())) == []


@pytest.mark.skipif(not (ROOT / "cpp").exists(), reason="needs the sources")
def test_folders_of_cpp_use_those_that_stand_above_them():
    assert sorted(faults(CPP, found_in_cpp(ROOT / "cpp"))) == []


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"low": "", "high": "low", "new": "high"}, "new stands in the table, and is not there"),
        ({"low": ""}, "high is not in the table"),
        ({"low": "", "high": ""}, "high uses low, and may not"),
        ({"low": "", "other": "", "high": "low other"}, "high may use other, and does not"),
        ({"high": "low", "low": ""}, "high is to use low, which stands below it"),
    ],
)
def test_faults_are_found(table, fault):
    found = {"low": set(), "high": {"low"}} | ({"other": set()} if "other" in table else {})
    assert list(faults(table, found)) == [fault]


def test_imports_are_found_wherever_they_are(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        "import sys\nimport megagrad.nn\nfrom megagrad import engine, Value\n"
        "if TYPE_CHECKING:\n    import megagrad.parallel\n"
        "def later():\n    from megagrad.show.graph import trace\n"
    )
    names = {"nn", "engine", "parallel", "show", "show.graph"}
    assert imported_by(file, names) == {"nn", "engine", "megagrad", "show.graph"}


def test_includes_are_found(tmp_path):
    (tmp_path / "program" / "plan").mkdir(parents=True)
    (tmp_path / "program" / "plan" / "plan.cpp").write_text(
        '#include "program/plan/plan.hpp"\n\n#include <vector>\n#include "graph/node.hpp"\n'
    )
    assert found_in_cpp(tmp_path) == {"program/plan": {"graph"}}
