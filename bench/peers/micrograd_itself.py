"""micrograd, the engine that all others are measured against."""

from engines import MICROGRAD

from peers.peer import Peer

PEER = Peer(value=MICROGRAD.value)
