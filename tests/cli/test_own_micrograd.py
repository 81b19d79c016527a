"""``megagrad run`` where the program has a micrograd folder of its own: nothing is replaced unseen."""

import ast
import os
import subprocess
import sys
import textwrap
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
        for name, text in files.items():
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
    assert done.stderr == "megagrad: replaced micrograd.engine and micrograd.nn\n"


def test_a_module_that_cannot_be_read(project):
    files = {"program.py": "print('fine')\n", "micrograd/engine.py": "def (:\n"}
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
    assert done.stderr == "megagrad: replaced micrograd.engine and micrograd.nn\n"
