"""Optimisers, learning-rate schedules and gradient clipping, with PyTorch's names and numbers.

``SGD``, ``RMSprop``, ``Adagrad``, ``Adam``, ``AdamW`` and ``NAdam`` follow ``torch.optim`` in names,
defaults and update rules; ``megagrad.optim.lr_scheduler`` has the schedules, and ``clip_grad_norm_`` and ``clip_grad_value_``
are those of ``torch.nn.utils``. One thing differs: PyTorch passes over a parameter whose gradient is
None. A Value's gradient is always a number, so every parameter is updated at every step: one that
backward has not reached has the gradient 0, and still feels momentum and weight decay.
"""

from megagrad.optim import lr_scheduler
from megagrad.optim.adagrad import Adagrad
from megagrad.optim.adam import Adam, AdamW, NAdam
from megagrad.optim.clip import clip_grad_norm_, clip_grad_value_
from megagrad.optim.optimizer import Optimizer
from megagrad.optim.rmsprop import RMSprop
from megagrad.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
]
