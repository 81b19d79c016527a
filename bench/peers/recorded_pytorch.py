"""PyTorch as it is meant: all points in one tensor, eager."""

from __future__ import annotations

import random_program
import torch

from peers.batch import Layer, in_order, initial_layers, points
from peers.peer import Peer
from peers.pytorch_batch import scores
from peers.recorded import (
    PLACE,
    Recorded,
    Timed,
    all_at_once,
    checked,
    expression,
    networks,
    one_at_a_time,
    places,
    step,
)

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}


class Network:
    """The step of a network: losses, and gradients added into the tensors of its parameters."""

    def __init__(self, activation: str, count: int) -> None:
        """Take the weights and the data."""
        places, labels = points(count)
        self.places, self.labels = torch.tensor(places), torch.tensor(labels)
        self.activation = ACTIVATIONS[activation]
        self.layers = [
            Layer(*(torch.tensor(part, requires_grad=True) for part in layer))
            for layer in initial_layers()
        ]

    def results(self) -> list[float]:
        """Return the first losses, and the gradients."""
        losses = self.run().detach()
        return step(losses, in_order([Layer(w.grad, b.grad) for w, b in self.layers]))

    def run(self) -> torch.Tensor:
        """Compute all losses and gradients."""
        given = scores(self.layers, self.places, self.activation)
        losses = (1 - self.labels * given).relu()
        losses.sum().backward()
        return losses


def readme() -> Recorded:
    """The expression of micrograd's README at one point."""

    def run() -> list[torch.Tensor]:
        a, b = (torch.tensor(x, requires_grad=True) for x in PLACE)
        value = expression(a, b, torch.relu)
        return [value, *torch.autograd.grad(value, (a, b))]

    return Timed(lambda: [x.item() for x in run()], run)


def at(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the random program's values and gradients at points, their numbers last."""
    inputs = points.movedim(-1, 0).clone().requires_grad_()
    outputs = random_program.output(inputs, torch.relu, torch.sin, torch.tanh)
    [gradients] = torch.autograd.grad(outputs.sum(), inputs)
    return outputs.detach(), gradients.movedim(0, -1)


def single() -> Recorded:
    """The random program at one point after another."""
    return one_at_a_time(at, checked(torch.tensor(places())))


def batch() -> Recorded:
    """The random program at all points."""
    return all_at_once(at, torch.tensor(places()))


PEER = Peer(
    recorded={
        **networks(Network),
        "expression": readme,
        "random": single,
        "random-batch": batch,
    },
    without_value="records nothing",
)
