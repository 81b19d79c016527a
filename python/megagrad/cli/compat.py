"""Serving megagrad under micrograd's name, to programs that say ``import micrograd``."""

import sys
from collections.abc import Callable
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import megagrad
from megagrad import engine, nn

__all__ = ["serve_micrograd"]


def serve_micrograd() -> None:
    """Make every later ``import micrograd`` in this process mean megagrad, installed or not.

    The same goes for processes that ``multiprocessing`` starts, but not for other programs that this
    one runs. ``micrograd.engine`` and ``micrograd.nn`` are megagrad's own modules under a second
    name, so what is replaced in one is replaced in the other, and pickles name ``megagrad``. The
    package has no other submodules.
    """
    spec = ModuleSpec("micrograd", None, origin=megagrad.__file__, is_package=True)
    package = ModuleType("micrograd", megagrad.__doc__)
    vars(package).update(__spec__=spec, __path__=[], __file__=spec.origin, __package__="micrograd")
    sys.modules["micrograd"] = package
    for name, module in (("engine", engine), ("nn", nn)):
        sys.modules[f"micrograd.{name}"] = module
        setattr(package, name, module)
    _serve_in_workers()


class _Server:
    """Serves micrograd where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return serve_micrograd, ()


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
