"""Calls of PyTorch's modules: how they are made, and what they take."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hostile.calls import Rows, numbers
from hostile.check import Call
from megagrad import Value, functional, nn


def made(cls: Callable[..., Any], *args: Any, anything: tuple[str, ...] = ()) -> Callable[[], Call]:
    return lambda: Call(cls, args, anything=anything)


def called(cls: Callable[..., Any], *args: Any, inputs: Callable[[], tuple[Any, ...]]) -> Any:
    def row() -> Call:
        module = cls(*args)
        return Call(module.forward, inputs(), watched=(module,), anything=("input", "target"))

    return row


def one_row() -> tuple[Any, ...]:
    return (numbers(),)


def two_rows() -> tuple[Any, ...]:
    return ([numbers(), [1.0, 2.0]],)


def row_and_target() -> tuple[Any, ...]:
    return (numbers(), [0.25, 1.0])


def buffer_of(array: object) -> Any:
    module = nn.Module()
    module.register_buffer("mean", array)  # type: ignore[arg-type]
    return module.state_dict()


MODULES: Rows = {
    "linear": lambda: Call(
        functional.linear,
        (numbers(), [[1.0, 2.0], numbers()], [0.5, 1]),
        anything=("input", "weight"),
    ),
    "matmul": lambda: Call(
        functional.matmul, ([numbers()], [[1.0, 2.0], numbers()]), anything=("input", "other")
    ),
    "l1_loss": lambda: Call(functional.l1_loss, (numbers(), [1.0, 2.0], "sum")),
    "huber_loss": lambda: Call(functional.huber_loss, (numbers(), [1.0, 2.0], "sum", 0.5)),
    "binary_cross_entropy": lambda: Call(
        functional.binary_cross_entropy, ([Value(0.5), 0.25], [1.0, 0], "none")
    ),
    "nll_loss": lambda: Call(functional.nll_loss, ([numbers(), numbers()], [1, 0], "none")),
    "Module.forward": called(nn.Linear, 2, 2, inputs=one_row),
    "Module.extra_repr": lambda: Call(nn.Linear(2, 2).extra_repr),
    "Module.modules": lambda: Call(lambda: [*nn.Sequential(nn.Tanh()).modules()]),
    "Module.train": lambda: Call(nn.Sequential(nn.Tanh()).train, (True,), anything=("mode",)),
    "Module.eval": lambda: Call(nn.Sequential(nn.Tanh()).eval),
    "Module.register_buffer": lambda: Call(buffer_of, (np.zeros(2),)),
    "Linear": made(nn.Linear, 2, 3, True, anything=("bias",)),
    "Linear.forward": called(nn.Linear, 2, 2, inputs=two_rows),
    "Embedding": made(nn.Embedding, 2, 3),
    "Embedding.forward": called(nn.Embedding, 3, 2, inputs=lambda: ([0, 2],)),
    "Sequential": lambda: Call(
        nn.Sequential, (nn.Linear(2, 2),), names=("module",), anything=("module",)
    ),
    "Sequential.forward": called(nn.Sequential, nn.Tanh(), inputs=one_row),
    "ModuleList": made(nn.ModuleList, [nn.Linear(2, 2)]),
    "ModuleList.append": lambda: Call(
        nn.ModuleList().append, (nn.Tanh(),), keeps=True, anything=("module",)
    ),
    "Identity": made(nn.Identity),
    "Identity.forward": lambda: Call(nn.Identity().forward, one_row(), anything=("input",)),
    "Flatten": made(nn.Flatten, 0, 1, anything=("start_dim", "end_dim")),
    "Flatten.forward": called(nn.Flatten, inputs=two_rows),
    **{
        name: called(getattr(nn, name), inputs=two_rows)
        for name in ("ReLU", "Tanh", "Sigmoid", "Softplus", "SiLU", "GELU")
    },
    "LeakyReLU": made(nn.LeakyReLU, 0.5),
    "ELU": made(nn.ELU, 0.5),
    "Softmax": made(nn.Softmax, 1, anything=("dim",)),
    "Softmax.forward": called(nn.Softmax, 1, inputs=two_rows),
    "LogSoftmax": made(nn.LogSoftmax, 1, anything=("dim",)),
    "LogSoftmax.forward": called(nn.LogSoftmax, 1, inputs=two_rows),
    **{
        name: called(getattr(nn, name), "none", inputs=row_and_target)
        for name in ("MSELoss", "L1Loss", "BCEWithLogitsLoss")
    },
    "BCELoss": called(nn.BCELoss, inputs=lambda: ([Value(0.5), 0.25], [1.0, 0])),
    "HuberLoss": made(nn.HuberLoss, "sum", 0.5),
    "CrossEntropyLoss": called(nn.CrossEntropyLoss, inputs=lambda: ([numbers()], [1])),
    "NLLLoss": made(nn.NLLLoss, "sum"),
}
