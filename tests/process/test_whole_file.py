"""Writing files whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from megagrad import _files


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        _files.write(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_was_there_stays_if_writing_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "a draft")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left") as caught:
        _files.write(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions and links")
def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    _files.write(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to():
    _files.write(os.devnull, b"new")
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(os.name != "nt", reason="needs Windows")
def test_a_folder_that_is_called_dev_is_none_of_devices():
    with pytest.raises(FileNotFoundError) as caught:
        _files.write(r"C:\dev\missing\file", b"new")
    assert caught.value.__cause__ is not None  # of the draft


@pytest.mark.skipif(os.name == "nt", reason="needs /dev/stdout")
def test_a_pipe_is_written_to():
    program = "from megagrad import _files; _files.write('/dev/stdout', b'new')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert (done.stdout, done.stderr) == (b"new", b"")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX links")
def test_links_that_lead_nowhere(tmp_path):
    here, there, new = tmp_path / "here", tmp_path / "there", tmp_path / "new"
    here.symlink_to(there)
    there.symlink_to(here)
    with pytest.raises(OSError, match="symbolic links"):
        _files.write(here, b"new")
    there.unlink()
    there.symlink_to(new)
    _files.write(here, b"new")
    assert new.read_bytes() == b"new"
    assert here.is_symlink()


def test_a_name_that_ends_like_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError):
        _files.write(f"{tmp_path}/new{os.sep}", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_ends_with_a_dot_folder(tmp_path):
    with pytest.raises(IsADirectoryError):
        _files.write(os.path.join(tmp_path, "new", "."), b"new")
    assert list(tmp_path.iterdir()) == []
