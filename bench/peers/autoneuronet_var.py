"""AutoNeuroNet's Var: micrograd's ops under other names, in C++ behind pybind11."""

from autoneuronet import Var

from peers.peer import Peer

_backward = Var.backward


def backward(root: Var) -> None:
    """Start from a gradient of 1, which Var leaves to its user."""
    root.setGrad(1.0)
    _backward(root)


Var.data = property(Var.getVal, Var.setVal)
Var.backward = backward

PEER = Peer(
    value=Var, cannot={"gpt-own": "its powers have to be integers, and the program takes a root"}
)
