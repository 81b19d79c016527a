"""``megagrad train``: what it says of words, files and trainings that are no use."""

import re

import pytest
from support.command_line import SMALL, failure

from megagrad.cli.main import main

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--points", "1"], "argument --points: must be at least 2, got 1"),
        (["--points", "ten"], "argument --points: 'ten' is not a whole number"),
        (["--layers", "4", "0"], "argument --layers: must be at least 1, got 0"),
        (["--layers"], "argument --layers: expected at least one argument"),
        (["--epochs", "0"], "argument --epochs: must be at least 1, got 0"),
        (["--noise", "-1"], "argument --noise: must be finite and at least 0, got -1"),
        (["--noise", "x"], "argument --noise: 'x' is not a number"),
        (["--lr", "0"], "argument --learning-rate/--lr: must be finite and above 0, got 0"),
        (["--lr", "nan"], "argument --learning-rate/--lr: must be finite and above 0, got nan"),
        (["--seed", "1.5"], "argument --seed: invalid int value: '1.5'"),
        (["--activation", "tahn"], "argument --activation: invalid choice: 'tahn'"),
        (["--depth", "3"], "unrecognized arguments: --depth"),
        (["mons"], "argument DATA: 'mons' is none of moons, circles, spirals, nor a file"),
        (["."], "argument DATA: '.' is none of moons, circles, spirals, nor a file"),
        (["--target", "x"], "argument --target: only FILE.csv has columns, moons has not"),
        (["a.csv", "--noise", "1"], "argument --noise: a.csv has points of its own"),
        (["a.csv", "--points", "9"], "argument --points: a.csv has points of its own"),
        (["--save", "absent/m.npz"], "'absent/m.npz' is in 'absent', which is not a folder"),
        (["--save", "."], "argument --save: '.' is a folder"),
    ],
)
def test_bad_values_are_one_line_and_status_2(capsys, without_matplotlib, words, message):
    assert message in failure(capsys, "train", *words)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read 'a.csv': No such file or directory"),
        ("x,kind\n1,a\nz,b\n", "a.csv: line 3, column 'x': 'z' is not a number"),
        ("x,kind\n0,a\n1e-320,b\n", "a.csv: the numbers in column 'x' differ by too small amounts"),
        (
            "x,kind\n1,a\n1.00000000001,b\n",
            "a.csv: the numbers in column 'x' differ by too small amounts",
        ),
        (
            "x,kind\n1e308,a\n-1e308,b\n",
            "a.csv: the numbers in column 'x' differ by too large amounts",
        ),
    ],
)
def test_a_file_that_is_no_use(capsys, folder, without_matplotlib, content, message):
    if content is not None:
        (folder / "a.csv").write_text(content, encoding="utf-8")
    assert main(["train", "a.csv"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"megagrad: {message}")
    assert err.count("\n") == 1
    assert "--activation" not in err


@pytest.mark.parametrize("activation", ["log", "sqrt", "arcsin", "log1p", "arccos", "exp"])
def test_an_activation_that_cannot_take_every_number(capsys, without_matplotlib, activation):
    words = ["train", "--activation", activation, "--epochs", "100"]
    assert main(words) == 1
    err = capsys.readouterr().err
    assert re.fullmatch(r"megagrad: .* --activation .*\n", err), err


def test_a_loss_that_runs_away_saves_nothing(capsys, folder, without_matplotlib):
    assert main([*SMALL, "--lr", "1e200", "--save", "m.npz"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("megagrad: the loss is ")
    assert "--learning-rate" in err
    assert list(folder.iterdir()) == []
