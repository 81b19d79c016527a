"""The documentation site: ``sphinx-build -W --keep-going -n -b html docs build/docs``.

Building it needs no network.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import megagrad
from megagrad._core import ops

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

project = "megagrad"
author = "The megagrad authors"
release = version = megagrad.__version__
html_title = f"megagrad {release}"

extensions = ["myst_nb", "sphinx.ext.autodoc"]
root_doc = "index"
exclude_patterns = ["**.ipynb_checkpoints"]
highlight_language = "text"
pygments_style = "friendly"
html_theme = "furo"
html_math_renderer = "mathml"  # which browsers have, where MathJax would be fetched
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
smartquotes = False  # texts are read as code, too

# Names that begin otherwise are Python's and NumPy's, whose lists of names would have to be fetched;
# and type variables have no page.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!megagrad\b).*|megagrad\..*\._\w+")]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # tests run the tutorial, and hold its outputs against the stored ones

default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 90

# Files outside of this folder that are pages of the site.
PAGES = {
    ROOT / "README.md": "/readme.md",
    ROOT / "CHANGELOG.md": "/changelog.md",
    ROOT / "CONTRIBUTING.md": "/contributing.md",
    ROOT / "bench" / "README.md": "/benchmark.md",
}
LINK = re.compile(r"(?<!!)\[([^][]*)\]\(([^()#:\s]+)(#[^()\s]*)?\)")


def with_links_of_the_site(text: str, folder: Path) -> str:
    """A page's text with its links changed from places in the checkout to places of the site.

    folder: where the text's file is. Files that are no page become downloads; a link to a folder
    becomes its text alone.
    """

    def changed(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target.is_dir():
            return link[1]
        if not target.exists():  # what looks like a link in code is none
            return link[0]
        path = PAGES.get(target) or f"/{os.path.relpath(target, DOCS).replace(os.sep, '/')}"
        return f"[{link[1]}]({path}{link[3] or ''})"

    return LINK.sub(changed, text)


def change_links_of_a_page(_: Sphinx, docname: str, content: list[str]) -> None:
    """Before a page of this folder is parsed."""
    content[0] = with_links_of_the_site(content[0], (DOCS / docname).parent)


def change_links_of_an_included_file(_: Sphinx, path: Path, __: str, content: list[str]) -> None:
    """Before a file that a page includes is parsed; path: as seen from this folder."""
    content[0] = with_links_of_the_site(content[0], (DOCS / path).parent)


def escape_docstring(*arguments: Any) -> None:
    """Docstrings are prose: a bar in them is a bar."""
    lines: list[str] = arguments[-1]
    lines[:] = [line.replace("|", r"\|") for line in lines]


class OpMethods(Directive):
    """The methods of Value that the op table has, in its order."""

    def run(self) -> list[nodes.Node]:
        """Leave each one's docstring to autodoc."""
        names = [row.name for row in ops() if row.kind != "infix"]
        lines = [f".. automethod:: megagrad.Value.{name}" for name in names]
        found = nodes.Element()
        self.state.nested_parse(StringList(lines, "the op table"), self.content_offset, found)
        return found.children


class CommandLine(Directive):
    """What the command line says of itself, and of each of its commands."""

    def run(self) -> list[nodes.Node]:
        """Ask the program: the page shows the one that is there."""
        overview = self.help()
        commands = re.findall(r"^ {4}(\S+)", overview, re.MULTILINE)
        return [literal(overview), *map(self.section, commands)]

    def section(self, command: str) -> nodes.section:
        """One command's part of the page."""
        title = f"megagrad {command}"
        return nodes.section(
            "",
            nodes.title(title, title),
            literal(self.help(command)),
            ids=[nodes.make_id(title)],
            names=[title],
        )

    def help(self, *command: str) -> str:
        """What --help prints, as wide as a page."""
        done = subprocess.run(
            [sys.executable, "-m", "megagrad", *command, "--help"],
            check=False,
            env={**os.environ, "COLUMNS": "88", "NO_COLOR": "1"},
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode != 0:
            raise self.error(f"megagrad {' '.join(command)} --help failed: {done.stderr}")
        return done.stdout


def show_formula(page: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    page.body.append(convert(node.astext()))
    raise nodes.SkipNode


def show_displayed_formula(page: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula in a line of its own."""
    page.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def literal(text: str) -> nodes.literal_block:
    """Text as a terminal shows it."""
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the above."""
    app.connect("source-read", change_links_of_a_page)
    app.connect("include-read", change_links_of_an_included_file)
    app.connect("autodoc-process-docstring", escape_docstring)
    app.add_html_math_renderer("mathml", (show_formula, None), (show_displayed_formula, None))
    app.add_directive("op-methods", OpMethods)
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
