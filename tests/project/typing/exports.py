"""Models for PyTorch and from it, which need that."""

from typing import assert_type

import torch

from megagrad import from_torch, to_torch
from megagrad.nn import MLP, Layer, Linear, Module, Neuron

assert_type(to_torch(MLP(2, [3, 1])), torch.nn.Sequential)
assert_type(to_torch(Layer(2, 3)), torch.nn.Sequential)
assert_type(to_torch(Neuron(2)), torch.nn.Sequential)
assert_type(from_torch(torch.nn.Sequential(torch.nn.Linear(2, 1))), Module)
assert_type(to_torch(Linear(2, 1)), torch.nn.Module)
