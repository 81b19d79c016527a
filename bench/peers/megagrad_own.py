"""megagrad, with its own nn."""

import megagrad.nn
from megagrad.engine import Value
from peers.peer import Peer, ScalarMoons

PEER = Peer(value=Value, moons=lambda: ScalarMoons(Value, megagrad.nn))
