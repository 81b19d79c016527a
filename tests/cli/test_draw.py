"""``megagrad draw``: an expression's value, gradients and picture."""

import sys

import pytest
from support.command_line import refusal

from megagrad.cli.main import main

NEURON = ["tanh(x1*w1 + x2*w2 + b)", "x1=2", "x2=0", "w1=-3", "w2=1", "b=6.88"]

pytestmark = pytest.mark.usefixtures("folder")


def test_the_value_and_the_gradients(capsys, folder):
    pytest.importorskip("graphviz")
    assert main(["draw", *NEURON, "--output", "neuron.dot"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "value: 0.706419",
        "x1 = 2, gradient -1.50292",
        "w1 = -3, gradient 1.00194",
        "x2 = 0, gradient 0.500972",
        "w2 = 1, gradient 0",
        "b = 6.88, gradient 0.500972",
        "graph: neuron.dot",
    ]
    text = (folder / "neuron.dot").read_text(encoding="utf-8")
    assert text.startswith("digraph {")
    for shown in ("tanh", "w1", "data 0.7064", "rankdir=LR"):
        assert shown in text


def test_options_may_be_anywhere(capsys, folder):
    pytest.importorskip("graphviz")
    words = ["--output", "a.gv", "x*y", "--rankdir", "TB", "x=1", "--explain", "y=2"]
    assert main(["draw", *words]) == 0
    assert "rankdir=TB" in (folder / "a.gv").read_text(encoding="utf-8")
    out = capsys.readouterr().out
    assert "x.grad" in out
    assert out.startswith("value: 2\nx = 1, gradient 2\ny = 2, gradient 1\n")


def test_a_picture(capsys, folder):
    graphviz = pytest.importorskip("graphviz")
    try:
        graphviz.version()
    except graphviz.ExecutableNotFound:
        pytest.skip("needs Graphviz's program")
    assert main(["draw", "x*2", "x=1"]) == 0
    assert b"<svg" in (folder / "graph.svg").read_bytes()
    assert main(["draw", "x*2", "x=1", "--output", "graph.xyz"]) == 1
    assert capsys.readouterr().err.startswith("megagrad: Graphviz has no format '.xyz'")
    assert [path.name for path in folder.iterdir()] == ["graph.svg"]


def test_without_graphvizs_program(capsys, folder, monkeypatch):
    pytest.importorskip("graphviz")
    monkeypatch.setenv("PATH", str(folder))
    assert main(["draw", "x*2", "x=1"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "apt install graphviz" in err
    assert err.endswith("--output graph.dot\n")
    assert main(["draw", "x*2", "x=1", "--output", "graph.dot"]) == 0


def test_without_the_package_graphviz(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "megagrad.show.digraph", raising=False)
    monkeypatch.setitem(sys.modules, "graphviz", None)
    assert main(["draw", "x*2", "x=1"]) == 1
    err = capsys.readouterr().err
    assert err == "megagrad: drawing needs the package graphviz: pip install 'megagrad[viz]'\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: EXPRESSION"),
        (
            ["tahn(x)", "x=1"],
            "unknown function 'tahn'; did you mean 'tan' or 'tanh'?\n  tahn(x)\n  ^^^^\n",
        ),
        (["x + y", "x=1"], "'y' has no value; add y=1.0\n  x + y\n      ^\n"),
        (["x", "x=1", "y=2"], "'y' does not occur in the expression\n"),
        (["x", "x=1", "x=2"], "'x' has two values\n"),
        (["x", "x:1"], "argument NAME=NUMBER: 'x:1' is not of the form NAME=NUMBER, such as x=1.0"),
        (["x", "1=1"], "argument NAME=NUMBER: '1=1' is not of the form NAME=NUMBER"),
        (["x", "x=one"], "argument NAME=NUMBER: 'x=one': 'one' is not a number"),
        (["x", "x=nan"], "argument NAME=NUMBER: 'x=nan': the number must be finite"),
        (["1/x", "x=0"], "1.0 / 0.0: division by zero\n  1/x\n  ^^^\n"),
        (["x", "x=1", "--output", "graph"], "'graph' needs a suffix, such as .svg"),
        (["x", "x=1", "--output", "absent/g.svg"], "is in 'absent', which is not a folder"),
        (["x", "x=1", "--rankdir", "UP"], "argument --rankdir: invalid choice: 'UP'"),
    ],
)
def test_what_is_refused(capsys, folder, words, message):
    assert message in refusal(capsys, "draw", *words)
    assert list(folder.iterdir()) == []


def test_names_are_compared_as_python_reads_them(capsys):
    with pytest.raises(SystemExit):
        main(["draw", "ﬁ+x", "ﬁ=1", "fi=2", "x=2"])
    assert "'fi' has two values" in capsys.readouterr().err


def test_a_graph_that_is_too_large_is_refused(capsys, tmp_path, monkeypatch):
    pytest.importorskip("graphviz")
    monkeypatch.chdir(tmp_path)
    assert main(["draw", "+".join(["x"] * 450), "x=1", "--output", "x.dot"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(
        "megagrad: the graph is too large to draw: 450 nodes, more than the limit"
    )
    assert "limit=None" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_zero_has_no_sign(capsys, tmp_path):
    pytest.importorskip("graphviz")
    assert main(["draw", "0*x", "x=-5", "--output", str(tmp_path / "x.dot")]) == 0
    assert "value: 0\n" in capsys.readouterr().out
