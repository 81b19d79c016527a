"""The guides, and references with programs: their code runs and prints what its comments say, and their figures are measured ones.

The blocks of a page are one program, run as such. The guide to parallel programs, which are several
processes, is in ``test_parallel_guide``.
"""

import math
import re
import subprocess
import sys

import pytest
from support.documents import blocks, promised, text
from support.needs import FREE_THREADED
from support.places import ROOT

from megagrad._core import ops

PAGES = [
    "index.md",
    "reference/data.md",
    "reference/drawing.md",
    *(f"guides/{name}.md" for name in ("micrograd", "networks", "choosing", "ops", "inside")),
]
OP_TABLE = ROOT / "cpp" / "graph" / "op_table.hpp"

needs_docs = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="needs the whole checkout")


@needs_docs
@pytest.mark.parametrize("page", PAGES)
def test_code(page, tmp_path):
    shown = blocks(f"docs/{page}")
    if FREE_THREADED and "__sizeof__" in "".join(shown):
        pytest.skip("every object is larger there")
    program = tmp_path / "page.py"
    program.write_text("\n".join(shown), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "utf8", program],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    lines = [line for block in shown for line in promised(block)]
    assert lines, "a page shows what its code does"
    assert done.stdout.splitlines() == lines


@needs_docs
def test_every_guide_is_tested():
    guides = {f"guides/{path.name}" for path in (ROOT / "docs" / "guides").glob("*.md")}
    assert guides == {page for page in PAGES if page.startswith("guides/")} | {"guides/parallel.md"}


# A number and its unit, as tables and prose have them.
FIGURE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) (ns|µs|ms|bytes a node)\b")
SOURCES = ("README.md", "docs/design.md", "bench/README.md")


@needs_docs
@pytest.mark.parametrize("page", PAGES)
def test_figures_are_those_that_were_measured(page):
    if not all((ROOT / source).exists() for source in SOURCES):
        pytest.skip("needs the whole checkout")
    measured = "\n".join(map(text, SOURCES))
    for number, unit in FIGURE.findall(text(f"docs/{page}")):
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", measured), (number, unit)


def columns(entry):
    """The columns of an ENTRY: what is between commas outside of parentheses and quotes."""
    inside = entry[entry.index("(") + 1 : entry.rindex(")")].replace("\\\n", "")
    return [
        part.strip()
        for part in re.findall(
            r'(?:"[^"]*"|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|[^,"()])+', inside
        )
    ]


@needs_docs
class TestTheEntry:
    """The entry that the guide to ops shows, as far as it can be tried without a compiler."""

    @pytest.fixture
    def entry(self):
        (block,) = blocks("docs/guides/ops.md", "cpp")
        return columns(block)

    def test_it_has_the_columns_of_the_table(self, entry):
        if not OP_TABLE.exists():
            pytest.skip("needs the whole checkout")
        table = OP_TABLE.read_text(encoding="utf-8").split("#define MEGAGRAD_UNARY(ENTRY)")[1]
        first, second = table.splitlines()[1:3]
        assert len(entry) == len(columns(first)) == len(columns(second))

    def test_the_op_is_not_there_already(self, entry):
        assert entry[0] not in [op.name for op in ops()]

    def test_its_derivative_is_the_slope(self, entry):
        _, _, forward, derivative, *_ = entry
        names = {"T": float, "fabs": math.fabs}

        def at(formula, x):
            return eval(formula, {**names, "x": x})

        for x in (-2.5, -0.3, 0.4, 1.7):
            slope = (at(forward, x + 1e-6) - at(forward, x - 1e-6)) / 2e-6
            assert at(derivative, x) == pytest.approx(slope, rel=1e-7)
