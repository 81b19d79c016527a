"""MLPs as PyTorch's Sequential of Linears and activations, and back."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, TypeVar

from megagrad._checks import kind
from megagrad.nn.mlp import MLP, Layer, Neuron

if TYPE_CHECKING:
    from torch.nn import Sequential

__all__ = ["MODULES", "from_sequential", "refuse_hooks", "to_sequential"]

# PyTorch's module for an op, and the settings with which it is that op: of several, to_torch gives the
# first. Softplus(threshold=20), its default, is x for x > 20, where softplus is up to 2e-9 more.
MODULES: dict[str, tuple[str, dict[str, tuple[object, ...]]]] = {
    "relu": ("ReLU", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "softplus": ("Softplus", {"beta": (1.0,), "threshold": (37.0, 20.0)}),
    "silu": ("SiLU", {}),
    "gelu": ("GELU", {"approximate": ("none",)}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": (0.01,)}),
    "elu": ("ELU", {"alpha": (1.0,)}),
}


def to_sequential(torch: Any, model: MLP | Layer | Neuron) -> Sequential:
    """Return a ``torch.nn.Sequential`` of a Linear for each layer, and a module for its activation.

    Raises TypeError for a subclass that computes something else, ValueError for what PyTorch has not.
    """
    modules = []
    rows = _rows(model)
    if not rows or not all(rows):
        raise ValueError("a model must have at least one layer, and each layer one neuron")
    for before, neurons in pairwise(rows):
        if any(len(neuron.w) != len(before) for neuron in neurons):
            raise ValueError(f"a layer of {len(before)} neurons is followed by {neurons}")
    for neurons in rows:
        modules.append(_linear(torch, neurons))
        activation = _activation(neurons)
        if activation is not None:
            modules.append(_module(torch, activation))
    network: Sequential = torch.nn.Sequential(*modules)
    return network


def from_sequential(torch: Any, network: Any) -> MLP | None:
    """Return the MLP that a ``torch.nn.Sequential`` is; None if it is none."""
    stages = _stages(torch, network)
    if stages is None:
        return None
    model = _blank([stages[0].linear.in_features, *(s.linear.out_features for s in stages)])
    for layer, stage in zip(model.layers, stages, strict=True):
        _fill(layer, stage)
    return model


class _Stage(NamedTuple):
    """A Linear, and the op after it."""

    linear: Any
    activation: str | None


def _rows(model: object) -> list[list[Neuron]]:
    """Return the neurons of each layer."""
    if _computes_as(model, MLP):
        return [row for layer in model.layers for row in _rows(layer)]
    if _computes_as(model, Layer):
        return [[neuron for each in model.neurons for row in _rows(each) for neuron in row]]
    if _computes_as(model, Neuron):
        return [[model]]
    raise TypeError(
        "to_torch knows an MLP, Layer or Neuron, and subclasses that leave __call__ as it is, "
        f"not {kind(model)}"
    )


_Kind = TypeVar("_Kind", bound=MLP | Layer | Neuron)


def _computes_as(model: object, cls: type[_Kind]) -> TypeGuard[_Kind]:
    return isinstance(model, cls) and type(model).__call__ is cls.__call__


def _linear(torch: Any, neurons: list[Neuron]) -> Any:
    widths = {len(neuron.w) for neuron in neurons}
    if len(widths) != 1:
        raise ValueError(f"the neurons of a layer must have equally many weights, not {widths}")
    # Drawing the weights that are replaced here would change what PyTorch draws next.
    linear = torch.nn.utils.skip_init(
        torch.nn.Linear, widths.pop(), len(neurons), dtype=torch.float64
    )
    weights = [[w.data for w in neuron.w] for neuron in neurons]
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(weights, dtype=torch.float64))
        linear.bias.copy_(torch.tensor([neuron.b.data for neuron in neurons], dtype=torch.float64))
    return linear


def _activation(neurons: list[Neuron]) -> str | None:
    """Return the op that all the neurons end with, None for none."""
    found = {neuron.activation if neuron.nonlin else None for neuron in neurons}
    if len(found) > 1:
        names = ", ".join(sorted(map(str, found)))
        raise ValueError(f"the neurons of a layer must have one activation, not {names}")
    activation = found.pop()
    if activation is None or (isinstance(activation, str) and activation in MODULES):
        return activation
    raise ValueError(
        f"PyTorch has no module for the activation {activation!r}: it has for {', '.join(MODULES)}"
    )


def _module(torch: Any, activation: str) -> Any:
    name, settings = MODULES[activation]
    return getattr(torch.nn, name)(**{key: accepted[0] for key, accepted in settings.items()})


def _stages(torch: Any, network: Any) -> list[_Stage] | None:
    """Return the layers of an MLP: Linears of real numbers, each followed by at most one activation."""
    stages: list[_Stage] = []
    for place, module in enumerate(network):
        refuse_hooks(f"network[{place}]", module)
        if type(module) is torch.nn.Linear and has_numbers(module):
            if stages and stages[-1].linear.out_features != module.in_features:
                raise ValueError(
                    f"network[{place}], {module}, gets {stages[-1].linear.out_features} inputs"
                )
            stages.append(_Stage(module, None))
            continue
        op = _op(torch, module)
        if op is None or not stages or stages[-1].activation is not None:
            return None
        stages[-1] = stages[-1]._replace(activation=op)
    parameters = [id(p) for stage in stages for p in stage.linear.parameters()]
    is_tied = len(set(parameters)) < len(parameters)
    return None if is_tied or not stages else stages


def refuse_hooks(name: str, module: Any) -> None:
    """Refuse what may change a module's inputs, weights or outputs."""
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(f"{name}, {module}, has hooks, which must be taken off")
    if "forward" in vars(module):
        raise ValueError(f"{name}, {module}, has a forward of its own, which must be taken off")


def has_numbers(module: Any) -> bool:
    """Tell whether a module's parameters are real numbers, which those of the device 'meta' are not."""
    return not any(p.is_complex() or p.is_meta for p in module.parameters())


def _op(torch: Any, module: Any) -> str | None:
    """Return the op that a module computes, None if there is none."""
    for op, (name, settings) in MODULES.items():
        if type(module) is getattr(torch.nn, name):
            fits = (getattr(module, key) in accepted for key, accepted in settings.items())
            return op if all(fits) else None
    return None


def _blank(sizes: list[int]) -> MLP:
    """Make an MLP whose weights do not matter, with no effect on what ``random`` draws next."""
    state = random.getstate()
    try:
        return MLP(sizes[0], sizes[1:])
    finally:
        random.setstate(state)


def _fill(layer: Layer, stage: _Stage) -> None:
    weights = _numbers(stage.linear.weight)
    biases = [0.0] * len(weights) if stage.linear.bias is None else _numbers(stage.linear.bias)
    for neuron, row, bias in zip(layer.neurons, weights, biases, strict=True):
        neuron.nonlin = stage.activation is not None
        neuron.activation = stage.activation or neuron.activation
        for parameter, number in zip(neuron.parameters(), [*row, bias], strict=True):
            parameter.data = number


def _numbers(tensor: Any) -> Any:
    """Return a tensor's numbers as lists of floats, from whatever dtype and device."""
    return tensor.detach().cpu().double().tolist()
