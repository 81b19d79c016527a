"""``megagrad train``: Ctrl-C keeps what is trained."""

import re
import signal

import pytest
from support.command_line import SMALL, start
from support.needs import needs_signals

from megagrad.cli import interrupt, train
from megagrad.cli.main import main
from megagrad.demo import picture

pytestmark = pytest.mark.usefixtures("folder")


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


def test_the_second_ctrl_c_ends_at_once(folder, monkeypatch, capsys, without_matplotlib):
    def slow(*_):
        signal.raise_signal(signal.SIGINT)  # the user wants to keep it
        signal.raise_signal(signal.SIGINT)  # no more
        raise AssertionError("still here")

    monkeypatch.setattr(train, "_learn", slow)
    assert main([*SMALL, "--save", "m.npz"]) == 130
    assert capsys.readouterr().err == "\nmegagrad: interrupted\n"
    assert list(folder.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_of_ctrl_c_is_left_alone():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt.noticed() as is_interrupted:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert not is_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
