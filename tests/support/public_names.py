"""All that is public: modules, the functions and classes in them, and their members."""

import importlib
import inspect
import pkgutil

import pytest

import megagrad

MODULES = [
    "megagrad",
    *(
        found.name
        for found in pkgutil.walk_packages(megagrad.__path__, "megagrad.")
        if not found.name.endswith("__main__")  # which would run
    ),
]

# micrograd's names, which are public though they begin with an underscore.
MICROGRADS = ("_op", "_prev", "_children", "_local_grads", "_backward")


def imported(name):
    """A module; the test is skipped where an optional library is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name is None or error.name.startswith("megagrad"):
            raise
        pytest.skip(f"needs {error.name}")


def public(module):
    """The functions and classes that a module offers, by name."""
    offered = {name: getattr(module, name) for name in getattr(module, "__all__", [])}
    return {
        name: thing
        for name, thing in offered.items()
        if callable(thing) and thing.__module__.startswith("megagrad")
    }


def members(cls):
    """Methods, properties, and attributes of C types that a class defines; no NamedTuple's fields."""
    return {
        name: member
        for name, member in vars(cls).items()
        if (not name.startswith("_") or name in MICROGRADS)
        and (callable(member) or inspect.isdatadescriptor(member) or is_bound_to_class(member))
        and type(member).__name__ != "_tuplegetter"
    }


def is_bound_to_class(member):
    return isinstance(member, classmethod | staticmethod)
