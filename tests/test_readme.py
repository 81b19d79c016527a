"""The README's Python blocks run, and print what their comments say."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCKS = (
    re.findall(
        r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    if README.exists()
    else []
)


def test_there_are_blocks():
    if not README.exists():
        pytest.skip("needs the whole checkout")
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(block, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, str(README), "exec"), {"__name__": "readme"})  # noqa: S102
    promised = re.findall(r"^ *print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert promised, "a block shows what it does"
    assert capsys.readouterr().out.splitlines() == promised
