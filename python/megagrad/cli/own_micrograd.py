"""The ``micrograd`` that a program would import: which of its modules are micrograd's own text."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from typing import NamedTuple

__all__ = ["OwnMicrograd", "digests"]

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
    """A micrograd that is there: whether it is a package, and why a module of it cannot be replaced.

    reasons: by the module's name, for those that are there; ``''`` for one that is micrograd's text.
    """

    is_package: bool
    reasons: dict[str, str]

    @staticmethod
    def at(spec: ModuleSpec) -> "OwnMicrograd":
        """Return what is there, without importing it."""
        places = spec.submodule_search_locations
        if places is None:
            return OwnMicrograd(is_package=False, reasons={})
        specs = {name: PathFinder.find_spec(f"micrograd.{name}", list(places)) for name in KNOWN}
        reasons = {name: _own_part(name, found) for name, found in specs.items() if found}
        return OwnMicrograd(is_package=True, reasons=reasons)

    def served(self) -> list[str]:
        """Return the modules that megagrad stands for: nn only on top of the engine.

        They are added to a package that has neither, as a folder of notebooks may be one.
        """
        if not self.reasons:
            return list(KNOWN) if self.is_package else []
        if self.reasons.get("engine", "not there"):
            return []
        return [name for name, reason in self.reasons.items() if not reason]

    def report(self) -> str:
        """Say in one line what is replaced, and what is not and why."""
        served = " and ".join(f"micrograd.{name}" for name in self.served())
        if not self.is_package:
            return "megagrad: replaced nothing; kept the program's own micrograd (it is no package)"
        if not self.reasons:
            return f"megagrad: added {served} to the program's own micrograd, which has neither"
        kept = [
            f"micrograd.{name} ({reason or 'it needs the engine'})"
            for name, reason in self.reasons.items()
            if name not in self.served()
        ]
        own = f"; kept the program's own {' and '.join(kept)}" if kept else ""
        return f"megagrad: replaced {served or 'nothing'}{own}"


def _own_part(name: str, spec: ModuleSpec) -> str:
    """Name the first thing in a module that micrograd's has not; ``''`` if there is none."""
    if spec.submodule_search_locations is not None:
        return "it is a package"
    try:
        text = spec.loader.get_source(spec.name)  # type: ignore[union-attr]
        found = list(digests(ast.parse(text)))
    except (AttributeError, ImportError, SyntaxError, TypeError, ValueError):
        return "it is no Python that can be read"
    own = [part for part, digest in found if digest not in KNOWN[name].get(part, ())]
    return f"{own[0]} is its own" if own else ""


def digests(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what a module consists of: names, and of functions a digest of all but comments and types."""
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            # With its decorators and what is passed to its metaclass.
            head = [*statement.bases, *statement.keywords]
            marks = "".join(f"@{ast.unparse(mark)} " for mark in statement.decorator_list)
            yield f"{marks}class {statement.name}({','.join(map(ast.unparse, head))})", ""
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
