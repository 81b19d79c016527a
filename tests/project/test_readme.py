"""The README's Python blocks run, and print what their comments say."""

import pytest
from support.documents import blocks, promised
from support.places import ROOT

BLOCKS = blocks("README.md")


def test_there_are_blocks():
    if not (ROOT / "README.md").exists():
        pytest.skip("needs the whole checkout")
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(block, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102
    assert promised(block), "a block shows what it does"
    assert capsys.readouterr().out.splitlines() == promised(block)
