"""Write what is expanded from the op table: its methods in the stub of `_core`, and the reference's table of ops.

``python docs/generate.py`` rewrites both files; with ``--check`` it only tells whether they are up to
date, and exits with 1 if not.
"""

import argparse
import re
import sys
from pathlib import Path

from megagrad._core import OpInfo, ops

ROOT = Path(__file__).resolve().parent.parent
STUB = ROOT / "python" / "megagrad" / "_core.pyi"
REFERENCE = ROOT / "docs" / "reference" / "value.md"
# Each file, and the lines between which its part is.
STUB_MARKS = "    # Written by docs/generate.py from the op table:", "    # End of the op table."
TABLE_MARKS = "<!-- ops: written by docs/generate.py -->", "<!-- end of ops -->"

# The slots of each entry that has a symbol of its own.
SLOTS = {
    "add": ("__add__", "__radd__"),
    "sub": ("__sub__", "__rsub__"),
    "mul": ("__mul__", "__rmul__"),
    "div": ("__truediv__", "__rtruediv__"),
}


def operator_lines(entry: OpInfo) -> list[str]:
    """The stub of a binary operator and its reflected form; the one of pow has a third argument."""
    plain, reflected = SLOTS[entry.name]
    return [
        f"    def {plain}(self, value: Value | _Number, /) -> Value: ...",
        f"    def {reflected}(self, value: _Number, /) -> Value: ...",
    ]


def method_line(entry: OpInfo) -> str:
    """The stub of a method of the table."""
    arguments = {
        "binary": "self, other: Value | _Number, /",
        "unary": "self, /",
        "parametric": f"self, /, {entry.parameter}: _Number = {entry.default}",
    }[entry.kind]
    return f"    def {entry.name}({arguments}) -> Value: ..."


def stub_methods() -> str:
    """The operators and methods of the stub's Value."""
    lines = [line for entry in ops() if entry.name in SLOTS for line in operator_lines(entry)]
    return "\n".join([*lines, *(method_line(entry) for entry in ops() if entry.kind != "infix")])


def formula(text: str, entry: OpInfo) -> str:
    """A formula of the table, with the parameter's name in place of y."""
    return re.sub(r"\by\b", entry.parameter, text) if entry.parameter else text


def written(entry: OpInfo) -> str:
    """How the op is called in Python."""
    if entry.kind == "infix":
        return f"x {entry.label} y"
    if entry.name in ("neg", "abs"):
        return {"neg": "-x", "abs": "abs(x)"}[entry.name]
    argument = {"binary": "y", "unary": "", "parametric": f"{entry.parameter}={entry.default}"}
    return f"x.{entry.name}({argument[entry.kind]})"


def table() -> str:
    """The reference's table of ops, one line each."""
    lines = ["| written | is | derivative by x | by y |", "|---|---|---|---|"]
    for entry in ops():
        by_x, by_y = (f"`{formula(text, entry)}`" if text else "" for text in (entry.dx, entry.dy))
        lines.append(
            f"| `{written(entry)}` | {entry.doc.replace('|', '&#124;')} | {by_x} | {by_y} |"
        )
    return "\n".join(lines)


def with_part(path: Path, marks: tuple[str, str], part: str) -> str:
    """The text of a file with its part between the marks written anew."""
    begin, end = marks
    before, rest = path.read_text(encoding="utf-8").split(begin)
    return f"{before}{begin}\n{part}\n{end}{rest.split(end)[1]}"


def main() -> int:
    """Write the files, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if outdated")
    check = parser.parse_args().check
    outdated = []
    for path, text in (
        (STUB, with_part(STUB, STUB_MARKS, stub_methods())),
        (REFERENCE, with_part(REFERENCE, TABLE_MARKS, table())),
    ):
        if path.read_text(encoding="utf-8") == text:
            continue
        outdated.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and outdated:
        print(f"{', '.join(outdated)} outdated: run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
