"""PyTorch as it is meant: all points in one tensor, eager, on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import torch
from moons import PENALTY, rate

from peers.batch import Layer, in_order, initial_layers, points
from peers.peer import Peer

torch.set_default_dtype(torch.float64)
# A hundred points are too few to share: a second thread costs more than it does.
torch.set_num_threads(1)


def scores(
    layers: list[Layer], places: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Return what the network gives each point."""
    *hidden, last = layers
    x = places
    for weights, biases in hidden:
        x = activation(torch.nn.functional.linear(x, weights, biases))
    return torch.nn.functional.linear(x, *last)[:, 0]


class PyTorchMoons:
    """The moons program on tensors."""

    def __init__(self) -> None:
        """Take the weights and the data."""
        places, labels = points()
        self.places, self.labels = torch.tensor(places), torch.tensor(labels)
        self.layers = [
            Layer(*(torch.tensor(part, requires_grad=True) for part in layer))
            for layer in initial_layers()
        ]
        self.parameters = [part for layer in self.layers for part in layer]
        self.steps = 0

    def loss(self) -> torch.Tensor:
        """Return the margin loss over all points plus the penalty on large weights."""
        margins = 1 - self.labels * scores(self.layers, self.places, torch.relu)
        penalty = sum((p * p).sum() for p in self.parameters)
        return margins.relu().mean() + PENALTY * penalty

    def gradients(self) -> list[float]:
        """Return those of the loss by weights and biases."""
        found = iter(torch.autograd.grad(self.loss(), self.parameters))
        return in_order([Layer(next(found), next(found)) for _ in self.layers])

    def step(self) -> float:
        """Train once and return the loss before the update."""
        loss = self.loss()
        loss.backward()
        with torch.no_grad():
            for p in self.parameters:
                p -= rate(self.steps) * p.grad
                p.grad = None
        self.steps += 1
        return loss.item()


PEER = Peer(moons=PyTorchMoons)
