"""Serving megagrad under micrograd's name, to programs that say ``import micrograd``."""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

import megagrad
from megagrad import engine
from megagrad.cli import own_micrograd
from megagrad.nn import mlp

__all__ = ["serve_micrograd"]

MODULES = {"engine": engine, "nn": mlp}


def serve_micrograd(import_path: Sequence[str] = ()) -> str:
    """Make every later ``import micrograd`` in this process mean megagrad, installed or not.

    import_path: the folders in which the program's own modules are. If there is a ``micrograd`` of its own, only its
    modules that are micrograd's to the letter are replaced, ``nn`` only on top of the engine; its other modules,
    and what its ``__init__`` has, stay. Returns a line that says so; ``''`` if there is none.

    The same goes for processes that ``multiprocessing`` starts, but not for other programs that this
    one runs. ``micrograd.engine`` and ``micrograd.nn`` are megagrad's own modules under a second
    name, so what is replaced in one is replaced in the other, and pickles name ``megagrad``. Without a folder of the
    program's own, the package has no other submodules. ``print`` shows a Value by its ``repr``, as micrograd's does.
    """
    engine.Value.__str__ = object.__str__  # type: ignore[method-assign]
    own = own_micrograd.found_beside(list(import_path))
    names = list(MODULES) if own is None else own.replaced()
    served = {name: MODULES[name] for name in names}
    sys.modules.update({f"micrograd.{name}": module for name, module in served.items()})
    if own is None:
        sys.modules["micrograd"] = _package(served)
    elif served:
        sys.meta_path.insert(0, _OwnPackage(list(import_path), served))
    _serve_in_workers(tuple(import_path))
    return own.report() if own else ""


def _package(modules: dict[str, ModuleType]) -> ModuleType:
    spec = ModuleSpec("micrograd", None, origin=megagrad.__file__, is_package=True)
    package = ModuleType("micrograd", megagrad.__doc__)
    vars(package).update(__spec__=spec, __path__=[], __file__=spec.origin, __package__="micrograd")
    vars(package).update(modules)
    return package


class _OwnPackage(MetaPathFinder, Loader):
    """Imports the program's own package, which then has modules of megagrad's from the start."""

    def __init__(self, import_path: list[str], modules: dict[str, ModuleType]) -> None:
        self.import_path, self.modules = import_path, modules
        self.loader: Any = None  # the one that reads the package's own text

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        spec = PathFinder.find_spec(name, self.import_path) if name == "micrograd" else None
        if spec is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self.modules)
        if (
            self.loader is not None
        ):  # a folder without an __init__ has none, or one that does nothing
            self.loader.exec_module(module)


class _Server:
    """Serves micrograd where it is unpickled."""

    def __init__(self, import_path: tuple[str, ...]) -> None:
        self.import_path = import_path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[tuple[str, ...]]]:
        return serve_micrograd, (self.import_path,)


@cache
def _serve_in_workers(import_path: tuple[str, ...]) -> None:
    """Have ``multiprocessing`` hand a _Server to each new process, before the program's module."""
    import multiprocessing
    from multiprocessing import spawn

    prepare = spawn.get_preparation_data

    def preparation_data(name: str) -> dict[str, Any]:
        server = _Server(import_path)
        return {"micrograd": server, **prepare(name)}  # the first entry is unpickled first

    spawn.get_preparation_data = preparation_data
    if "forkserver" in multiprocessing.get_all_start_methods():
        # By default the server itself would import the program, and nothing before it.
        multiprocessing.set_forkserver_preload([__name__])
