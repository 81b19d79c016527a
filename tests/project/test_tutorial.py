"""The tutorial runs, and prints what it shows."""

import pytest
from support.places import ROOT

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
for package in ("graphviz", "matplotlib", "torch"):
    pytest.importorskip(package)

TUTORIAL = ROOT / "docs" / "tutorial.ipynb"


def shown(cell):
    """Return what a cell shows: text as it is, of pictures only that there is one."""
    outputs = []
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text")})
        pictures = [kind for kind in data if kind.startswith("image/")]
        outputs.append(pictures or data["text/plain"])
    return outputs


def test_the_tutorial(tmp_path):
    stored = nbformat.read(TUTORIAL, as_version=4)
    fresh = nbformat.read(TUTORIAL, as_version=4)
    nbclient.NotebookClient(
        fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    cells = [
        (old, new)
        for old, new in zip(stored.cells, fresh.cells, strict=True)
        if old.cell_type == "code" and "varies" not in old.metadata.get("tags", [])
    ]
    assert sum(len(shown(old)) for old, _ in cells) > 20
    for old, new in cells:
        assert shown(new) == shown(old), old.source
