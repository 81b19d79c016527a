"""Files of a module's numbers: nothing is lost, and what is no such file is refused."""

import math
import os
import pathlib
import random
import re
import stat
import struct
import sys
import zipfile

import numpy as np
import pytest

import megagrad
from megagrad import Value, nn


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def bits(state):
    return [(name, struct.pack("<d", number)) for name, number in state.items()]


def test_a_model_is_what_it_was(path):
    random.seed(1)
    model, other = nn.MLP(3, [4, 2]), nn.MLP(3, [4, 2])
    megagrad.save(model.state_dict(), path)
    other.load_state_dict(megagrad.load(path))
    assert bits(other.state_dict()) == bits(model.state_dict())
    assert other([1.0, -2.0, 0.5])[1].data == model([1.0, -2.0, 0.5])[1].data


def test_arrays_come_back_with_their_shapes(path):
    random.seed(1)
    model, other = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    model.scale, other.scale = Value(2.0), Value(3.0)
    model([[1.0, 2.0], [3.0, 5.0]])
    megagrad.save(model.state_dict(), path)
    state = megagrad.load(path)
    assert list(state) == list(model.state_dict())
    assert state["0.weight"].shape == (3, 2)
    assert state["scale"] == 2.0
    other.load_state_dict(state)
    assert other.eval()([[1.0, 2.0]])[0, 0].data == model.eval()([[1.0, 2.0]])[0, 0].data
    assert other[1].num_batches_tracked == 1


def test_arrays_of_any_shape_and_kind(path):
    state = {"a": np.zeros((0, 3)), "b": np.array(True), "c": 2.0, "d": np.arange(4).reshape(2, 2)}
    megagrad.save(state, path)
    found = megagrad.load(path)
    assert found["a"].shape == (0, 3)
    assert (found["b"], found["c"], found["d"].tolist()) == (1.0, 2.0, [[0.0, 1.0], [2.0, 3.0]])


def test_a_million_million_shapes_in_a_few_bytes(path):
    header = b"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    member = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    np.savez(path, data=NUMBER)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("names.npy", member)
        file.writestr("shapes.npy", member)
    with pytest.raises(ValueError, match="a number for each name, not 1"):
        megagrad.load(path)


NUMBERS = [
    *(0.0, -0.0, 1 / 3, math.nan, -math.nan, math.inf, -math.inf),
    *(5e-324, 1.7976931348623157e308),
]


def test_every_number_comes_back_bit_for_bit(path):
    state = {f"x.{i}": number for i, number in enumerate(NUMBERS)}
    state["payload"] = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
    megagrad.save(state, path)
    assert bits(megagrad.load(path)) == bits(state)


NAMES = [
    *("", " ", "z", "a", "a.b", "ключ", "😀", "a\0b", "\0a", "new\nline", "\ud800"),
    *("é", "e\u0301"),
]


def test_every_name_comes_back_in_its_place(path):
    state = {name: float(i) for i, name in enumerate(NAMES)}
    megagrad.save(state, path)
    assert list(megagrad.load(path).items()) == list(state.items())


@pytest.mark.parametrize("state", [{}, {"": 1.0}, {"one": 2.0}])
def test_small_states(path, state):
    megagrad.save(state, path)
    assert megagrad.load(path) == state


def test_keys_of_dicts_are_names_too(path):
    class Table(nn.Module):
        def __init__(self):
            self.rows = {"weiß": Value(1.5), 7: Value(2.5)}

    megagrad.save(Table().state_dict(), path)
    assert megagrad.load(path) == {"rows.weiß": 1.5, "rows.7": 2.5}


@pytest.mark.parametrize("number", [3, True, np.float32(0.5), np.int64(-2)])
def test_what_a_value_can_be_made_of_is_a_number(path, number):
    megagrad.save({"x": number}, path)
    assert megagrad.load(path) == {"x": float(number)}
    assert type(megagrad.load(path)["x"]) is float


def test_numpy_reads_the_file(path):
    megagrad.save({"b": 1.5, "a": -2.0}, path)
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["names"].tolist() == ["b", "a"]
        assert arrays["data"].dtype == np.float64
        assert arrays["data"].tolist() == [1.5, -2.0]


def test_numbers_of_the_other_byte_order(path):
    np.savez(path, names=np.array(["a"], dtype=">U1"), data=np.array([1.5], dtype=">f8"))
    assert megagrad.load(path) == {"a": 1.5}


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_the_file_has_the_name_given(tmp_path, kind):
    megagrad.save({"x": 1.0}, kind(tmp_path / "model"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    assert megagrad.load(kind(tmp_path / "model")) == {"x": 1.0}


# --- written whole or not at all -------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (nn.MLP(1, [1]), TypeError, "as model.state_dict.* returns it, not 'MLP'"),
        ([("a", 1.0)], TypeError, "a state must be a mapping of names to numbers.*not 'list'"),
        ({1: 1.0}, TypeError, "names must be strings, not 'int'"),
        ({"a": "1"}, TypeError, r"state\['a'\] must be a real number, not 'str'"),
        ({"a": Value(1)}, TypeError, r"state\['a'\] must be a real number, not 'Value'"),
        ({"a": 1j}, TypeError, "not 'complex'"),
        ({"a\0": 1.0}, ValueError, r"the name 'a\\x00' ends with a NUL character"),
    ],
)
def test_a_wrong_state_leaves_the_file_alone(path, state, error, message):
    path.write_bytes(b"earlier")
    with pytest.raises(error, match=message):
        megagrad.save(state, path)
    assert path.read_bytes() == b"earlier"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_the_file_alone(path, monkeypatch, error):
    def fail(self, target):
        raise error

    path.write_bytes(b"earlier")
    monkeypatch.setattr(pathlib.Path, "replace", fail)
    with pytest.raises(type(error)) as raised:
        megagrad.save({"a": 1.0}, path)
    if isinstance(error, OSError):
        assert str(raised.value) == f"[Errno 28] No space left on device: {str(path)!r}"
    assert path.read_bytes() == b"earlier"
    assert list(path.parent.iterdir()) == [path]


def test_errors_name_the_users_path(tmp_path):
    missing = tmp_path / "missing" / "model.npz"
    for act in (lambda: megagrad.save({}, missing), lambda: megagrad.load(missing)):
        with pytest.raises(FileNotFoundError) as raised:
            act()
        assert raised.value.filename == str(missing)
        assert raised.value.filename2 is None
    with pytest.raises(OSError, match=re.escape(repr(str(tmp_path)))) as raised:
        megagrad.save({}, tmp_path)
    assert raised.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError):
        megagrad.save({}, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as POSIX has them")
def test_permissions_are_those_of_open(tmp_path):
    plain, saved = tmp_path / "plain", tmp_path / "saved"
    earlier = os.umask(0o027)
    try:
        plain.open("w").close()
        megagrad.save({}, saved)
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode) == 0o640
    saved.chmod(0o600)
    megagrad.save({"x": 1.0}, saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_stays_a_link(tmp_path):
    link = tmp_path / "latest"
    link.symlink_to("model-7")
    megagrad.save({"x": 1.0}, link)
    megagrad.save({"x": 2.0}, link)
    assert link.is_symlink()
    assert megagrad.load(tmp_path / "model-7") == {"x": 2.0}


# --- what is no saved state ------------------------------------------------------------------


def archive(**arrays):
    return lambda path: np.savez(path, **arrays)


def single_array(path):
    with path.open("wb") as file:
        np.save(file, NUMBER)


NAME, NUMBER = np.array(["a"]), np.array([1.0])
WRONG = [
    (lambda path: path.write_bytes(b""), "damaged, or no .npz file"),
    (lambda path: path.write_text("some text"), "damaged, or no .npz file"),
    (lambda path: path.write_bytes(b"\x80\x04N."), "damaged, or no .npz file"),
    (single_array, "a single array"),
    (archive(), r"should be \['data', 'names'\], not \[\]"),
    (archive(names=NAME), r"not \['names'\]"),
    (archive(names=NAME, data=NUMBER, more=NUMBER), r"not \['data', 'more', 'names'\]"),
    (archive(names=np.array(["a"], dtype=object), data=NUMBER), "damaged, or no .npz file of num"),
    (archive(names=np.array([b"a"]), data=NUMBER), r"a row of strings, not \|S1 of shape \(1,\)"),
    (archive(names=np.array("a"), data=np.array(1.0)), r"a row of strings, not <U1 of shape \(\)"),
    (archive(names=NAME, data=np.array([1.0], "f4")), r"float64 .* not float32 of shape \(1,\)"),
    (archive(names=NAME, data=np.array([1])), "float64 of .* not int64"),
    (archive(names=NAME, data=np.array([1.0, 2.0])), r"names' shape \(1,\), not .* \(2,\)"),
    (archive(names=NAME, data=np.array([[1.0]])), r"not float64 of shape \(1, 1\)"),
    (archive(names=np.array(["a", "a"]), data=np.array([1.0, 2.0])), "a name occurs twice"),
    (archive(names=NAME, data=NUMBER, shapes=NUMBER), r"shapes should be strings .* not float64"),
    (archive(names=NAME, data=NUMBER, shapes=np.array(["", ""])), r"names' shape \(1,\), not <U1"),
    (archive(names=NAME, data=NUMBER, shapes=np.array(["-1"])), "such as '3 2', not '-1'"),
    (archive(names=NAME, data=NUMBER, shapes=np.array(["2 "])), "such as '3 2', not '2 '"),
    (archive(names=NAME, data=NUMBER, shapes=np.array(["999999999 9"])), "more numbers than 1"),
    (archive(names=NAME, data=NUMBER, shapes=np.array(["0"])), "should have 0 numbers, not 1"),
    (archive(names=NAME, data=np.array([["a"]]), shapes=np.array(["1"])), "a row of float64"),
]


@pytest.mark.parametrize(("write", "message"), WRONG)
def test_what_is_wrong_with_a_file(path, write, message):
    write(path)
    with pytest.raises(ValueError, match=f"model.npz' is not a saved state: .*{message}"):
        megagrad.load(path)


def state_or_refusal(path):
    try:
        return megagrad.load(path)
    except ValueError as error:
        if "is not a saved state" not in str(error):
            raise
        return None


def test_a_damaged_file_is_never_something_else(path):
    state = {f"layers.0.w.{i}": i / 7 for i in range(9)}
    megagrad.save(state, path)
    content = path.read_bytes()
    for end in range(0, len(content), 3):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match="is not a saved state"):
            megagrad.load(path)
    draw = random.Random(1)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        found = state_or_refusal(path)
        assert found in (state, None)  # the same if it is the time of day, say, that is damaged
        refused += found is None
    assert refused > 150


def test_members_that_are_no_arrays_and_letters_that_are_none(tmp_path):
    path = tmp_path / "state.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("names", b"a")
        file.writestr("data", b"b")
    with pytest.raises(ValueError, match="is not a saved state"):
        megagrad.load(path)
    np.savez(path, names=np.array([0x110000], dtype="<u4").view("<U1"), data=np.zeros(1))
    with pytest.raises(ValueError, match="is not a saved state"):
        megagrad.load(path)


def test_a_few_bytes_that_say_there_are_a_million_million_names(path):
    header = b"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    names = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    np.savez(path, data=NUMBER)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("names.npy", names)
    with pytest.raises(ValueError, match=r"names' shape \(1000000000000,\), not float64"):
        megagrad.load(path)
