"""``megagrad bench``: the project's benchmark on this machine."""

from pathlib import Path
from typing import Any

from megagrad.cli import program

__all__ = ["add_parser", "start"]

PACKAGE = Path(__file__).resolve().parent.parent

# In a wheel; in a checkout, which an editable installation runs from.
FOLDERS = (PACKAGE / "bench", PACKAGE.parent.parent / "bench")


def start(words: list[str]) -> int:
    """Run the benchmark; all words are its own."""
    folder = next((folder for folder in FOLDERS if (folder / "__main__.py").is_file()), FOLDERS[0])
    program.run(str(folder), words)
    return 0


def add_parser(commands: Any) -> None:
    """Add a line to the list of commands; all else is said by the benchmark itself."""
    commands.add_parser("bench", add_help=False, help="measure megagrad against micrograd")
