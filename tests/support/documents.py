"""The code that a Markdown file shows, and what it says that the code prints."""

import re

from support.places import ROOT


def text(path):
    """The text of a file of the checkout; empty where tests run without it."""
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.exists() else ""


def blocks(path, language="python"):
    """The fenced blocks of a language, those within lists too, without their indentation."""
    fenced = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    return [
        re.sub(rf"^{indent}", "", code, flags=re.MULTILINE)
        for indent, code in fenced.findall(text(path))
    ]


def promised(block):
    """The lines that a block prints, as the comments of its prints have them."""
    return re.findall(r"^ *print\(.*\)  # (.*)$", block, re.MULTILINE)
