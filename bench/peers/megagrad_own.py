"""megagrad, with its own nn, bulk operations and optimisers."""

import megagrad.functional
import megagrad.nn
import megagrad.optim
from megagrad.engine import Value
from peers.peer import Peer, ScalarMoons

PEER = Peer(
    value=Value,
    moons=lambda: ScalarMoons(Value, megagrad.nn),
    functional=megagrad.functional,
    optim=megagrad.optim,
)
