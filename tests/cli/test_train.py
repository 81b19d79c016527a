"""``megagrad train``: what it learns and prints, and what its options say."""

import re
import sys

import pytest
from support.command_line import SMALL

from megagrad.cli import train
from megagrad.cli.main import main

pytestmark = pytest.mark.usefixtures("folder")


def test_without_a_command_it_trains(capsys, without_matplotlib):
    assert main(SMALL) == 0
    bare = capsys.readouterr().out
    assert main(["train", *SMALL]) == 0
    assert capsys.readouterr().out == bare
    assert "epoch 4/4" in bare


@pytest.mark.parametrize("data", ["moons", "circles", "spirals"])
def test_every_data_set_is_learned_by_default(capsys, without_matplotlib, data):
    assert main(["train", data]) == 0
    accuracy = re.search(r"trained: accuracy (\S+)%", capsys.readouterr().out)[1]
    assert float(accuracy) > 95


def test_the_default_training_is_what_it_was(capsys, without_matplotlib):
    main([])
    assert "trained: accuracy 100.0%, loss 0.0159\n" in capsys.readouterr().out


def test_an_option_wins_over_the_data_sets_default(capsys, without_matplotlib):
    main(["train", "spirals", "--points", "30", "--layers", "3", "--epochs", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "30 points, 13 parameters"
    assert lines[3].startswith("epoch 2/2")


def test_data_may_follow_options(capsys, without_matplotlib):
    main(["train", *SMALL, "--seed", "1", "circles"])
    after = capsys.readouterr().out
    main(["train", "circles", *SMALL, "--seed", "1"])
    assert capsys.readouterr().out == after


def test_the_seed_decides_everything(capsys, without_matplotlib):
    outputs = []
    for seed in ("1", "1", "2"):
        assert main([*SMALL, "--seed", seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != outputs[2]


def test_options_reach_the_training(capsys, without_matplotlib):
    main([*SMALL, "--activation", "tanh", "--lr", "0.5", "--noise", "0"])
    first = capsys.readouterr().out
    main([*SMALL, "--activation", "tanh", "--learning-rate", "0.25", "--noise", "0"])
    second = capsys.readouterr().out
    assert first.splitlines()[:2] == second.splitlines()[:2]
    assert first != second
    main(["--points", "5", "--epochs", "25", "--layers", "3", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 points, 20 parameters"
    epochs = [line.split("/")[0].split()[1] for line in lines if line.startswith("epoch")]
    assert epochs == ["0", "3", "6", "9", "12", "15", "18", "21", "24", "25"]


def test_help_says_every_default(capsys):
    for words in (["--help"], ["train", "--help"]):
        with pytest.raises(SystemExit):
            main(words)
        text = " ".join(capsys.readouterr().out.split())
        options = text.split("options:")[-1].split("examples:")[0]
        for option, default in {
            "--points": "100, 200 for spirals",
            "--layers": "16 16",
            "--activation": "relu",
            "--epochs": "100, 500 for spirals, 200 for FILE.csv",
            "--learning-rate": "1.0, 0.3 for FILE.csv",
            "--noise": "0.1, 0.02 for spirals",
            "--seed": 1337,
            "--save": "nowhere",
            "--plot": "DATA.png",
            "--target": "the last one",
        }.items():
            description = re.split(f"{option}[ ,]", options)[1].split("(default: ")[1]
            assert description.startswith(f"{default})")
        assert "--lr X" in options
        assert "--output PATH" in options


def test_colours_are_for_terminals_whose_users_want_them(monkeypatch):
    assert not train._stdout_has_colour()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert train._stdout_has_colour()
    monkeypatch.setenv("NO_COLOR", "")
    assert train._stdout_has_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not train._stdout_has_colour()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not train._stdout_has_colour()


def test_a_bar_on_a_terminal(capsys, monkeypatch, without_matplotlib):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(SMALL) == 0
    out, err = capsys.readouterr()
    assert "epoch" not in out
    last = err.split("\r")[-1]
    assert "100%" in last
    assert "4/4" in last
    assert re.search(r"loss \d\.\d{4}, accuracy \d+\.\d%", last)


def test_lines_on_a_terminal_without_tqdm(capsys, monkeypatch, without_matplotlib):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(SMALL) == 0
    out, err = capsys.readouterr()
    assert "epoch 4/4" in out
    assert err == ""
