"""PyTorch with a tensor for every number, as micrograd's programs would use it."""

from __future__ import annotations

from types import ModuleType

import torch
from moons import micrograd_nn

from peers.peer import Peer, ScalarMoons


class Scalar(torch.Tensor):
    """Makes a tensor of one number in double precision; the result is a plain tensor."""

    def __new__(cls, data: float) -> torch.Tensor:
        """Make a leaf."""
        return torch.tensor(float(data), dtype=torch.float64, requires_grad=True)


def networks() -> ModuleType:
    """Return micrograd's nn on tensors, whose gradients are cleared by None instead of 0."""
    nn = micrograd_nn(Scalar)

    def zero_grad(self: nn.Module) -> None:
        for p in self.parameters():
            p.grad = None

    nn.Module.zero_grad = zero_grad
    return nn


class TensorMoons(ScalarMoons):
    """The usual program; no gradients by the inputs, as PyTorch's users have it."""

    def __init__(self) -> None:
        """Draw the network and the data."""
        super().__init__(Scalar, networks())
        self.inputs = [[x.detach() for x in place] for place in self.inputs]


PEER = Peer(
    value=Scalar,
    moons=TensorMoons,
    cannot={"gpt-own": "the program's optimiser clears a gradient by 0, which a tensor refuses"},
)
