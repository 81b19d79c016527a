"""``megagrad run`` where the program has a micrograd folder of its own: nothing is replaced unseen."""

import ast
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from megagrad.cli.own_micrograd import KNOWN, digests

PROGRAM = """
    import micrograd
    import micrograd.engine
    import micrograd.nn
    from micrograd.engine import Value
    from micrograd.nn import MLP

    x = Value(3.0)
    y = x * x + 1
    y.backward()
    print(Value.__module__, MLP.__module__, y.data, x.grad)
    print(micrograd.engine.Value is Value, micrograd.nn.MLP is MLP)
    """


@pytest.fixture
def project(tmp_path):
    """Write files, and run the program among them."""

    def write_and_run(files, *words):
        # Without an __init__, Python would rather take the micrograd that is installed.
        for name, text in ({"micrograd/__init__.py": ""} | files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return subprocess.run(
            [sys.executable, *words, "program.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return write_and_run


RUN = ("-m", "megagrad", "run")


@pytest.fixture
def texts():
    """The text of micrograd's own modules."""
    micrograd = pytest.importorskip("micrograd")
    folder = Path(micrograd.__file__).parent
    return {name: (folder / f"{name}.py").read_text() for name in ("engine", "nn")}


def test_the_published_text_is_known(texts):
    for name, text in texts.items():
        for part, digest in digests(ast.parse(text)):
            assert digest in KNOWN[name][part], part


def test_a_copy_is_replaced_and_its_other_modules_stay(project, texts):
    files = {
        "program.py": PROGRAM
        + "\n    from micrograd import LEARNED, trace_graph\n    print(LEARNED, trace_graph.trace())\n",
        "micrograd/__init__.py": "from .engine import Value\nLEARNED = Value(2.0).data\n",
        "micrograd/engine.py": f'"""My copy."""\n{texts["engine"]}\n# the end\n',
        "micrograd/nn.py": texts["nn"].replace(
            "(self, nin, nonlin=True)", "(self, nin: int, nonlin: bool=True)"
        ),
        "micrograd/trace_graph.py": "def trace(): return 'drawn'\n",
    }
    done = project(files, *RUN)
    assert done.stderr == "megagrad: replaced micrograd.engine and micrograd.nn\n"
    assert done.stdout.splitlines() == [
        "megagrad.engine megagrad.nn.mlp 10.0 6.0",
        "True True",
        "2.0 drawn",
    ]


def test_a_network_of_ones_own_runs_on_the_engine(project, texts):
    files = {
        "program.py": PROGRAM + "\n    print(MLP(2, [1])([1.0, 2.0]))\n",
        "micrograd/engine.py": texts["engine"],
        "micrograd/nn.py": texts["nn"].replace("        return x\n", "        return 42\n"),
    }
    done = project(files, *RUN)
    assert done.stderr == (
        "megagrad: replaced micrograd.engine; kept the program's own micrograd.nn (MLP.__call__ is its own)\n"
    )
    assert done.stdout.splitlines() == [
        "megagrad.engine micrograd.nn 10.0 6.0",
        "True True",
        "42",
    ]


@pytest.mark.parametrize(
    ("change", "own"),
    [
        (
            lambda text: text.replace("self.data + other.data", "self.data - other.data"),
            "Value.__add__",
        ),
        (lambda text: text + "\n    def tanh(self):\n        return self\n", "Value.tanh"),
        (lambda text: text + "\nprint('imported')\n", "print('imported')"),
        (lambda text: f"import numpy\n{text}", "import numpy"),
        (lambda text: text.replace("class Value", "class Value(int)", 1), "class Value(int)"),
        (lambda text: text + "\n    scale = 2\n", "Value.scale = 2"),
        (
            lambda text: text.replace("class Value", "@staticmethod\nclass Value", 1),
            "@staticmethod class Value()",
        ),
        (
            lambda text: text.replace("class Value", "class Value(metaclass=type)", 1),
            "class Value(metaclass=type)",
        ),
    ],
)
def test_an_engine_of_ones_own_stays(project, texts, change, own):
    files = {
        "program.py": "from micrograd.engine import Value\nimport micrograd.nn\nprint(Value.__module__)\n",
        "micrograd/engine.py": change(texts["engine"]),
        "micrograd/nn.py": texts["nn"],
    }
    plain, done = project(files), project(files, *RUN)
    assert done.stdout == plain.stdout
    assert done.stdout.splitlines()[-1] == "micrograd.engine"
    assert done.stderr == (
        f"megagrad: replaced nothing; kept the program's own micrograd.engine ({own} is its own) "
        "and micrograd.nn (it needs the engine)\n"
    )


def test_a_folder_without_an_engine(project):
    files = {
        "program.py": PROGRAM + "\n    from micrograd import extras\n    print(extras.NAME)\n",
        "micrograd/extras.py": "NAME = 'extra'\n",
    }
    done = project(files, *RUN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "extra"
    assert done.stderr == (
        "megagrad: added micrograd.engine and micrograd.nn to the program's own micrograd, which has neither\n"
    )


def test_a_module_that_cannot_be_read(project):
    files = {"program.py": "import micrograd\nprint('fine')\n", "micrograd/engine.py": "def (:\n"}
    done = project(files, *RUN)
    assert done.stdout == "fine\n"
    assert "micrograd.engine (it is no Python that can be read)" in done.stderr


def test_modules_of_other_names_are_not_touched(project, texts):
    files = {
        "program.py": "from engine import Value\nfrom mygrad.engine import Value as V\nprint(Value.__module__, V.__module__)\n",
        "engine.py": texts["engine"],
        "mygrad/engine.py": texts["engine"],
    }
    done = project(files, *RUN)
    assert (done.stdout, done.stderr) == ("engine mygrad.engine\n", "")


ONE_LINE = "from micrograd.engine import Value\nprint(Value.__module__)\n"
COMPILE = "import py_compile\npy_compile.compile('compiled.py', 'micrograd/engine.pyc')\n"


@pytest.mark.parametrize(
    ("name", "program", "own"),
    [
        ("micrograd/engine/__init__.py", ONE_LINE, "micrograd.engine (it is a package)"),
        ("compiled.py", COMPILE + ONE_LINE, "micrograd.engine (it is no Python that can be read)"),
        ("micrograd.py", ONE_LINE.replace(".engine", ""), "micrograd (it is no package)"),
    ],
)
def test_an_engine_in_another_form_stays(project, texts, name, program, own):
    if name == "micrograd.py":
        program = "import os\nos.remove('micrograd/__init__.py')\nos.rmdir('micrograd')\n" + program
    done = project({"program.py": program, name: texts["engine"]}, *RUN)
    assert done.stdout == ("micrograd\n" if name == "micrograd.py" else "micrograd.engine\n")
    assert done.stderr == f"megagrad: replaced nothing; kept the program's own {own}\n"


WITHOUT_INSTALLED = "import sys\nsys.path[:] = [p for p in sys.path if 'packages' not in p]\n"


@pytest.mark.parametrize("has_engine", [False, True])
def test_a_folder_without_an_init(project, texts, tmp_path, has_engine):
    files = {"program.py": WITHOUT_INSTALLED + "import micrograd.extras\n" + ONE_LINE}
    if has_engine:
        files["micrograd/engine.py"] = texts["engine"]
    project(files | {"micrograd/extras.py": ""})
    (tmp_path / "micrograd" / "__init__.py").unlink()
    done = subprocess.run(
        [sys.executable, *RUN, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "megagrad.engine\n", done.stderr
    assert (" replaced micrograd.engine\n" in done.stderr) is has_engine


def test_a_network_beside_values_of_another_name(project, texts):
    files = {
        "program.py": "from micrograd.nn import Neuron\nprint(Neuron.__module__)\nimport micrograd.engine",
        "micrograd/value.py": texts["engine"],
        "micrograd/nn.py": texts["nn"].replace("micrograd.engine", "micrograd.value"),
    }
    plain, done = project(files), project(files, *RUN)
    assert done.stdout == plain.stdout == "micrograd.nn\n"
    assert done.stderr.startswith(
        "megagrad: replaced nothing; kept the program's own micrograd.nn "
        "(from micrograd.value import Value is its own)\n"
    )
    assert done.stderr.endswith("No module named 'micrograd.engine'\n")


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_program_in_a_folder_of_examples(project, texts, is_changed):
    text = texts["engine"].replace("* other**-1", "* other**-2") if is_changed else texts["engine"]
    files = {
        "program.py": "import runpy\nrunpy.run_path('examples/demo.py')\n",
        "examples/demo.py": """
            import os, sys
            sys.path.insert(0, os.path.join(os.path.dirname(__file__), "fork"))
            import micrograd.extras
            from micrograd.engine import Value
            print(Value.__module__, (Value(1.0) / 4).data)
            """,
        "examples/fork/micrograd/__init__.py": "",
        "examples/fork/micrograd/extras.py": "",
        "examples/fork/micrograd/engine.py": text,
    }
    done = project(files, *RUN)
    assert done.stdout == ("micrograd.engine 0.0625\n" if is_changed else "megagrad.engine 0.25\n")
    kept = (
        "replaced nothing; kept the program's own micrograd.engine (Value.__truediv__ is its own)"
    )
    assert done.stderr == f"megagrad: {kept if is_changed else 'replaced micrograd.engine'}\n"


def test_a_zip_file_with_a_micrograd(project, texts, tmp_path):
    with zipfile.ZipFile(tmp_path / "program.py", "w") as archive:  # any name will do
        archive.writestr("__main__.py", ONE_LINE)
        archive.writestr("micrograd/__init__.py", "")
        archive.writestr("micrograd/engine.py", texts["engine"] + "\n    scale = 2\n")
    done = project({}, *RUN)
    assert done.stdout == "micrograd.engine\n"
    assert "kept the program's own micrograd.engine (Value.scale = 2 is its own)" in done.stderr


def test_a_package_keeps_its_data_and_can_be_imported_again(project, texts):
    files = {
        "program.py": """
            import importlib, inspect, pkgutil
            import micrograd
            print(pkgutil.get_data("micrograd", "notes.txt").decode(), inspect.getsource(micrograd), end="")
            print(importlib.reload(micrograd).engine.Value.__module__)
            """,
        "micrograd/__init__.py": "NAME = 'mine'\n",
        "micrograd/notes.txt": "notes",
        "micrograd/engine.py": texts["engine"],
    }
    done = project(files, *RUN)
    assert done.stdout.splitlines() == ["notes NAME = 'mine'", "megagrad.engine"], done.stderr
    assert done.stderr == "megagrad: replaced micrograd.engine\n"


def test_worker_processes_get_the_same(project, texts):
    files = {
        "program.py": """
            import multiprocessing
            from micrograd import NAME
            from micrograd.engine import Value

            def work(x):
                return NAME, Value.__module__, (Value(x) * 2).data

            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    print(pool.map(work, [1.0]))
            """,
        "micrograd/__init__.py": "NAME = 'mine'\n",
        "micrograd/engine.py": texts["engine"],
    }
    done = project(files, *RUN)
    assert done.stdout == "[('mine', 'megagrad.engine', 2.0)]\n"
    assert done.stderr == "megagrad: replaced micrograd.engine\n"
