"""Pictures of a decision boundary and of a training."""

import re

import pytest
from support.needs import needs_matplotlib

from megagrad.demo import picture
from megagrad.demo.datasets import Table, moons
from megagrad.demo.training import Progress
from megagrad.nn import MLP

# A file name of this kind starts with these bytes.
SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF", ".svg": b"<?xml"}

ignore_its_warnings = pytest.mark.filterwarnings("ignore")


class Score:
    def __init__(self, data):
        self.data = data


class Halves:
    """A model that says +1 right of x1 = 0, and for whom every call counts."""

    def __call__(self, x):
        return Score(x[0])


class Thirds:
    """A model of three classes: left, middle and right."""

    def __call__(self, x):
        return [Score(-x[0] - 0.5), Score(0.0), Score(x[0] - 0.5)]


POINTS = [(-1.0, 0.0), (1.0, 0.5), (-0.9, 1.0), (0.9, -0.5)]
TWO = Table(POINTS, [0, 1, 1, 0], ["x1", "x2"], "label", ["-1", "+1"])
THREE = Table([*POINTS, (0.0, 0.0)], [0, 2, 0, 1, 1], ["length", "width"], "kind", ["a", "b", "c"])
HISTORY = [Progress(0, 1.5, 0.5), Progress(1, 1.0, 0.75), Progress(2, 0.25, 1.0)]


def test_sketch():
    lines = picture.sketch(Halves(), TWO, width=30).splitlines()
    frame, legend = lines[:-3], lines[-3:]
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
    assert "capitals" in legend[0]
    assert legend[1:] == ["o     label -1", "x ... label +1"]


def test_sketch_of_three_classes():
    lines = picture.sketch(Thirds(), THREE, width=40).splitlines()
    rows = [line[1:-1] for line in lines[1:-5]]
    assert len(rows) >= 3
    for row in rows:
        assert re.fullmatch("[ o]+[.x]+[:vX]+", row)
    assert lines[-3:] == ["o     kind a", "x ... kind b", "v ::: kind c"]


def test_sketch_in_colour():
    plain = picture.sketch(Halves(), TWO, width=30)
    coloured = picture.sketch(Halves(), TWO, width=30, colour=True)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert bare.splitlines()[:-3] == plain.replace(".", " ").splitlines()[:-3]
    for line in coloured.splitlines()[1:-4]:
        left, right = re.fullmatch(
            r"\|(\x1b\[48;5;24;97m.{14})(\x1b\[48;5;130;97m.{14})\x1b\[0m\|", line
        ).groups()
        assert left
        assert right
    assert coloured.splitlines()[-1] == "x \x1b[48;5;130;97m   \x1b[0m label +1"


def test_a_terminal_is_not_told_what_to_do_by_names():
    table = TWO._replace(classes=["\x1b[2J", "+1"])
    assert "\x1b" not in picture.sketch(Halves(), table, width=30)


def test_sketch_of_points_in_one_place():
    table = TWO._replace(points=[(5.0, 0.0)] * 4)
    assert len(picture.sketch(Halves(), table, width=30).splitlines()) > 5


@needs_matplotlib
@ignore_its_warnings
@pytest.mark.parametrize("suffix", SIGNATURES)
def test_draw(tmp_path, suffix):
    points, labels = moons(20, seed=1)
    table = Table(points, [label > 0 for label in labels], *TWO[2:])
    path = tmp_path / f"picture{suffix}"
    picture.draw(MLP(2, [4, 1]), table, HISTORY, path, "A title")
    assert path.read_bytes().startswith(SIGNATURES[suffix])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw, and return the figure."""

    def draw(model, table, history=HISTORY):
        from matplotlib.figure import Figure

        figures = []
        savefig = Figure.savefig

        def keep(figure, *arguments, **options):
            figures.append(figure)
            savefig(figure, *arguments, **options)

        monkeypatch.setattr(Figure, "savefig", keep)
        picture.draw(model, table, history, tmp_path / "p.png", "A title")
        return figures[0]

    return draw


def names_in_legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def boundary_of(axes):
    return [
        p.vertices for c in axes.collections for p in c.get_paths() if c.get_linewidth()[0] == 2
    ]


@needs_matplotlib
@ignore_its_warnings
def test_what_is_drawn_of_two_classes(drawn):
    figure = drawn(Halves(), TWO)
    axes, loss, accuracy = figure.axes
    assert figure.get_suptitle() == "A title"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x1", "x2")
    assert names_in_legend(axes) == ["boundary", "margin (score ±1)", "label -1", "label +1"]
    scattered = [c for c in axes.collections if len(c.get_offsets()) == 2]
    assert [c.get_offsets().tolist() for c in scattered] == [
        [[-1.0, 0.0], [0.9, -0.5]],
        [[1.0, 0.5], [-0.9, 1.0]],
    ]
    assert scattered[0].get_facecolor().tolist() != scattered[1].get_facecolor().tolist()
    boundary = boundary_of(axes)
    assert boundary
    assert all(abs(x1) < 1e-9 for vertices in boundary for x1, _ in vertices)
    assert loss.get_lines()[0].get_xydata().tolist() == [[0, 1.5], [1, 1.0], [2, 0.25]]
    assert accuracy.get_lines()[0].get_ydata().tolist() == [0.5, 0.75, 1.0]
    assert names_in_legend(loss) == ["loss", "accuracy"]


@needs_matplotlib
@ignore_its_warnings
def test_what_is_drawn_of_three_classes(drawn):
    axes, *_ = drawn(Thirds(), THREE).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("length", "width")
    assert names_in_legend(axes) == ["boundary", "kind a", "kind b", "kind c"]
    places = {round(x1, 6) for vertices in boundary_of(axes) for x1, _ in vertices}
    assert places == {-0.5, 0.5}
    styles = {
        (tuple(c.get_facecolor()[0]), len(c.get_paths()[0].vertices))
        for c in axes.collections
        if c.get_zorder() == 3
    }
    assert len(styles) == 3


@needs_matplotlib
@ignore_its_warnings
def test_of_other_numbers_of_features_only_the_loss_is_drawn(drawn):
    table = TWO._replace(points=[(x1,) for x1, _ in POINTS], features=["x1"])
    loss, _accuracy = drawn(Halves(), table).axes
    assert loss.get_xlabel() == "epoch"


@needs_matplotlib
@pytest.mark.filterwarnings("error:No contour levels:UserWarning")
def test_draws_a_model_without_a_boundary_after_no_epoch(drawn):
    class Same(Halves):
        def __call__(self, x):
            return super().__call__([0.5])

    assert drawn(Same(), TWO, HISTORY[:1])


@needs_matplotlib
def test_names_are_drawn_as_they_are(drawn):
    features = ["_x$y$", "$\\frac"]
    table = TWO._replace(features=features, target="_kind $", classes=["$", "数据"])
    axes, *_ = drawn(Halves(), table).axes
    assert axes.get_xlabel().strip() == features[0]
    assert [name.strip() for name in names_in_legend(axes)[2:]] == ["_kind $ $", "_kind $ 数据"]
