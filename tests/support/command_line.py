"""Command lines, run in this process and in one of their own."""

import subprocess
import sys

import pytest

from megagrad.cli.main import main

# A training that is soon over.
SMALL = ["--points", "20", "--epochs", "4", "--layers", "4"]


def refusal(capsys, *words):
    """Run a command line that is refused, and return what stderr says."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


def failure(capsys, *words):
    """Return the last line of that."""
    return refusal(capsys, *words).splitlines()[-1]


def start(*words, **options):
    """Start a process whose streams are pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "megagrad", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    )
