"""megagrad under the unchanged text of micrograd's nn."""

from moons import micrograd_nn

from megagrad.engine import Value
from peers.peer import Peer, ScalarMoons

PEER = Peer(
    moons=lambda: ScalarMoons(Value, micrograd_nn(Value)),
    without_value="the same as in megagrad's other row",
)
