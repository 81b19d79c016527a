"""Serving megagrad under micrograd's name, to programs that say ``import micrograd``."""

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import megagrad
from megagrad import engine
from megagrad.cli.own_micrograd import OwnMicrograd
from megagrad.nn import mlp

__all__ = ["serve_micrograd"]

MODULES = {"engine": engine, "nn": mlp}


def serve_micrograd(*, report: bool = True) -> None:
    """Make every later ``import micrograd`` in this process mean megagrad, installed or not.

    ``micrograd.engine`` and ``micrograd.nn`` are then megagrad's own modules under a second name, so
    what is replaced in one is replaced in the other, and pickles name ``megagrad``. If the import
    would find a micrograd, be it a copy beside the program or an installed one, only these modules are
    replaced, each only where its text is micrograd's, and ``nn`` only together with the engine. What
    the package's ``__init__`` and its other modules have, stays.

    report: whether that import says on stderr, in one line, what was replaced, and why the rest was not.

    The same goes for processes that ``multiprocessing`` starts, but not for other programs that this
    one runs. From the call on, ``print`` shows a Value by its ``repr``, as micrograd's does.
    """
    engine.Value.__str__ = object.__str__  # type: ignore[method-assign]
    for name in [name for name in sys.modules if name.partition(".")[0] == "micrograd"]:
        del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    sys.meta_path.insert(0, _Finder(report))
    _serve_in_workers()


class _Finder(MetaPathFinder, Loader):
    """Finds what ``import micrograd`` would find anyway, and gives it megagrad's modules.

    It looks when the program imports micrograd: programs in a folder of examples put the folder above
    on the path first.
    """

    def __init__(self, report: bool) -> None:
        self.is_reporting = report
        self.served: dict[str, ModuleType] = {}
        self.loader: Any = None  # of the package that is there; a namespace has none

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "micrograd":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None:
            self.served, self.loader = MODULES, None
            return ModuleSpec(name, self, origin=megagrad.__file__, is_package=True)
        own = OwnMicrograd.at(spec)
        if self.is_reporting:
            print(own.report(), file=sys.stderr)
            self.is_reporting = False  # once is enough for a package that is imported again
        self.served = {name: MODULES[name] for name in own.served()}
        if self.served:
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self.served)
        sys.modules.update({f"micrograd.{name}": served for name, served in self.served.items()})
        if self.loader is not None:
            # From now on the package is as if it had been found without this finder.
            vars(module).update(__loader__=self.loader)
            module.__spec__.loader = self.loader  # type: ignore[union-attr]
            self.loader.exec_module(module)


class _Server:
    """Serves micrograd where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return partial(serve_micrograd, report=False), ()


@cache
def _serve_in_workers() -> None:
    """Have ``multiprocessing`` hand a _Server to each new process, before the program's module."""
    import multiprocessing
    from multiprocessing import spawn

    prepare = spawn.get_preparation_data

    def preparation_data(name: str) -> dict[str, Any]:
        return {"micrograd": _Server(), **prepare(name)}  # the first entry is unpickled first

    spawn.get_preparation_data = preparation_data
    if "forkserver" in multiprocessing.get_all_start_methods():
        # By default the server itself would import the program, and nothing before it.
        multiprocessing.set_forkserver_preload([__name__])
