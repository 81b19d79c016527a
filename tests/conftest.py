"""What holds for all tests, and what tests of several files are given."""

import signal
import sys
import time

import pytest
from support.recorded_functions import points_of, repeated

from megagrad import record

# A job in the background of a script starts with Ctrl-C ignored, and so would the processes that
# tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def long_work():
    """A Function, points that take a while, and what one call computes of them."""
    f = record(repeated, 1)
    data = points_of(f, 10_000)
    start = time.perf_counter()
    f.vjp(data, threads=1)
    seconds = time.perf_counter() - start
    data = points_of(f, int(len(data) * 2 / seconds))
    return f, data, f.vjp(data)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, and no word about the terminal."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def without_matplotlib(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
