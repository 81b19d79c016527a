"""Neurons, layers and multi-layer perceptrons, as micrograd has them."""

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from megagrad import _core
from megagrad._checks import LARGEST_COUNT, kind, whole_number
from megagrad._core import dot, ops
from megagrad.engine import Value
from megagrad.module import Module

# With Module, Value and random, as ``from micrograd.nn import *`` gives them too.
__all__ = ["ACTIVATIONS", "MLP", "Layer", "Module", "Neuron", "Value", "random"]

Activation = str | Callable[[Value], Value]

if TYPE_CHECKING:

    class Outputs(Value, list[Value]):  # type: ignore[misc]
        """What a layer returns: one Value or a list of them, which no type tells from its size.

        So type checkers take it for both: a union would need a cast wherever it is used.
        """


# The ops that a neuron may end with, by name, and their labels.
ACTIVATIONS = {row.name: row.label for row in ops() if row.kind in ("unary", "parametric")}


class Neuron(Module):
    """A weighted sum of the inputs and a bias, through an activation.

    nin: how many inputs, at least 1. nonlin: False leaves the activation out. activation: the name
    of an op of one operand (``'relu'``, ``'tanh'``, ``'leaky_relu'``, …), or a function from Value
    to Value.

    The weights ``w`` are drawn uniformly from -1 to 1 with the module ``random``; the bias ``b`` is
    0. Raises TypeError if nin is not an integer or the activation of another type, ValueError if
    nin is below 1 or above 2**31 - 1, or no op has the activation's name.
    """

    activation: Activation = "relu"  # of neurons that micrograd has pickled

    def __init__(self, nin: int, nonlin: bool = True, activation: Activation = "relu") -> None:
        """See the class."""
        count = whole_number("nin", nin, 1, at_most=LARGEST_COUNT)
        self.activation = _known(activation)
        self.nonlin = nonlin
        self.w = [Value(random.uniform(-1, 1)) for _ in range(count)]
        self.b = Value(0)

    def __call__(self, x: Iterable[Value | float]) -> Value:
        """Return the activation of ``b + w[0]*x[0] + w[1]*x[1] + …``, summed in that order.

        x: as many numbers or Values as there are weights; else ValueError.
        """
        inputs = _sized(x)
        if len(inputs) != len(self.w):
            raise ValueError(f"{self!r} got {len(inputs)} inputs, expected {len(self.w)}")
        act = dot(self.w, inputs, self.b)
        if not self.nonlin:
            return act
        if callable(self.activation):
            return self.activation(act)
        result: Value = getattr(act, self.activation)()
        return result

    def parameters(self) -> list[Value]:
        """List the weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        """Return micrograd's form, such as ``ReLUNeuron(2)``."""
        return f"{_title(self.activation) if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side, on the same inputs.

    nin: how many inputs, at least 1. nout: how many neurons, 1 to 2**31 - 1. nonlin, activation: as
    of a Neuron. Raises what Neuron raises.
    """

    def __init__(
        self, nin: int, nout: int, nonlin: bool = True, activation: Activation = "relu"
    ) -> None:
        """See the class."""
        count = whole_number("nout", nout, 1, at_most=LARGEST_COUNT)
        self.neurons = [Neuron(nin, nonlin, activation) for _ in range(count)]

    def __call__(self, x: Iterable[Value | float]) -> "Outputs":
        """Return the neurons' outputs, a list of Values; the Value itself if there is only one.

        x: nin numbers or Values; else ValueError.
        """
        outputs: Outputs = _core._layer(self.neurons, x)
        return outputs

    def parameters(self) -> list[Value]:
        """List the parameters of the first neuron, then those of the second, and so on."""
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def __repr__(self) -> str:
        """Return micrograd's form, such as ``Layer of [ReLUNeuron(2), ReLUNeuron(2)]``."""
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: layers one after the other, the last one linear.

    nin: how many inputs, at least 1. nouts: how many neurons each layer has, 1 to 2**31 - 1, at
    least one layer. activation: as of a Neuron, for all layers but the last. Raises what Neuron
    raises.
    """

    def __init__(self, nin: int, nouts: Iterable[int], activation: Activation = "relu") -> None:
        """See the class."""
        if not isinstance(nouts, Iterable):
            raise TypeError(f"nouts must be a list with the size of each layer, not {kind(nouts)}")
        sizes = [nin, *nouts]
        if len(sizes) < 2:
            raise ValueError("nouts must name the size of at least one layer, got none")
        last = len(sizes) - 2
        self.layers = [
            Layer(sizes[i], sizes[i + 1], nonlin=i != last, activation=activation)
            for i in range(last + 1)
        ]

    def __call__(self, x: Iterable[Value | float]) -> "Outputs":
        """Return the last layer's outputs, a list of Values; the Value itself if there is only one.

        x: nin numbers or Values; else ValueError.
        """
        outputs: Outputs = _core._network(self.layers, x)
        return outputs

    def parameters(self) -> list[Value]:
        """List the parameters of the first layer, then those of the second, and so on."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __repr__(self) -> str:
        """Return micrograd's form, ``MLP of [Layer of […], …]``."""
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


_core._know_classes(Neuron, Layer)


def _sized(x: Iterable[Value | float]) -> Any:
    """Return x, as a list if it can be walked only once."""
    if isinstance(x, list):
        return x
    is_a_number = getattr(x, "ndim", 1) == 0  # an array of no dimensions, of which len() raises
    if hasattr(x, "__len__") and not is_a_number:
        return x
    if is_a_number or not isinstance(x, Iterable):
        raise TypeError(f"x must be a list of numbers or Values, not {kind(x)}")
    return list(x)


def _known(activation: Activation) -> Activation:
    if callable(activation) or (isinstance(activation, str) and activation in ACTIVATIONS):
        return activation
    if not isinstance(activation, str):
        raise TypeError(
            "activation must be the name of an op, or a function from Value to Value, "
            f"not {kind(activation)}"
        )
    from megagrad._misnamed import did_you_mean

    raise ValueError(
        f"unknown activation {activation!r}: known are {', '.join(ACTIVATIONS)}, "
        f"and functions from Value to Value.{did_you_mean(activation, ACTIVATIONS)}"
    )


def _title(activation: Activation) -> str:
    """Return the activation's name as repr shows it: ReLU, Tanh, LeakyRelu."""
    if callable(activation):
        name = getattr(activation, "__name__", type(activation).__name__)
    else:
        name = ACTIVATIONS[activation]
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
