"""megagrad: micrograd with a compiled engine.

``Value`` is the scalar that remembers how it was computed; ``megagrad.nn`` has neurons, layers and
multi-layer perceptrons, ``megagrad.functional`` bulk operations and losses, ``megagrad.optim``
optimisers and learning-rate schedules, ``megagrad.data`` batches of a data set. ``megagrad.engine``
and ``megagrad.nn`` are where micrograd has them. ``draw_dot`` and ``explain`` show what a graph does. ``Function`` and ``record`` turn it into a
program for whole arrays of points, and ``megagrad.parallel`` runs that on many processes or machines.
``save`` and ``load`` keep a model's numbers in a file, ``to_torch`` and ``from_torch`` exchange models with
PyTorch.
"""

import importlib

from megagrad import _function_files  # noqa: F401  # gives Functions files
from megagrad._core import Function, __version__
from megagrad.engine import Value

TYPE_CHECKING = False  # typing's, whose import would take longer than all else here

if TYPE_CHECKING:
    from megagrad import data, engine, functional, nn, optim, parallel
    from megagrad.function import record
    from megagrad.functional import where
    from megagrad.grad_mode import no_grad
    from megagrad.gradient_check import GradcheckError, gradcheck
    from megagrad.show.drawing import draw_dot
    from megagrad.show.explanation import explain
    from megagrad.show.graph import topological_order
    from megagrad.state import load, save
    from megagrad.torch_export import from_torch, to_torch

__all__ = [
    "Function",
    "GradcheckError",
    "Value",
    "__version__",
    "data",
    "draw_dot",
    "engine",
    "explain",
    "from_torch",
    "functional",
    "gradcheck",
    "load",
    "nn",
    "no_grad",
    "optim",
    "parallel",
    "record",
    "save",
    "to_torch",
    "topological_order",
    "where",
]

_MODULES = ("data", "functional", "nn", "optim", "parallel")
_HOMES = {
    "GradcheckError": "gradient_check",
    "draw_dot": "show.drawing",
    "explain": "show.explanation",
    "from_torch": "torch_export",
    "gradcheck": "gradient_check",
    "load": "state",
    "no_grad": "grad_mode",
    "record": "function",
    "save": "state",
    "to_torch": "torch_export",
    "topological_order": "show.graph",
    "where": "functional",
}

if not TYPE_CHECKING:  # which would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Import a module when it is first asked for: many programs need the engine alone."""
        if name in _MODULES:
            return importlib.import_module(f"megagrad.{name}")
        if name in _HOMES:
            return getattr(importlib.import_module(f"megagrad.{_HOMES[name]}"), name)
        from megagrad._misnamed import no_attribute

        raise no_attribute("megagrad", name, __all__)

    def __dir__() -> list[str]:
        """List what will be imported, too, for whoever completes names."""
        return sorted({*globals(), *__all__})
