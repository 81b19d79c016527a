"""The data sets: generated ones, and CSV files."""

import itertools
import math
import random
import statistics

import pytest

from megagrad.demo.datasets import circles, moons, read_csv, spirals


def distances(points, labels):
    """How far each point is from the circle that its moon is half of, with the centre's angle."""
    centres = {-1: (0, 0), 1: (1, 0.5)}
    for (x1, x2), label in zip(points, labels, strict=True):
        a, b = centres[label]
        yield label, math.hypot(x1 - a, x2 - b) - 1, x2 - b


GENERATORS = [moons, circles, spirals]


@pytest.mark.parametrize("generate", GENERATORS)
@pytest.mark.parametrize(("count", "upper"), [(2, 1), (3, 1), (100, 50), (101, 50)])
def test_sizes_and_labels(generate, count, upper):
    points, labels = generate(count, seed=1)
    assert len(points) == len(labels) == count
    assert set(labels) == {-1, 1}
    assert labels.count(-1) == upper
    assert all(len(p) == 2 and all(isinstance(x, float) for x in p) for p in points)


def test_without_noise_the_points_lie_on_two_half_circles():
    points, labels = moons(100, noise=0, seed=1)
    for label, off, height in distances(points, labels):
        assert off == pytest.approx(0, abs=1e-12)
        assert -label * height >= -1e-12
    upper = sorted((p for p, label in zip(points, labels, strict=True) if label < 0), reverse=True)
    assert upper[0] == pytest.approx((1, 0))
    assert upper[-1] == pytest.approx((-1, 0), abs=1e-12)
    angles = [math.atan2(max(x2, 0), x1) for x1, x2 in upper]
    steps = [b - a for a, b in itertools.pairwise(angles)]
    assert steps == pytest.approx([math.pi / 49] * 49)


def test_without_noise_the_circles_are_round():
    points, labels = circles(40, noise=0, seed=1)
    for label, radius in ((-1, 1), (1, 0.5)):
        chosen = [p for p, of in zip(points, labels, strict=True) if of == label]
        assert [math.hypot(*p) for p in chosen] == pytest.approx([radius] * 20)
        angles = sorted(math.atan2(x2, x1) % (2 * math.pi) for x1, x2 in chosen)
        steps = [b - a for a, b in itertools.pairwise(angles)]
        assert steps == pytest.approx([math.pi / 10] * 19)


def test_without_noise_the_spirals_wind():
    points, labels = spirals(40, noise=0, seed=1)
    for label, sign in ((-1, 1), (1, -1)):
        chosen = sorted(
            (math.hypot(*p), p) for p, of in zip(points, labels, strict=True) if of == label
        )
        assert [r for r, _ in chosen] == pytest.approx([0.1 + 0.9 * i / 19 for i in range(20)])
        for r, (x1, x2) in chosen:
            angle = 3 * math.pi * r
            assert (x1, x2) == pytest.approx(
                (sign * r * math.cos(angle), sign * r * math.sin(angle))
            )


@pytest.mark.parametrize("generate", GENERATORS)
def test_noise_is_a_standard_deviation(generate):
    for noise in (0.05, 0.2):
        noisy, _ = generate(4000, noise, seed=3)
        exact, _ = generate(4000, 0, seed=3)
        for axis in (0, 1):
            errors = [a[axis] - b[axis] for a, b in zip(noisy, exact, strict=True)]
            assert statistics.stdev(errors) == pytest.approx(noise, rel=0.1)
            assert statistics.mean(errors) == pytest.approx(0, abs=noise / 10)


def test_shuffled():
    _, labels = moons(100, seed=1)
    assert labels != sorted(labels)
    assert 0 < labels[:50].count(1) < 50


@pytest.mark.parametrize("generate", GENERATORS)
def test_the_seed_decides_and_the_global_generator_is_left_alone(generate):
    random.seed(5)
    state = random.getstate()
    assert generate(50, 0.1, seed=7) == generate(50, 0.1, seed=7)
    assert generate(50, 0.1, seed=7) != generate(50, 0.1, seed=8)
    assert generate(50, 0.1) != generate(50, 0.1)
    assert random.getstate() == state


@pytest.mark.parametrize("generate", GENERATORS)
@pytest.mark.parametrize("points", [1, 0, -5])
def test_too_few_points(generate, points):
    with pytest.raises(ValueError, match=f"points must be at least 2, .*got {points}"):
        generate(points)


@pytest.mark.parametrize("generate", GENERATORS)
@pytest.mark.parametrize("points", [10.0, "10", None])
def test_points_must_be_an_integer(generate, points):
    with pytest.raises(TypeError, match="points must be an integer, not '"):
        generate(points)


@pytest.mark.parametrize("generate", GENERATORS)
@pytest.mark.parametrize("noise", [-0.1, math.inf, math.nan])
def test_bad_noise(generate, noise):
    with pytest.raises(ValueError, match=f"noise must be .*got {noise}"):
        generate(10, noise)


@pytest.fixture
def write(tmp_path):
    def write_bytes(content):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_bytes


def test_a_csv_file(write):
    table = read_csv(write("x, size ,kind\n1,2.5,b\n -3e2 ,4,a\n0,0,b\n"))
    assert table.points == [(1.0, 2.5), (-300.0, 4.0), (0.0, 0.0)]
    assert table.labels == [1, 0, 1]
    assert table[2:] == (["x", "size"], "kind", ["a", "b"])


def test_the_target_may_be_any_column(write):
    table = read_csv(write("x,kind,y\n1,b,2\n3,a,4\n"), "kind")
    assert table.points == [(1.0, 2.0), (3.0, 4.0)]
    assert table[1:] == ([1, 0], ["x", "y"], "kind", ["a", "b"])


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfx,kind\n1,a\n2,b\n",
        "x,kind\r\n1,a\r\n2,b\r\n",
        "x,kind\r1,a\r2,b",
        "\nx,kind\n\n1,a\n\n\n2,b\n\n",
        '"x","kind"\n"1","a"\n"2","b"\n',
    ],
    ids=["byte-order mark", "Windows", "old Macs", "empty lines", "quotes"],
)
def test_forms_of_the_same_file(write, content):
    assert read_csv(write(content)) == ([(1.0,), (2.0,)], [0, 1], ["x"], "kind", ["a", "b"])


def test_names_may_have_anything(write):
    table = read_csv(write('"a, ""b""\nc",größe,类\n1,2,"x\ny"\n3,4,ß\n'))
    assert table[2:] == (['a, "b"\nc', "größe"], "类", ["x\ny", "ß"])


@pytest.mark.parametrize(
    ("content", "feature", "classes"),
    [
        ('"x;y",kind\n1,"a;b"\n2,"c;d"\n', "x;y", ["a;b", "c;d"]),
        ('"x;y",kind\n1,"a;b"\n2,c\n', "x;y", ["a;b", "c"]),
        ("P(x|y),kind\n1,a\n2,b\n", "P(x|y)", ["a", "b"]),
        ("x,kind\n1,a;b\n2,c;d\n", "x", ["a;b", "c;d"]),
        ("x,\tkind\n1,\ta\n2,\tb\n", "x", ["a", "b"]),
    ],
)
def test_what_separates_elsewhere_may_be_in_a_cell(write, content, feature, classes):
    assert read_csv(write(content))[2:] == ([feature], "kind", classes)


def rows(entries):
    return "x,y\n" + "".join(f"1,{entry}\n" for entry in entries)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; it needs a header"),
        ("\n\n", "is empty; it needs a header"),
        (b"\xef\xbb\xbf", "is empty; it needs a header"),
        (",,\n", "is empty; it needs a header"),
        ("x,kind\n", "has a header, but no rows"),
        ("kind\na\nb\n", "line 1: 'kind' is the only column"),
        ("x;kind\n1;a\n", "line 1: cells are separated by ';', and have to be by commas"),
        ("price, eur;kind\n1,5;a\n2,5;b\n", "line 1: cells are separated by ';'"),
        ("price, eur;kind\n1,5;a\n2,5;b;\n", "line 1: cells are separated by ';'"),
        ("price, eur;kind\n1,5;a\n2,5\n3,5;b\n", "line 1: cells are separated by ';'"),
        ("x;kind\n1;a;\n2\n", "line 1: cells are separated by ';'"),
        ('"price, eur";"kind"\n"1,5";"a"\n2,5;b;c\n', "line 1: cells are separated by ';'"),
        ("0.5,1,a\n1.5,2,b\n", "line 1: .* are numbers, not names of columns"),
        ('x,kind\n"1,5",a\n2,b\n', "line 2, column 'x': '1,5' is not a number"),
        ("x\tkind\n1\ta\n", r"line 1: cells are separated by '\\t'"),
        ("x,x,kind\n", "line 1: 2 columns have the name 'x'"),
        ("x,kind\n1,a\nz,b\n", "line 3, column 'x': 'z' is not a number"),
        ('x,kind\n1,"a\nb"\n\nz,b\n', "line 5, column 'x': 'z' is not a number"),
        ("x,kind\n1_0,a\n", "line 2, column 'x': '1_0' is not a number"),
        ('x,kind\n"1,5",a\n', "line 2, column 'x': '1,5' is not a number"),
        (f"x,kind\n{'z' * 99},a\n", r"line 2, column 'x': 'z{37}\.\.\.' is not a number"),
        ("x,kind\nnan,a\n", "line 2, column 'x': 'nan' is not finite"),
        ("x,kind\n-inf,a\n", "line 2, column 'x': '-inf' is not finite"),
        ("x,kind\n1e999,a\n", "line 2, column 'x': '1e999' is not finite"),
        ("x,kind\n,a\n", "line 2, column 'x': the cell is missing"),
        ("x,kind\n1, \n", "line 2, column 'kind': the cell is missing"),
        ("x,kind\n1\n", "line 2, column 'kind': the cell is missing"),
        ("x,kind\n1,a\n1,b,3\n", "line 3 has 3 cells, the header 2"),
        ("x,kind\n1,a\n2,a\n", "column 'kind' names one class only, 'a'"),
        (rows(f"{i}.5" for i in range(11)), "column 'y' has 11 different entries in 11 rows"),
        (rows([*range(11)] * 9), "column 'y' has 11 different entries in 99 rows, too many"),
        (rows(f"name {i}" for i in range(30)), "column 'y' has 30 different entries in 30 rows"),
        ('x,kind\n1,"a\n2,b\n', "line 2: unexpected end of data"),
        ('x,kind\n1,"a"b\n', "line 2: ',' expected after '\"'"),
        (b"x,kind\n1,a\n1,\xe4\n", r"line 3 is not UTF-8 text \(byte 0xe4\)"),
        ("x,kind\n1,a\n".encode("utf-16"), r"line 1 is not UTF-8 text \(byte 0xff\)"),
        (f"x,kind\n1,{'a' * 200_000}\n", "line 2: field larger than field limit"),
    ],
)
def test_what_is_wrong_with_a_csv_file(write, content, message):
    path = write(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_no_such_column(write):
    with pytest.raises(ValueError, match=r"has no column 'z'; it has 'x', 'kind'$"):
        read_csv(write("x,kind\n1,a\n2,b\n"), "z")


def test_few_rows_may_have_few_classes(write):
    assert len(read_csv(write(rows(range(10)))).classes) == 10
    letters = [chr(97 + i) for i in range(26)]
    assert read_csv(write(rows(letters * 3))).classes == letters


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(OSError):  # noqa: PT011
            read_csv(path)


def test_lines_of_spaces_are_passed_over(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("   \nx1,label\n1,a\n  \n2,b\n")
    assert read_csv(path).points == [(1.0,), (2.0,)]


def test_wrong_types(tmp_path):
    for data in (moons, circles, spirals):
        with pytest.raises(TypeError, match="noise must be a real number, not 'str'"):
            data(10, noise="1")
        with pytest.raises(ValueError, match="points must be at most 2147483647"):
            data(10**12)
    with pytest.raises(TypeError, match="target must be a str or None, not 'int'"):
        read_csv(tmp_path / "a.csv", target=1)
