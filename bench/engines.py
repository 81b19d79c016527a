"""The engines that are compared: one entry for each column of the table."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import micrograd.engine
import micrograd.nn
import scalar_value

import megagrad.engine


@dataclass(frozen=True)
class Engine:
    """One column of the table."""

    name: str
    value: type[Any]
    """The class whose objects are the numbers."""

    collector: bool = True
    """Whether Python's cyclic garbage collector runs while this engine is timed."""

    module: str | None = None
    """What a program imports to have the engine; None if there is nothing to install."""

    nn: ModuleType | None = None
    """The engine's own neural networks, with an ``MLP`` as micrograd's."""

    functional: ModuleType | None = None
    """The engine's own bulk operations."""

    optim: ModuleType | None = None
    """The engine's own optimisers."""

    autograd: bool = True
    """False for a yardstick: a class of numbers without gradients."""

    largest_graph: int = 100_000
    """The engine is not asked for graphs of more nodes, for want of time and memory."""


def _add_exp_and_log(value: type[Any]) -> None:
    # micrograd lacks the two, the GPT needs them; written as the class writes its own ops.
    def exp(self: Any) -> Any:
        out = value(math.exp(self.data), (self,), "exp")

        def _backward() -> None:
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self: Any) -> Any:
        out = value(math.log(self.data), (self,), "log")

        def _backward() -> None:
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    value.exp, value.log = exp, log


def _module_or_none(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


_add_exp_and_log(micrograd.engine.Value)

MEGAGRAD = Engine(
    "megagrad",
    megagrad.engine.Value,
    module="megagrad",
    nn=_module_or_none("megagrad.nn"),
    functional=_module_or_none("megagrad.functional"),
    optim=_module_or_none("megagrad.optim"),
    largest_graph=1_000_000,
)
MICROGRAD = Engine("micrograd", micrograd.engine.Value, module="micrograd.engine", nn=micrograd.nn)
MICROGRAD_GC_OFF = replace(MICROGRAD, name="micrograd, gc off", collector=False)
SCALAR_CLASS = Engine("scalar class", scalar_value.Value)
SCALAR_CLASS_GC_OFF = replace(SCALAR_CLASS, name="scalar class, gc off", collector=False)
COMPLEX = Engine("complex", complex, autograd=False)

ENGINES = (
    MEGAGRAD,
    MICROGRAD,
    MICROGRAD_GC_OFF,
    SCALAR_CLASS,
    SCALAR_CLASS_GC_OFF,
    COMPLEX,
)
