"""The command line as a whole: its commands, help, streams and exit status."""

import os
import runpy
import subprocess
import sys

import pytest
from support.command_line import SMALL, failure, start
from support.needs import needs_closed_input
from support.processes import printed

from megagrad import __version__
from megagrad.cli import train
from megagrad.cli.main import main

pytestmark = pytest.mark.usefixtures("folder")


def test_no_words_at_all_mean_train(monkeypatch):
    seen = []
    monkeypatch.setattr(train, "_train", lambda options, _: seen.append(options) or 0)
    monkeypatch.setattr(sys, "argv", ["megagrad"])
    assert main() == 0
    assert seen[0].data == "moons"


@pytest.mark.parametrize("command", ["train", "draw", "run"])
def test_help_of_a_command_has_examples(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: megagrad {command} [-h]")
    assert f"examples:\n  python -m megagrad {command}" in out


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = capsys.readouterr().out.split("COMMAND\n")[1].split("options:")[0]
    found = [
        line.split()[0]
        for line in commands.splitlines()
        if line.startswith("    ") and line[4] != " "
    ]
    assert found == ["train", "draw", "run", "bench"]


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"megagrad {__version__}\n"


def test_an_unknown_command(capsys):
    assert "invalid choice: 'tain'" in failure(capsys, "tain")


@pytest.mark.parametrize("words", [["run"], ["run", "-x"], ["run", "--"]])
def test_run_needs_a_program(capsys, words):
    assert "run needs a PROGRAM after it" in failure(capsys, *words)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_output_that_cannot_be_written():
    command = [sys.executable, "-m", "megagrad", *SMALL]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "megagrad: cannot write: No space left on device\n",
    )


def test_no_output_at_all(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(SMALL) == 0


def test_closed_output(tmp_path):
    process = start(*SMALL, "--save", "net.npz", cwd=tmp_path)
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == ""
    process.stderr.close()
    assert (tmp_path / "net.npz").exists()


def test_no_stderr(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(SMALL) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--", "-x*2", "x=1"],
        ["-x*2", "x=1"],
        ["--", "-x", "x=1"],
        ["-(x)", "x=1"],
        ["-3"],
        ["x*2", "--", "x=1"],
    ],
)
def test_expressions_that_begin_with_a_minus(tmp_path, words):
    pytest.importorskip("graphviz")
    assert main(["draw", "--output", str(tmp_path / "o.dot"), *words]) == 0


@pytest.mark.parametrize("word", ["-x", "-o", "-o=a.svg", "-explain", "-v3"])
@pytest.mark.parametrize(
    "others",
    [
        lambda word: ["train", word],
        lambda word: ["train", "moons", word, "--seed", "3"],
        lambda word: [word],
        lambda word: ["bench", word],
        lambda word: ["draw", word],
        lambda word: ["draw", word, "x=1"],
        lambda word: ["draw", "x*2", "x=1", word],
        lambda word: ["draw", "x*2", word, "--explain", "x=1"],
    ],
)
def test_short_options_that_there_are_not(monkeypatch, capfd, word, others):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the benchmark's folder comes first there
    assert f"error: unrecognized arguments: {word}" in failure(capfd, *others(word))


def test_a_name_with_a_minus_as_a_value_after_the_expression(capsys):
    assert "is not of the form NAME=NUMBER" in failure(capsys, "draw", "x=1", "--", "-x")


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
@pytest.mark.parametrize(
    "words",
    [
        ["draw", "x*2", "x=1"],
        SMALL,
        pytest.param(["run", "program.py"], marks=needs_closed_input),
        ["--help"],
        ["draw"],
        ["bench", "-x"],
    ],
    ids=" ".join,
)
def test_closed_input(tmp_path, words):
    (tmp_path / "program.py").write_text("import sys; print(sys.stdin)")
    command = [sys.executable, "-m", "megagrad", *words]
    options = {"cwd": tmp_path, "capture_output": True, "text": True}
    expected = subprocess.run(command, stdin=subprocess.DEVNULL, **options)
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *command], **options)
    assert (done.returncode, done.stderr) == (expected.returncode, expected.stderr)
    if "run" in words:
        assert done.stdout == "None\n"
    else:
        assert done.stdout == expected.stdout


def test_data_and_programs_whose_names_begin_with_a_dash(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-d.csv").write_text("x,y,kind\n1,2,a\n2,1,b\n")
    assert main(["train", "--epochs", "1", "--", "-d.csv"]) == 0
    (tmp_path / "-p.py").write_text("import sys; sys.exit(len(sys.argv))")
    done = subprocess.run([sys.executable, "-m", "megagrad", "run", "--", "-p.py", "-x", "--"])
    assert done.returncode == 3


def test_a_picture_that_cannot_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    done = subprocess.run(
        [sys.executable, "-m", "megagrad", *SMALL, "--save", "net.npz"],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "absent"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("megagrad: matplotlib cannot draw 'moons.png': ")
    assert done.stderr.count("\n") == 1
    assert "trained: accuracy" in done.stdout
    assert (tmp_path / "net.npz").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
def test_a_file_name_that_is_not_utf8(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"d\xff.csv")
    (tmp_path / name).write_text("x,y,kind\n1,2,a\n2,1,b\n")
    assert main(["train", name, "--epochs", "1"]) == 0


@pytest.mark.parametrize(
    "module", ["megagrad", "megagrad.nn", "megagrad.datasets", "megagrad.compat"]
)
def test_imports_stay_light(module):
    code = f"import {module}, sys; print(sorted({{'numpy', 'argparse', 'matplotlib'}} & set(sys.modules)))"
    assert printed(code) == ["[]"]


def test_the_command_line_loads_nothing_until_it_needs_it():
    heavy = {"numpy", "matplotlib", "graphviz", "tqdm", "rich"}
    code = f"import megagrad.cli.main, sys; print(sorted({heavy} & set(sys.modules)))"
    assert printed(code) == ["[]"]


def test_an_interrupt_while_modules_are_imported(capsys, monkeypatch):
    class Interrupting:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "megagrad.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "megagrad.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupting, *sys.meta_path])
    with pytest.raises((SystemExit, KeyboardInterrupt)) as caught:
        runpy.run_module("megagrad", run_name="__main__")
    assert caught.value.args == (130,)
    assert capsys.readouterr().err == "\nmegagrad: interrupted\n"
