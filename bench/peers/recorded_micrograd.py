"""micrograd, which all this is a faster form of: the graph built anew each time."""

from __future__ import annotations

from functools import partial

from engines import MICROGRAD
from moons import micrograd_nn

from peers.peer import Peer
from peers.recorded import FEW
from peers.recorded_values import Network, readme

PEER = Peer(
    recorded={
        f"moons-{FEW}": lambda: Network(
            MICROGRAD.value, partial(micrograd_nn(MICROGRAD.value).MLP, 2, [16, 16, 1]), FEW
        ),
        "expression": partial(readme, MICROGRAD.value),
    },
    without_value="takes minutes, or has no sin and tanh",
)
