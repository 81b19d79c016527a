"""The command line: training, its pictures, and what it says when something is wrong."""

import os
import re
import signal
import subprocess
import sys

import pytest

from megagrad import __version__, cli, picture
from megagrad.datasets import moons
from megagrad.nn import MLP

SMALL = ["--points", "20", "--epochs", "4", "--layers", "4"]

# A file name of this kind starts with these bytes.
SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF", ".svg": b"<?xml"}

needs_matplotlib = pytest.mark.skipif(
    not picture.matplotlib_is_installed(), reason="needs matplotlib"
)
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


def start(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "megagrad", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    )


def failure(capsys, *words):
    """Run a command that argparse refuses, and return its last line."""
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


@needs_matplotlib
def test_the_command_trains_and_draws(folder):
    # With a display asked for and none there.
    environment = {**os.environ, "MPLBACKEND": "tkagg", "DISPLAY": ":nowhere"}
    process = start("train", *SMALL, env=environment)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert [p.name for p in folder.iterdir()] == ["moons.png"]
    assert (folder / "moons.png").read_bytes().startswith(SIGNATURES[".png"])
    lines = out.splitlines()
    assert lines[0] == "20 points, 17 parameters"
    assert [
        re.match(r"epoch (\d)/4  loss \d+\.\d{4}  accuracy +\d+\.\d%", s)[1] for s in lines[1:6]
    ] == [*"01234"]
    assert re.fullmatch(r"trained: accuracy \d+\.\d%, loss \d+\.\d{4}", lines[6])
    assert lines[7:] == ["decision boundary: moons.png"]


def test_without_a_command_it_trains(capsys, without_matplotlib):
    assert cli.main(SMALL) == 0
    bare = capsys.readouterr().out
    assert cli.main(["train", *SMALL]) == 0
    assert capsys.readouterr().out == bare
    assert "epoch 4/4" in bare


def test_no_words_at_all_mean_train(monkeypatch):
    seen = []
    monkeypatch.setattr(cli, "_train", seen.append)
    monkeypatch.setattr(sys, "argv", ["megagrad"])
    assert cli.main() == 0
    (options,) = seen
    assert (options.command, options.points, options.layers, options.epochs) == (
        "train",
        100,
        [16, 16],
        100,
    )
    assert (options.noise, options.learning_rate, str(options.output)) == (0.1, 1.0, "moons.png")


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


def test_without_matplotlib_the_picture_is_in_the_terminal(capsys, folder, without_matplotlib):
    assert cli.main([*SMALL, "--output", "unused.png"]) == 0
    out = capsys.readouterr().out
    assert list(folder.iterdir()) == []
    assert "pip install 'megagrad[viz]'" in out
    assert "\n+------" in out
    assert "\x1b" not in out


def test_colours_are_for_terminals_whose_users_want_them(monkeypatch):
    assert not cli._stdout_has_colour()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli._stdout_has_colour()
    monkeypatch.setenv("NO_COLOR", "")
    assert cli._stdout_has_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not cli._stdout_has_colour()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not cli._stdout_has_colour()


class Halves:
    """A model that says +1 right of x1 = 0, and for whom every call counts."""

    def __call__(self, x):
        class Score:
            data = x[0]

        return Score


POINTS = [(-1.0, 0.0), (1.0, 0.5), (-0.9, 1.0), (0.9, -0.5)]
LABELS = [-1, 1, 1, -1]


def test_sketch():
    *frame, legend = picture.sketch(Halves(), POINTS, LABELS, width=30).splitlines()
    assert {len(line) for line in frame} == {30}
    assert frame[0] == frame[-1] == "+" + "-" * 28 + "+"
    rows = [line[1:-1] for line in frame[1:-1]]
    assert all(set(row[:14]) <= set(" oX") and set(row[14:]) <= set(".xO") for row in rows)
    places = {
        symbol: (y, x)
        for y, row in enumerate(rows)
        for x, symbol in enumerate(row)
        if symbol not in " ."
    }
    assert sorted(places, key=places.get) == ["X", "x", "o", "O"]  # from top to bottom
    assert places["x"][1] > places["o"][1]
    assert all(name in legend for name in ("o label -1", "x label +1", "capitals", "dots"))


def test_sketch_in_colour():
    plain = picture.sketch(Halves(), POINTS, LABELS, width=30)
    coloured = picture.sketch(Halves(), POINTS, LABELS, width=30, colour=True)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert bare.splitlines()[:-1] == plain.replace(".", " ").splitlines()[:-1]
    for line in coloured.splitlines()[1:-2]:
        left, right = re.fullmatch(
            r"\|(\x1b\[48;5;24;97m.{14})(\x1b\[48;5;130;97m.{14})\x1b\[0m\|", line
        ).groups()
        assert left
        assert right


@needs_matplotlib
@ignore_its_warnings
@pytest.mark.parametrize("suffix", SIGNATURES)
def test_draw(folder, suffix):
    points, labels = moons(20, seed=1)
    path = folder / f"picture{suffix}"
    picture.draw(MLP(2, [4, 1]), points, labels, path, "A title")
    assert path.read_bytes().startswith(SIGNATURES[suffix])


@needs_matplotlib
@ignore_its_warnings
def test_what_is_drawn(folder, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    picture.draw(Halves(), POINTS, LABELS, folder / "p.png", "A title")
    (axes,) = drawn[0].axes
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == ("A title", "$x_1$", "$x_2$")
    legend = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert legend == ["boundary", "margin (score ±1)", "label -1", "label +1"]
    scattered = [c for c in axes.collections if len(c.get_offsets()) == 2]
    assert [c.get_offsets().tolist() for c in scattered] == [
        [[-1.0, 0.0], [0.9, -0.5]],
        [[1.0, 0.5], [-0.9, 1.0]],
    ]
    assert scattered[0].get_facecolor().tolist() != scattered[1].get_facecolor().tolist()
    boundary = [
        p.vertices for c in axes.collections for p in c.get_paths() if c.get_linewidth()[0] == 2
    ]
    assert boundary
    assert all(abs(x1) < 1e-9 for vertices in boundary for x1, _ in vertices)


@needs_matplotlib
@pytest.mark.filterwarnings("error:No contour levels:UserWarning")
def test_draws_a_model_without_a_boundary(folder):
    class Same(Halves):
        def __call__(self, x):
            return super().__call__([0.5])

    picture.draw(Same(), POINTS, LABELS, folder / "p.png", "")
    assert (folder / "p.png").exists()


def test_help_names_every_option_and_shows_examples(capsys):
    for words in (["--help"], ["train", "--help"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        assert caught.value.code == 0
        text = " ".join(capsys.readouterr().out.split())
        options = text.split("options:")[-1].split("examples:")[0]
        for option, default in {
            "--points": 100,
            "--layers": "16 16",
            "--activation": "relu",
            "--epochs": 100,
            "--learning-rate": 1.0,
            "--noise": 0.1,
            "--seed": 1337,
            "--output": "moons.png",
        }.items():
            description = re.split(f"{option}[ ,]", options)[1].split("(default: ")[1]
            assert description.startswith(f"{default})")
        assert "--lr X" in options
        assert "examples: python -m megagrad train" in text


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"megagrad {__version__}\n"


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
        (["--depth", "3"], "unrecognized arguments: --depth 3"),
    ],
)
def test_bad_values_are_one_line_and_status_2(capsys, without_matplotlib, words, message):
    assert f"error: {message}" in failure(capsys, "train", *words)


def test_an_unknown_command(capsys):
    assert "invalid choice: 'tain'" in failure(capsys, "tain")


@pytest.mark.parametrize("words", [["run"], ["run", "-x"], ["run", "--"]])
def test_run_needs_a_program(capsys, words):
    assert "run needs a PROGRAM after it" in failure(capsys, *words)


@pytest.mark.parametrize("activation", ["log", "sqrt", "arcsin", "log1p", "arccos", "exp"])
def test_an_activation_that_cannot_take_every_number(capsys, without_matplotlib, activation):
    words = ["train", "--activation", activation, "--epochs", "100"]
    assert cli.main(words) == 1
    err = capsys.readouterr().err
    assert re.fullmatch(r"megagrad: .* --activation .*\n", err), err


@needs_matplotlib
@ignore_its_warnings
def test_an_output_that_cannot_be_written_is_refused_before_training(capsys, folder):
    (folder / "file").write_text("")
    (folder / "folder.png").mkdir()
    for output, problem in {
        "absent/moons.png": "is in 'absent', which is not a folder",
        "file/moons.png": "is in 'file', which is not a folder",
        "folder.png": "is a folder",
        "moons.xyz": "needs one of the suffixes ",
        "moons": "needs one of the suffixes ",
    }.items():
        line = failure(capsys, "train", "--output", output)
        assert f"argument --output: {output!r} {problem}" in line
    assert ".png" in line
    assert ".svg" in line


@needs_matplotlib
@ignore_its_warnings
def test_an_output_without_permission_is_refused(capsys, folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    assert "'moons.png' is not writable" in failure(capsys, "train")


@needs_matplotlib
@ignore_its_warnings
def test_a_write_that_fails_after_all(capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(picture, "draw", full)
    assert cli.main(SMALL) == 1
    assert (
        capsys.readouterr().err == "megagrad: cannot write 'moons.png': No space left on device\n"
    )


def test_a_loss_that_runs_away(capsys, without_matplotlib):
    assert cli.main([*SMALL, "--lr", "1e200"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("megagrad: the loss is ")
    assert "--learning-rate" in err


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c():
    process = start("--epochs", "100000")
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "\nmegagrad: interrupted\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written():
    command = [sys.executable, "-m", "megagrad", *SMALL]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "megagrad: cannot write: No space left on device\n",
    )


def test_no_output_at_all(monkeypatch, without_matplotlib):
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(SMALL) == 0


def test_closed_output():
    process = start("--epochs", "100000")
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("module", ["megagrad", "megagrad.nn", "megagrad.datasets"])
def test_imports_stay_light(module):
    code = f"import {module}, sys; print(sorted({{'numpy', 'argparse', 'matplotlib'}} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], encoding="utf-8") == "[]\n"


def test_the_command_line_does_without_numpy_and_matplotlib_until_it_draws():
    code = "import megagrad.cli, sys; print(sorted({'numpy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], encoding="utf-8") == "[]\n"
