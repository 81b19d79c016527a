"""nanograd-bgriebel: micrograd in C++ behind pybind11."""

from nanograd_bgriebel import Value

from peers.peer import Peer

# The text of micrograd's programs runs on the class but for this name.
Value.backward = Value.backwards

PEER = Peer(value=Value, cannot={"gpt-own": "it has no exp and log"})
