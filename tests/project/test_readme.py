"""The README's Python blocks run, and print what their comments say."""

import pytest
from support.documents import blocks, promised
from support.places import ROOT

BLOCKS = blocks("README.md")


def test_the_blocks_run_one_after_the_other(capsys, tmp_path, monkeypatch):
    if not (ROOT / "README.md").exists():
        pytest.skip("needs the whole checkout")
    pytest.importorskip("graphviz")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102
        assert promised(block), "a block shows what it does"
        assert capsys.readouterr().out.splitlines() == promised(block)
