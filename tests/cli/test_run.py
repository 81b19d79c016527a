"""``python -m megagrad run PROGRAM``: as ``python PROGRAM``, with megagrad for micrograd."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile

import pytest

# Text of micrograd's, as far as it goes: that it is of no use shows where it is imported.
EMPTY_MICROGRAD = {"__init__": "", "engine": "import math\n", "nn": "import random\n"}
REPLACED = "megagrad: replaced micrograd.engine and micrograd.nn\n"


@pytest.fixture
def run(tmp_path):
    """Run an interpreter in tmp_path, where an unusable micrograd is installed."""
    installed = tmp_path / "installed" / "micrograd"
    installed.mkdir(parents=True)
    for module, text in EMPTY_MICROGRAD.items():
        (installed / f"{module}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(installed.parent), "PYTHONIOENCODING": "utf-8"}

    def run_python(*words, stdin=""):
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=tmp_path,
            env=environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return run_python


@pytest.fixture
def write(tmp_path):
    def write_program(source, name="program.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return name

    return write_program


def outcome(process):
    return process.returncode, process.stdout, process.stderr


PROGRAMS = {
    "what a program sees": """
        import sys
        print(__name__, __file__, __package__, __spec__ and __spec__.name, __doc__, type(__loader__).__name__)
        print(globals().get("__cached__", "not there"))
        print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
        print([name for name in globals() if not name.startswith("__")])
        """,
    "a module beside the program": """
        import neighbour
        print(neighbour.__file__)
        """,
    "standard input": "print(input()[::-1])",
    "exit status": "import sys; sys.exit(3)",
    "exit message": "import sys; sys.exit('enough')",
    "exit without a status": "raise SystemExit",
    "exit after output": "import os; print('out', flush=True); os._exit(7)",
    "exception": """
        def outer(x):
            return inner(x)
        def inner(x):
            raise ValueError(f"bad {x}")
        outer(3)
        """,
    "exception from another": """
        try:
            {}["a"]
        except KeyError as error:
            raise RuntimeError("second") from error
        """,
    "exception while handling another": """
        def first():
            try:
                second()
            except ZeroDivisionError:
                [][0]
        def second():
            1 / 0
        first()
        """,
    "exception group": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
    "syntax error": "print('never')\nfor x in :\n    pass\n",
    "syntax error in a module": "import mistaken",
    "interrupt": "print('before', flush=True); raise KeyboardInterrupt",
    "own excepthook": """
        import sys, traceback
        def hook(kind, error, trace):
            print("hook", kind.__name__, error, [f.name for f in traceback.extract_tb(trace)])
            traceback.print_exception(error)
        sys.excepthook = hook
        1 / 0
        """,
    "threads and exit handlers": """
        import atexit, pickle, sys, threading, time
        class Point:
            def __eq__(self, other):
                return type(self) is type(other)
        def late(name):
            time.sleep(0.05)
            print(name, pickle.loads(pickle.dumps(Point())) == Point(), sys.modules["__main__"].late is late)
        atexit.register(late, "handler")
        threading.Thread(target=late, args=["thread"]).start()
        """,
    "source and hints": """
        import dataclasses, inspect, typing
        @dataclasses.dataclass
        class Pair:
            left: "Pair"
        print(inspect.getsource(Pair), typing.get_type_hints(Pair))
        """,
    "finalizers after an error": """
        import sys
        class Last:
            def __del__(self):
                print("last", sys.stderr is not None)
        last = Last()
        1 / 0
        """,
    "no future of megagrad's": "def f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "warnings": "import warnings; warnings.warn('old', DeprecationWarning)",
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_behaves_as_under_python(run, write, source):
    write("", "neighbour.py")
    write("x = = 1", "mistaken.py")
    program = write(source)
    arguments = [program, "one", "--help", "-x", "--", "train"]
    expected = run(*arguments, stdin="line\n")
    assert "never" not in expected.stdout
    assert outcome(run("-m", "megagrad", "run", *arguments, stdin="line\n")) == outcome(expected)


def test_a_separator_before_the_program(run, write):
    program = write("import sys; print(sys.argv[1:])")
    assert run("-m", "megagrad", "run", "--", program, "--", "x").stdout == "['--', 'x']\n"


def test_the_prompt_follows(run, write):
    program = write("x = 5")
    done = run("-i", "-m", "megagrad", "run", program, stdin="")
    assert "SystemExit" not in done.stderr


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_worker_processes_are_served_too(run, write, method):
    program = write(
        f"""
        import multiprocessing
        from micrograd.engine import Value
        def double(value):
            assert isinstance(value, Value)
            return value * 2
        def nested(value):
            with multiprocessing.get_context({method!r}).Pool(1) as pool:
                return pool.apply(double, [value])
        if __name__ == "__main__":
            from concurrent.futures import ProcessPoolExecutor
            context = multiprocessing.get_context({method!r})
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                for function in (double, nested):
                    result = pool.submit(function, Value(1.0)).result()
                    print(type(result).__module__, result.data, isinstance(result, Value))
        """
    )
    done = run("-m", "megagrad", "run", program)
    assert done.stdout == "megagrad.engine 2.0 True\n" * 2, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_worker_processes_find_the_programs_functions(run, write):
    program = write(
        """
        import multiprocessing
        def square(x):
            return x * x
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(1) as pool:
                print(pool.map(square, [1, 2, 3]))
        """
    )
    assert run("-m", "megagrad", "run", program).stdout == "[1, 4, 9]\n"


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_folder_or_zip_with_a_main(run, write, tmp_path, kind):
    write("import part; print(part.__file__); 1 / 0", "a/last.py")
    write(PROGRAMS["what a program sees"] + "import last\n", "a/__main__.py")
    write("", "a/part.py")
    bundle = "a"
    if kind == "zip":
        bundle = "a.pyz"
        with zipfile.ZipFile(tmp_path / bundle, "w") as archive:
            for file in (tmp_path / "a").iterdir():
                archive.write(file, file.name)
    expected = run(bundle, "-x")
    assert expected.returncode == 1
    assert "part.py" in expected.stdout
    process = run("-m", "megagrad", "run", bundle, "-x")
    assert process.returncode == expected.returncode
    assert process.stdout == expected.stdout
    # Python shows the frames of its own that lead to a __main__.py; they say nothing about it.
    lines = [line for line in expected.stderr.splitlines() if "<frozen runpy>" not in line]
    assert process.stderr.splitlines() == lines


def test_program_that_is_not_there(run, tmp_path):
    for name, status in (("absent.py", 2), ("empty", 1)):
        (tmp_path / "empty").mkdir(exist_ok=True)
        expected = run(name)
        process = run("-m", "megagrad", "run", name)
        assert process.returncode == expected.returncode == status
        message = expected.stderr.partition(": ")[2]
        assert name in message
        assert process.stderr == f"megagrad: {message}"


def test_safe_path_keeps_the_programs_folder_off_the_path(run, write):
    write("", "neighbour.py")
    process = run("-P", "-m", "megagrad", "run", write("import neighbour"))
    assert process.returncode == 1
    assert "No module named 'neighbour'" in process.stderr


IMPORTS = """
    import importlib
    import importlib.util
    import pickle

    import micrograd
    import micrograd.engine
    import micrograd.nn as nn
    from micrograd import engine
    from micrograd.engine import Value
    from micrograd.nn import *
    from micrograd.nn import MLP, Layer, Module, Neuron

    import megagrad
    import megagrad.nn

    assert importlib.import_module("micrograd.nn") is nn is micrograd.nn
    assert micrograd.engine is engine
    assert Value is megagrad.Value
    assert MLP is megagrad.nn.MLP
    assert issubclass(Neuron, Module) and random.random() < 1
    for name in ("micrograd", "micrograd.engine", "micrograd.nn"):
        assert importlib.util.find_spec(name) is not None
    assert micrograd.__spec__.name == micrograd.__name__ == "micrograd"
    assert b"micrograd" not in pickle.dumps([Value(1), nn.Neuron(2)])
    try:
        import micrograd.absent
    except ModuleNotFoundError as error:
        assert error.name == "micrograd.absent"
    else:
        raise AssertionError
    nn.Neuron = lambda *args, **kwargs: "replaced"
    assert nn.Layer(2, 1).neurons == ["replaced"]
    print("fine")
    """


def test_micrograd_is_megagrad_however_it_is_imported(run, write):
    program = write(IMPORTS)
    assert "cannot import name 'Value'" in run(program).stderr
    process = run("-m", "megagrad", "run", program)
    assert outcome(process) == (0, "fine\n", REPLACED)


def test_micrograd_need_not_be_installed(run, write, tmp_path):
    shutil.rmtree(tmp_path / "installed")
    program = write(
        f"import sys\nsys.path = [p for p in sys.path if 'packages' not in p]\n{textwrap.dedent(IMPORTS)}"
    )
    process = run("-m", "megagrad", "run", program)
    assert outcome(process) == (0, "fine\n", "")


def test_unedited_program(run, write):
    program = write(
        """
        import random
        from micrograd.engine import Value
        from micrograd.nn import MLP

        a, b = Value(-4.0), Value(2.0)
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        g = f / 2.0
        g += 10.0 / f
        g.backward()
        print(f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}")

        random.seed(1337)
        model = MLP(2, [4, 1])
        print(model, len(model.parameters()))
        for step in range(20):
            loss = sum((model(x) - y) ** 2 for x, y in [([1.0, 2.0], 1.0), ([2.0, -1.0], -1.0)])
            model.zero_grad()
            loss.backward()
            for p in model.parameters():
                p.data -= 0.05 * p.grad
        print(loss.data < 0.1)
        """
    )
    process = run("-m", "megagrad", "run", program)
    assert (process.returncode, process.stderr) == (0, REPLACED)
    assert process.stdout.splitlines() == [
        "24.7041 138.8338 645.5773",
        f"MLP of [Layer of [{', '.join(['ReLUNeuron(2)'] * 4)}], Layer of [LinearNeuron(4)]] 17",
        "True",
    ]


def test_run_without_a_program(run):
    process = run("-m", "megagrad", "run")
    assert process.returncode == 2
    assert "PROGRAM" in process.stderr
    process = run("-m", "megagrad", "run", "-x", "program.py")
    assert process.returncode == 2
    assert "-x" in process.stderr
    assert "ARGS" in run("-m", "megagrad", "run", "--help").stdout
