"""Networks for PyTorch, and from it: the same modules, weights and numbers."""

from typing import TYPE_CHECKING, Any, overload

from megagrad._checks import kind
from megagrad.module import Module
from megagrad.nn.mlp import MLP, Layer, Neuron
from megagrad.torch_export.mlp import MODULES, from_sequential, refuse_hooks
from megagrad.torch_export.modules import from_module, to_module

if TYPE_CHECKING:
    import torch

__all__ = ["MODULES", "from_torch", "to_torch"]


@overload
def to_torch(model: MLP | Layer | Neuron) -> "torch.nn.Sequential": ...
@overload
def to_torch(model: Module) -> "torch.nn.Module": ...
def to_torch(model: Module) -> "torch.nn.Module":
    """Make a PyTorch network that computes what ``model`` does, to rounding, in float64.

    model: a module of ``megagrad.nn``, which becomes PyTorch's of the same name; a Sequential or
    ModuleList with all in it. An MLP, Layer or Neuron becomes a ``torch.nn.Sequential``, a Linear for each layer
    and a module for its activation, which takes tensors of shape (n, nin) or (nin,) and returns (n, nout) or
    (nout,), also where nout is 1.

    The weights are copies. An array that two modules share is one parameter in PyTorch, too, and a module
    that is in two places is one module. A Value that is held twice otherwise becomes two numbers.

    Raises ImportError without PyTorch, TypeError for another model, and ValueError for an activation of an
    MLP that PyTorch has no module for, as a function of one's own, for a layer whose neurons differ in their
    activation or their number of weights, for layers that do not fit one another, for an MLP
    without neurons, and for a module that got other parameters than it was made with.
    """
    network: torch.nn.Module = to_module(_torch("to_torch"), model)
    return network


def from_torch(network: "torch.nn.Module") -> Module:
    """Make a module that computes what a PyTorch network does, in float64.

    network: one of PyTorch's modules that ``megagrad.nn`` has, of any real dtype; a Sequential or
    ModuleList with all in it. It becomes ours of the same name. A Sequential of Linears, each followed by at
    most one activation of an MLP with its default settings, becomes an MLP: that is one call in C++. A
    Linear without a bias has one of 0 there. Names of one's own in a Sequential become 0, 1, 2, …

    The weights are copies, and exact; ``to_torch`` gives back the same ones. A parameter or a module that
    is in two places stays one. The module ``random`` is left as it was.

    Raises ImportError without PyTorch, TypeError for what is no module or a Sequential with a ``forward`` of
    its own, and ValueError for a module or a setting that ``megagrad.nn`` lacks, which it names. For a class of
    your own, write it with ``megagrad.nn`` and call ``load_state_dict(network.state_dict())``.
    """
    torch = _torch("from_torch")
    if not isinstance(network, torch.nn.Module) or (
        isinstance(network, torch.nn.Sequential)
        and type(network).forward is not torch.nn.Sequential.forward
    ):
        raise TypeError(f"network must be one of PyTorch's own modules, not {kind(network)}")
    refuse_hooks("network", network)
    if isinstance(network, torch.nn.Sequential):
        model = from_sequential(torch, network)
        if model is not None:
            model.train(network.training)
            return model
    return from_module(torch, network)


def _torch(asking: str) -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError(f"{asking} needs PyTorch: pip install torch", name="torch") from None
    return torch
