"""megagrad under the unchanged texts of micrograd's nn and of the scalar GPT."""

from moons import micrograd_nn

from megagrad.engine import Value
from peers.peer import Peer, ScalarMoons

PEER = Peer(value=Value, moons=lambda: ScalarMoons(Value, micrograd_nn(Value)))
