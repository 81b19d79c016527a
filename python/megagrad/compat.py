"""Serving megagrad under micrograd's name, to programs that say ``import micrograd``."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import megagrad
from megagrad import engine, nn

__all__ = ["serve_micrograd"]


def serve_micrograd() -> None:
    """Make every later ``import micrograd`` in this process mean megagrad, installed or not.

    ``micrograd.engine`` and ``micrograd.nn`` are megagrad's own modules under a second name, so what
    is replaced in one is replaced in the other, and pickles name ``megagrad``. The package has
    no other submodules.
    """
    spec = ModuleSpec("micrograd", None, origin=megagrad.__file__, is_package=True)
    package = ModuleType("micrograd", megagrad.__doc__)
    vars(package).update(__spec__=spec, __path__=[], __file__=spec.origin, __package__="micrograd")
    sys.modules["micrograd"] = package
    for name, module in (("engine", engine), ("nn", nn)):
        sys.modules[f"micrograd.{name}"] = module
        setattr(package, name, module)
