"""The plain Python class of bench/scalar_value.py."""

from scalar_value import Value

from peers.peer import Peer

PEER = Peer(value=Value)
