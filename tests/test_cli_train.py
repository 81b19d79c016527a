"""``megagrad train``: what it prints, saves and draws, and what it says when something is wrong."""

import errno
import os
import random
import re
import signal
import sys

import pytest
from command_line import failure, start

from megagrad import cli, picture
from megagrad.cli import interrupt, train
from megagrad.nn import MLP

SMALL = ["--points", "20", "--epochs", "4", "--layers", "4"]

needs_matplotlib = pytest.mark.skipif(
    not picture.matplotlib_is_installed(), reason="needs matplotlib"
)
needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
ignore_its_warnings = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def without_matplotlib(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def flowers(folder):
    """Write a CSV file of three classes, with features of very different size."""
    generator = random.Random(1)
    lines = ["height,species,width"]
    for species, height, width in (
        ("daisy", 1e6, 0.001),
        ("rose", 2e6, 0.002),
        ("tulip", 3e6, 0.001),
    ):
        for _ in range(20):
            lines.append(
                f"{height + generator.gauss(0, 1e5)},{species},{width + generator.gauss(0, 1e-4)}"
            )
    (folder / "flowers.csv").write_text("\n".join(lines), encoding="utf-8")
    return "flowers.csv"


@needs_matplotlib
def test_the_command_trains_and_draws(folder):
    # With a display asked for and none there.
    environment = {**os.environ, "MPLBACKEND": "tkagg", "DISPLAY": ":nowhere"}
    process = start("train", *SMALL, env=environment)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert [p.name for p in folder.iterdir()] == ["moons.png"]
    assert (folder / "moons.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    lines = out.splitlines()
    assert lines[0] == "20 points, 17 parameters"
    assert [
        re.match(r"epoch (\d)/4  loss \d+\.\d{4}  accuracy +\d+\.\d%", s)[1] for s in lines[1:6]
    ] == [*"01234"]
    assert re.fullmatch(r"trained: accuracy \d+\.\d%, loss \d+\.\d{4}", lines[6])
    assert lines[7:] == ["decision boundary and loss: moons.png"]


def test_without_a_command_it_trains(capsys, without_matplotlib):
    assert cli.main(SMALL) == 0
    bare = capsys.readouterr().out
    assert cli.main(["train", *SMALL]) == 0
    assert capsys.readouterr().out == bare
    assert "epoch 4/4" in bare


@pytest.mark.parametrize("data", ["moons", "circles", "spirals"])
def test_every_data_set_is_learned_by_default(capsys, without_matplotlib, data):
    assert cli.main(["train", data]) == 0
    accuracy = re.search(r"trained: accuracy (\S+)%", capsys.readouterr().out)[1]
    assert float(accuracy) > 95


def test_the_default_training_is_what_it_was(capsys, without_matplotlib):
    cli.main([])
    assert "trained: accuracy 100.0%, loss 0.0159\n" in capsys.readouterr().out


def test_an_option_wins_over_the_data_sets_default(capsys, without_matplotlib):
    cli.main(["train", "spirals", "--points", "30", "--layers", "3", "--epochs", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "30 points, 13 parameters"
    assert lines[3].startswith("epoch 2/2")


def test_data_may_follow_options(capsys, without_matplotlib):
    cli.main(["train", *SMALL, "--seed", "1", "circles"])
    after = capsys.readouterr().out
    cli.main(["train", "circles", *SMALL, "--seed", "1"])
    assert capsys.readouterr().out == after


def test_the_seed_decides_everything(capsys, without_matplotlib):
    outputs = []
    for seed in ("1", "1", "2"):
        assert cli.main([*SMALL, "--seed", seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != outputs[2]


def test_options_reach_the_training(capsys, without_matplotlib):
    cli.main([*SMALL, "--activation", "tanh", "--lr", "0.5", "--noise", "0"])
    first = capsys.readouterr().out
    cli.main([*SMALL, "--activation", "tanh", "--learning-rate", "0.25", "--noise", "0"])
    second = capsys.readouterr().out
    assert first.splitlines()[:2] == second.splitlines()[:2]
    assert first != second
    cli.main(["--points", "5", "--epochs", "25", "--layers", "3", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 points, 20 parameters"
    epochs = [line.split("/")[0].split()[1] for line in lines if line.startswith("epoch")]
    assert epochs == ["0", "3", "6", "9", "12", "15", "18", "21", "24", "25"]


def test_help_says_every_default(capsys):
    for words in (["--help"], ["train", "--help"]):
        with pytest.raises(SystemExit):
            cli.main(words)
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


def test_a_saved_network_takes_a_files_own_numbers(capsys, folder, flowers, without_matplotlib):
    pytest.importorskip("numpy")
    from megagrad.state import load

    assert cli.main(["train", flowers, "--target", "species", "--save", "f.npz"]) == 0
    line = next(s for s in capsys.readouterr().out.splitlines() if s.startswith("network: "))
    assert line == (
        "network: f.npz, for MLP(2, [16, 16, 3], activation='relu'); "
        "species: the largest output's of ['daisy', 'rose', 'tulip']"
    )
    model = MLP(2, [16, 16, 3], activation="relu")
    model.load_state_dict(load("f.npz"))
    told = []
    for height, width in ((1e6, 0.001), (2e6, 0.002), (3e6, 0.001)):
        scores = [score.data for score in model([height, width])]
        told.append(scores.index(max(scores)))
    assert told == [0, 1, 2]


def test_a_saved_network_of_two_classes(capsys, without_matplotlib):
    pytest.importorskip("numpy")
    from megagrad.state import load

    cli.main(["train", "--save", "m.npz"])
    assert "label: positive for '+1', else '-1'\n" in capsys.readouterr().out
    model = MLP(2, [16, 16, 1])
    model.load_state_dict(load("m.npz"))
    assert model([0.0, 1.0]).data < 0 < model([1.0, -0.5]).data


@needs_matplotlib
@ignore_its_warnings
def test_the_picture_is_named_after_the_data(capsys, folder, flowers):
    assert cli.main(["train", flowers, "--target", "species", "--epochs", "2"]) == 0
    assert (folder / "flowers.png").exists()
    assert cli.main(["train", "circles", *SMALL, "--plot", "c.svg"]) == 0
    assert (folder / "c.svg").exists()
    assert cli.main(["train", "circles", *SMALL, "--output", "d.svg"]) == 0
    assert (folder / "d.svg").exists()


@needs_matplotlib
@ignore_its_warnings
def test_other_numbers_of_features_have_a_loss_curve(capsys, folder):
    (folder / "line.csv").write_text("x,kind\n1,a\n2,a\n3,b\n4,b\n", encoding="utf-8")
    assert cli.main(["train", "line.csv"]) == 0
    assert capsys.readouterr().out.endswith("\nloss: line.png\n")


def test_names_that_the_terminal_has_no_letters_for(folder):
    pytest.importorskip("numpy")
    (folder / "a.csv").write_text("x,类\n1,数\n2,据\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = start("train", "a.csv", "--save", "m.npz", "--epochs", "2", env=environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "\\u7c7b: positive for" in out


def test_without_matplotlib_the_picture_is_in_the_terminal(capsys, folder, without_matplotlib):
    assert cli.main([*SMALL, "--plot", "unused.png"]) == 0
    out = capsys.readouterr().out
    assert list(folder.iterdir()) == []
    assert "pip install 'megagrad[viz]'" in out
    assert "\n+------" in out
    assert "\x1b" not in out


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
    assert cli.main(SMALL) == 0
    out, err = capsys.readouterr()
    assert "epoch" not in out
    last = err.split("\r")[-1]
    assert "100%" in last
    assert "4/4" in last
    assert re.search(r"loss \d\.\d{4}, accuracy \d+\.\d%", last)


def test_lines_on_a_terminal_without_tqdm(capsys, monkeypatch, without_matplotlib):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(SMALL) == 0
    out, err = capsys.readouterr()
    assert "epoch 4/4" in out
    assert err == ""


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
        (["--activation", "tahn"], "argument --activation: invalid choice: 'tahn' (choose from "),
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
    assert cli.main(["train", "a.csv"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"megagrad: {message}")
    assert err.count("\n") == 1
    assert "--activation" not in err


@pytest.mark.parametrize("activation", ["log", "sqrt", "arcsin", "log1p", "arccos", "exp"])
def test_an_activation_that_cannot_take_every_number(capsys, without_matplotlib, activation):
    words = ["train", "--activation", activation, "--epochs", "100"]
    assert cli.main(words) == 1
    err = capsys.readouterr().err
    assert re.fullmatch(r"megagrad: .* --activation .*\n", err), err


@needs_matplotlib
@ignore_its_warnings
def test_a_picture_that_cannot_be_written_is_refused_before_training(capsys, folder):
    (folder / "file").write_text("")
    (folder / "folder.png").mkdir()
    for output, problem in {
        "absent/moons.png": "is in 'absent', which is not a folder",
        "file/moons.png": "is in 'file', which is not a folder",
        "folder.png": "is a folder",
        "moons.xyz": "needs one of the suffixes ",
        "moons": "needs one of the suffixes ",
    }.items():
        line = failure(capsys, "train", "--plot", output)
        assert f"argument --plot/--output: {output!r} {problem}" in line
    assert ".png" in line
    assert ".svg" in line


@needs_matplotlib
@ignore_its_warnings
def test_a_file_without_permission_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    assert "'moons.png' is not writable" in failure(capsys, "train")
    assert "'m.npz' is not writable" in failure(capsys, "train", "--save", "m.npz")


@needs_matplotlib
@ignore_its_warnings
def test_a_write_that_fails_after_all(capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(picture, "draw", full)
    assert cli.main(SMALL) == 1
    assert (
        capsys.readouterr().err == "megagrad: cannot write 'moons.png': No space left on device\n"
    )


def test_a_loss_that_runs_away_saves_nothing(capsys, folder, without_matplotlib):
    assert cli.main([*SMALL, "--lr", "1e200", "--save", "m.npz"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("megagrad: the loss is ")
    assert "--learning-rate" in err
    assert list(folder.iterdir()) == []


@needs_signals
def test_the_first_ctrl_c_keeps_what_is_trained(folder):
    process = start("--epochs", "1000000", "--save", "m.npz")
    line = ""
    while not line.startswith("epoch"):
        line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    epoch = re.fullmatch(r"\nmegagrad: interrupted after epoch (\d+)\n", err)[1]
    assert f" ({epoch} of 1000000 epochs)\n" in out
    assert "network: m.npz, for " in out
    assert (folder / "m.npz").exists()
    assert (folder / "moons.png").exists() == picture.matplotlib_is_installed()


@needs_signals
def test_the_second_ctrl_c_ends_at_once(folder, monkeypatch, capsys, without_matplotlib):
    def slow(*_):
        os.kill(os.getpid(), signal.SIGINT)  # the user wants to keep it
        os.kill(os.getpid(), signal.SIGINT)  # no more
        raise AssertionError("still here")

    monkeypatch.setattr(train, "_learn", slow)
    assert cli.main([*SMALL, "--save", "m.npz"]) == 130
    assert capsys.readouterr().err == "\nmegagrad: interrupted\n"
    assert list(folder.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@needs_signals
def test_another_handler_of_ctrl_c_is_left_alone():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt.noticed() as is_interrupted:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert not is_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("words", "roles"),
    [
        (["a.csv", "--save", "./a.csv"], "DATA and --save"),
        (["--save", "same.png", "--plot", "same.png"], "--save and --plot"),
    ],
)
def test_no_file_is_written_over_another(capsys, folder, words, roles):
    content = "x,label\n1,a\n2,b\n"
    (folder / "a.csv").write_text(content)
    assert f"error: {roles} are the same file" in failure(capsys, "train", *words)
    assert (folder / "a.csv").read_text() == content
    assert [p.name for p in folder.iterdir()] == ["a.csv"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_file_that_is_replaced_need_not_be_writable_itself(capsys, folder):
    path = folder / "state.npz"
    path.write_text("")
    path.chmod(0o444)
    asked = []

    def access(path, mode):
        asked.append(os.fspath(path))
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "access", access)
        assert train.words.output(os.fspath(path)) == path
    assert asked == [os.fspath(folder)]


def test_a_name_that_ends_like_a_folder_is_refused(capsys):
    assert "'new/' is a folder" in failure(capsys, "train", "--save", "new/")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX links")
def test_a_link_into_a_folder_that_is_not_there_is_refused(capsys, folder):
    (folder / "link").symlink_to("absent/m.npz")
    assert "which is not a folder" in failure(capsys, "train", "--save", "link")
