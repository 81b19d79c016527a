"""``megagrad train``: networks and pictures that it writes, and files that it does not."""

import errno
import os
import random
import re

import pytest
from support.command_line import SMALL, failure, start
from support.needs import needs_matplotlib

from megagrad.cli import train
from megagrad.cli.main import main
from megagrad.demo import picture
from megagrad.nn import MLP

pytestmark = pytest.mark.usefixtures("folder")
ignore_its_warnings = pytest.mark.filterwarnings("ignore")


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


def test_a_saved_network_takes_a_files_own_numbers(capsys, folder, flowers, without_matplotlib):
    pytest.importorskip("numpy")
    from megagrad.state import load

    assert main(["train", flowers, "--target", "species", "--save", "f.npz"]) == 0
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

    main(["train", "--save", "m.npz"])
    assert "label: positive for '+1', else '-1'\n" in capsys.readouterr().out
    model = MLP(2, [16, 16, 1])
    model.load_state_dict(load("m.npz"))
    assert model([0.0, 1.0]).data < 0 < model([1.0, -0.5]).data


@needs_matplotlib
@ignore_its_warnings
def test_the_picture_is_named_after_the_data(capsys, folder, flowers):
    assert main(["train", flowers, "--target", "species", "--epochs", "2"]) == 0
    assert (folder / "flowers.png").exists()
    assert main(["train", "circles", *SMALL, "--plot", "c.svg"]) == 0
    assert (folder / "c.svg").exists()
    assert main(["train", "circles", *SMALL, "--output", "d.svg"]) == 0
    assert (folder / "d.svg").exists()


@needs_matplotlib
@ignore_its_warnings
def test_other_numbers_of_features_have_a_loss_curve(capsys, folder):
    (folder / "line.csv").write_text("x,kind\n1,a\n2,a\n3,b\n4,b\n", encoding="utf-8")
    assert main(["train", "line.csv"]) == 0
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
    assert main([*SMALL, "--plot", "unused.png"]) == 0
    out = capsys.readouterr().out
    assert list(folder.iterdir()) == []
    assert "pip install 'megagrad[viz]'" in out
    assert "\n+------" in out
    assert "\x1b" not in out


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
    assert main(SMALL) == 1
    assert (
        capsys.readouterr().err == "megagrad: cannot write 'moons.png': No space left on device\n"
    )


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
