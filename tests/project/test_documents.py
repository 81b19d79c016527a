"""The documents' links lead somewhere, and the reference has all that is public."""

import importlib
import re

import pytest
from support.documents import text
from support.places import ROOT

import megagrad
from megagrad import Function, Value
from megagrad._core import ops

DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "bench/*.md", "docs/*.md", "docs/guides/*.md", "docs/reference/*.md")
    for path in sorted(ROOT.glob(pattern))
]
LINK = re.compile(r"\]\(([^()\s]+)\)")
OUTSIDE = re.compile(r"https?://")

pytestmark = pytest.mark.skipif(
    not (ROOT / "CMakeLists.txt").exists(), reason="needs the whole checkout"
)


def prose(path):
    """A document's text without its code."""
    return re.sub(r"^( *)```.*?^\1```$|`[^`\n]*`", "`", text(path), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """The names that headings have as link targets, by GitHub's rule."""
    titles = re.findall(
        r"^#+ (.*)$",
        re.sub(r"^```.*?^```$", "", text(path), flags=re.MULTILINE | re.DOTALL),
        re.MULTILINE,
    )
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links(document):
    for link in LINK.findall(prose(document)):
        if OUTSIDE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT)), link


def test_there_are_documents_and_links():
    assert {"README.md", "docs/index.md", "docs/guides/parallel.md"} <= set(DOCUMENTS)
    assert len(LINK.findall(prose("README.md"))) >= 5


REFERENCE = "\n".join(map(text, (name for name in DOCUMENTS if "/reference/" in name)))


def documented(name):
    """Whether a directive of the reference names it, alone or with its module."""
    return re.search(rf"^ *\.\. \S+:: (\w+\.)*{name}(\(.*)?$", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("cls", [Value, Function])
def test_members_of_the_compiled_types_are_in_the_reference(cls):
    """Ops are listed by the table."""
    members = {name for name in vars(cls) if not name.startswith("_")}
    for name in members - {op.name for op in ops()}:
        assert documented(name), name


@pytest.mark.parametrize("name", ["nn", "functional", "optim", "optim.lr_scheduler", "parallel"])
def test_what_modules_export_is_in_the_reference(name):
    module = importlib.import_module(f"megagrad.{name}")
    if re.search(rf"automodule:: megagrad\.{re.escape(name)}\n   :members:", REFERENCE):
        return
    assert f"automodule:: megagrad.{name}" in REFERENCE
    for export in set(module.__all__) - {"Value", "random", "lr_scheduler"}:
        assert documented(export), export


def test_what_the_package_exports_is_in_the_reference():
    elsewhere = {"engine", "functional", "nn", "optim", "parallel", "where", "__version__"}
    for export in set(megagrad.__all__) - elsewhere:
        assert documented(export), export
