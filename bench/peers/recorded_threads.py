"""megagrad's Function, on two threads."""

from functools import partial

from peers.peer import Peer
from peers.recorded import networks
from peers.recorded_function import Network

PEER = Peer(
    recorded=networks(partial(Network, threads=2)), without_value="one point has one thread"
)
