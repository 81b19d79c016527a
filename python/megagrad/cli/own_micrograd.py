"""The ``micrograd`` folder that a program brings along: which of its modules are micrograd's own text."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

__all__ = ["OwnMicrograd", "digests", "found_beside"]

# What a fork may change without changing what is computed.
IGNORED = ("annotation", "returns", "type_params", "type_comment", "ctx", "kind")

# What micrograd's published modules consist of, functions with a digest of their syntax trees; some
# had several forms. What is not here is the program's own.
KNOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "engine": {
        "import math": ("",),
        "class Value()": ("",),
        "Value.__init__": (
            "a71a8fe776ab469a",
            "360466e33c998c4c",
            "0583aaf804ed4c42",
            "d1df849be13c1650",
        ),
        "Value.__add__": ("656e12bc5c69e4d3",),
        "Value.__mul__": ("7a489d8ca9e5bb91",),
        "Value.__pow__": ("2c9e6d561948520b", "0c35d9fcb733ab68"),
        "Value.relu": ("0dd9c87653de02ac",),
        "Value.backward": ("d71f1b0cdab553c7",),
        "Value.__neg__": ("e7adb85533b1c584",),
        "Value.__radd__": ("8263dc7afd7668f2",),
        "Value.__sub__": ("91ad1e3a649c1169",),
        "Value.__rsub__": ("559bf30f31d9a1e7",),
        "Value.__rmul__": ("8533556b6ac3de46",),
        "Value.__truediv__": ("95eddb3f81bcfbb1",),
        "Value.__rtruediv__": ("ce0a48b92685956d",),
        "Value.__repr__": ("da965486227a882f",),
    },
    "nn": {
        "import random": ("",),
        "from micrograd.engine import Value": ("",),
        "from .engine import Value": ("",),
        "class Module()": ("",),
        "Module.zero_grad": ("cd3fc22544126a0e",),
        "Module.parameters": ("c32004e24dcab504",),
        "class Neuron(Module)": ("",),
        "Neuron.__init__": ("d37d023819a663a9",),
        "Neuron.__call__": ("f85683d86865b9ba",),
        "Neuron.parameters": ("977762f3f9c188a4",),
        "Neuron.__repr__": ("c3917e4a1daac03e",),
        "class Layer(Module)": ("",),
        "Layer.__init__": ("2f23dbef6b467642",),
        "Layer.__call__": ("5be5abecb374f055",),
        "Layer.parameters": ("787cd809c6c1a5c1",),
        "Layer.__repr__": ("4c357ab5a0f1b809",),
        "class MLP(Module)": ("",),
        "MLP.__init__": ("cae1841caf554859",),
        "MLP.__call__": ("1319cde6807127dc",),
        "MLP.parameters": ("4215eed61cf5e724",),
        "MLP.__repr__": ("9510d5c3926b0521",),
    },
}


class OwnMicrograd(NamedTuple):
    """A program's micrograd: the package's folder, and why a module cannot be replaced, by its name.

    reasons: ``''`` for a module that has nothing of its own, or is not there.
    """

    folder: Path
    reasons: dict[str, str]

    def replaced(self) -> list[str]:
        """Return the modules that megagrad can stand for: nn only on top of the engine."""
        if self.reasons["engine"]:
            return []
        return [name for name, reason in self.reasons.items() if not reason]

    def report(self) -> str:
        """Say in one line what is replaced, and what is not and why."""
        replaced = self.replaced()
        kept = [
            f"micrograd.{name} ({reason or 'it needs the engine'})"
            for name, reason in self.reasons.items()
            if name not in replaced
        ]
        parts = [f"replaced {' and '.join(f'micrograd.{name}' for name in replaced) or 'nothing'}"]
        if kept:
            parts.append(f"kept the program's own {' and '.join(kept)}")
        return f"megagrad: {'; '.join(parts)}"


def found_beside(import_path: list[str]) -> OwnMicrograd | None:
    """Return the micrograd that stands in the program's own folder; None if there is none."""
    spec = PathFinder.find_spec("micrograd", import_path)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        return None
    folder = Path(places[0])
    reasons = {name: _own_part(name, folder / f"{name}.py") for name in KNOWN}
    return OwnMicrograd(folder, reasons)


def _own_part(name: str, path: Path) -> str:
    """Name the first thing in a module that micrograd's has not; ``''`` if there is none."""
    if not path.exists():
        return ""
    try:
        found = list(digests(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError):
        return "it is no Python that can be read"
    own = [part for part, digest in found if digest not in KNOWN[name].get(part, ())]
    return f"{own[0]} is its own" if own else ""


def digests(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what a module consists of: names, and of functions a digest of all but comments and types."""
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            bases = ",".join(ast.unparse(base) for base in statement.bases)
            yield f"class {statement.name}({bases})", ""
            for part in _without_docstring(statement.body):
                yield f"{statement.name}.{_name_of(part)}", _digest(part)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield ast.unparse(statement), ""
        elif not _is_text(statement):
            yield _name_of(statement), _digest(statement)


def _name_of(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef):
        return statement.name
    return ast.unparse(statement).partition("\n")[0]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return [statement for statement in body if not _is_text(statement)]


def _digest(node: ast.AST) -> str:
    return hashlib.sha256(repr(_shape(node)).encode()).hexdigest()[:16]


def _shape(part: object) -> object:
    """Return a syntax tree as tuples that are the same in every version of Python."""
    if isinstance(part, ast.AST):
        fields = (
            (
                name,
                _without_docstring(value) if name == "body" and isinstance(value, list) else value,
            )
            for name, value in ast.iter_fields(part)
            if name not in IGNORED
        )
        return type(part).__name__, *((n, _shape(v)) for n, v in fields if v not in (None, []))
    if isinstance(part, list):
        return tuple(map(_shape, part))
    return repr(part)
