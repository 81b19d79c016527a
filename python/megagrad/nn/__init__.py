"""Networks: micrograd's neurons, layers and MLPs, and PyTorch's modules of the same names.

Seeded with ``random.seed(n)``, an MLP draws the weights that micrograd draws, in its order, and
computes the same numbers to the last bit. Its layers take and return lists of Values, as micrograd's do.

PyTorch's modules have PyTorch's arguments, names of parameters, and numbers from the same weights.
They take arrays of Values and numbers, or nested lists, and return NumPy arrays of Values::

    import random

    import megagrad.nn as nn

    random.seed(1)
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1), nn.Tanh())
    out = model([0.5, -1.0])
    print(out.shape)  # (1,)
    out[0].backward()
    print(list(model.state_dict()))  # ['0.weight', '0.bias', '1.weight', '1.bias']
"""

import importlib
import random

from megagrad.engine import Value
from megagrad.module import IncompatibleKeys, Module
from megagrad.nn.mlp import ACTIVATIONS, MLP, Layer, Neuron

TYPE_CHECKING = False  # typing's, whose import would take longer than all else here

if TYPE_CHECKING:
    from megagrad.nn.activation import (
        ELU,
        GELU,
        LeakyReLU,
        LogSoftmax,
        ReLU,
        Sigmoid,
        SiLU,
        Softmax,
        Softplus,
        Tanh,
    )
    from megagrad.nn.attention import MultiheadAttention
    from megagrad.nn.containers import Flatten, Identity, ModuleList, Sequential
    from megagrad.nn.convolution import Conv1d, Conv2d
    from megagrad.nn.dropout import Dropout
    from megagrad.nn.linear import Embedding, Linear
    from megagrad.nn.loss import (
        BCELoss,
        BCEWithLogitsLoss,
        CrossEntropyLoss,
        HuberLoss,
        L1Loss,
        MSELoss,
        NLLLoss,
    )
    from megagrad.nn.normalization import BatchNorm1d, LayerNorm, RMSNorm
    from megagrad.nn.pooling import AvgPool2d, MaxPool1d, MaxPool2d
    from megagrad.nn.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

# With Value and random, as ``from micrograd.nn import *`` gives them too.
__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "HuberLoss",
    "Identity",
    "IncompatibleKeys",
    "L1Loss",
    "LSTMCell",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "Neuron",
    "RMSNorm",
    "RNNCell",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Value",
    "random",
]

# PyTorch's modules, by where they are. They need NumPy, which a program of micrograd's does not.
_HOMES = {
    "activation": "ELU GELU LeakyReLU LogSoftmax ReLU SiLU Sigmoid Softmax Softplus Tanh",
    "attention": "MultiheadAttention",
    "containers": "Flatten Identity ModuleList Sequential",
    "convolution": "Conv1d Conv2d",
    "dropout": "Dropout",
    "linear": "Embedding Linear",
    "loss": "BCELoss BCEWithLogitsLoss CrossEntropyLoss HuberLoss L1Loss MSELoss NLLLoss",
    "normalization": "BatchNorm1d LayerNorm RMSNorm",
    "pooling": "AvgPool2d MaxPool1d MaxPool2d",
    "recurrent": "GRU GRUCell LSTM LSTMCell RNN RNNCell",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

if not TYPE_CHECKING:  # which would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Import a module of PyTorch's when it is first asked for."""
        if name in _HOME:
            return getattr(importlib.import_module(f"megagrad.nn.{_HOME[name]}"), name)
        from megagrad._misnamed import no_attribute

        raise no_attribute("megagrad.nn", name, __all__)

    def __dir__() -> list[str]:
        """List what will be imported, too, for whoever completes names."""
        return sorted({*globals(), *__all__})
