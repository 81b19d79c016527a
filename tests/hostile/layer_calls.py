"""Calls of PyTorch's layers: convolutions, normalisation, recurrent networks, attention."""

from typing import Any

from hostile.calls import Rows, numbers
from hostile.check import Call
from hostile.module_calls import called, made, two_rows
from megagrad import Value, functional, nn

FLAGS = ("bias", "batch_first", "bidirectional", "elementwise_affine", "affine")
FLAGS += ("track_running_stats", "kernel_size", "stride", "padding", "dilation")
FLAGS += ("normalized_shape", "input", "eps", "momentum")
SWITCHES = ("need_weights", "average_attn_weights", "is_causal")


def image() -> tuple[Any, ...]:
    return ([[[1.0, Value(2.0)], [3.0, 4.0]]],)


def attended() -> tuple[Any, ...]:
    return ([numbers()], [numbers()], [numbers()])


LAYERS: Rows = {
    "Conv1d": made(nn.Conv1d, 1, 2, 1, 1, 0, 1, True, anything=FLAGS),
    "Conv2d": made(nn.Conv2d, 1, 2, (1, 2), 1, 0, 1, True, anything=FLAGS),
    "Conv2d()": called(nn.Conv2d, 1, 1, 2, inputs=image),
    "MaxPool1d": made(nn.MaxPool1d, 2, 1, 0, anything=FLAGS),
    "MaxPool2d": called(nn.MaxPool2d, 2, inputs=image),
    "AvgPool2d": made(nn.AvgPool2d, 2, 1, 0, anything=FLAGS),
    "LayerNorm": made(nn.LayerNorm, (2,), 1e-5, True, True, anything=FLAGS),
    "LayerNorm.forward": called(nn.LayerNorm, 2, inputs=two_rows),
    "RMSNorm": made(nn.RMSNorm, 2, 1e-5, True, anything=FLAGS),
    "RMSNorm.forward": called(nn.RMSNorm, 2, inputs=two_rows),
    "BatchNorm1d": made(nn.BatchNorm1d, 2, 1e-5, 0.1, True, True, anything=FLAGS),
    "BatchNorm1d.forward": called(nn.BatchNorm1d, 2, inputs=two_rows),
    "Dropout": made(nn.Dropout, 0.25),
    "Dropout.forward": called(nn.Dropout, 0.25, inputs=two_rows),
    "RNNCell": made(nn.RNNCell, 2, 2, True, "relu", anything=FLAGS),
    "GRUCell": called(nn.GRUCell, 2, 1, inputs=two_rows),
    "LSTMCell": lambda: Call(
        nn.LSTMCell(2, 1).forward, (numbers(), ([0.5], [0.25])), anything=("input", "hx")
    ),
    "RNN": lambda: Call(
        nn.RNN, (2, 1, 1, "tanh", True, False), {"bidirectional": True}, anything=FLAGS
    ),
    "GRU": called(nn.GRU, 2, 1, inputs=two_rows),
    "LSTM": called(nn.LSTM, 2, 1, inputs=two_rows),
    "MultiheadAttention": lambda: Call(
        nn.MultiheadAttention, (2, 1), {"bias": True, "batch_first": False}, anything=FLAGS
    ),
    "MultiheadAttention.forward": lambda: Call(
        nn.MultiheadAttention(2, 1).forward,
        (*attended(), [False], True, [[0.0]], True, False),
        anything=("query", "key", "value", "key_padding_mask", "attn_mask", *SWITCHES),
    ),
    "MultiheadAttention.extra_repr": lambda: Call(nn.MultiheadAttention(2, 1).extra_repr),
    "scaled_dot_product_attention": lambda: Call(
        functional.scaled_dot_product_attention,
        (*attended(), [[0.5]]),
        {"is_causal": False, "scale": 0.5},
        anything=("query", "key", "value", "attn_mask", *SWITCHES),
    ),
    "MultiheadAttention.bias": lambda: Call(lambda: nn.MultiheadAttention(2, 1).bias),
}
