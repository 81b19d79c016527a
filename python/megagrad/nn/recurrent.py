"""Recurrent networks: they read a sequence step by step, and remember a state."""

import math
from operator import methodcaller
from typing import Any

import numpy as np

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import LARGEST_COUNT, whole_number
from megagrad.functional import linear
from megagrad.module import TypedModule

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

States = tuple[Array, ...]  # the hidden state; of an LSTM the cell's too


class _Weights:
    """The weights of one step, as lists: of the input and of the hidden state."""

    def __init__(self, module: TypedModule, suffix: str) -> None:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        arrays = [getattr(module, name + suffix) for name in names]
        lists: list[Any] = [None if array is None else array.tolist() for array in arrays]
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = lists

    def of_input(self, x: Array) -> Array:
        return _arrays.rows(lambda row: linear(row, self.weight_ih, self.bias_ih), x)

    def of_hidden(self, h: Array) -> Array:
        return _arrays.rows(lambda row: linear(row, self.weight_hh, self.bias_hh), h)


_DEFAULTS = {
    "num_layers": 1,
    "bias": True,
    "batch_first": False,
    "bidirectional": False,
    "nonlinearity": "tanh",
}


def _op(name: str, x: Array) -> Array:
    return _arrays.each(methodcaller(name), x)


class _Recurrent(TypedModule):
    """What cells and networks have in common: their sizes, weights and states."""

    _gates, _states = 1, 1
    _shown: tuple[str, ...] = ()
    nonlinearity = "tanh"
    input_size: int
    hidden_size: int

    def _set_sizes(self, input_size: int, hidden_size: int, bias: bool) -> None:
        self.input_size = whole_number("input_size", input_size, 1, at_most=LARGEST_COUNT)
        self.hidden_size = whole_number("hidden_size", hidden_size, 1, at_most=LARGEST_COUNT)
        self.bias = bool(bias)

    def _add_weights(self, suffix: str, input_size: int) -> None:
        rows, bound = self._gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        shapes = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, self.hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            is_there = self.bias or name.startswith("weight")
            setattr(self, name + suffix, _arrays.uniform(shape, bound) if is_there else None)

    def extra_repr(self) -> str:
        """Return the sizes, and of the other settings those that are not the default, as PyTorch does."""
        settings = {name: getattr(self, name) for name in self._shown}
        others = [f"{name}={it}" for name, it in settings.items() if it != _DEFAULTS[name]]
        return ", ".join([str(self.input_size), str(self.hidden_size), *others])

    def _input(self, x: ArrayLike, *dimensions: int) -> Array:
        found = _arrays.array("input", x, *dimensions)
        if found.shape[-1] != self.input_size:
            raise ValueError(f"input must have {self.input_size} features, got shape {found.shape}")
        return found

    def _first_states(self, hx: Any, shape: tuple[int, ...]) -> States:
        """Return the states to begin with: zeros unless they are given."""
        if hx is None:
            return (np.zeros(shape),) * self._states
        given = (hx,) if self._states == 1 else hx
        if not isinstance(given, list | tuple) or len(given) != self._states:
            raise TypeError("hx must be a tuple of two states, (h, c)")
        states = tuple(_arrays.array("hx", state) for state in given)
        for state in states:
            if state.shape != shape:
                raise ValueError(f"hx must have the shape {shape}, not {state.shape}")
        return states

    def _step(self, inputs: Array, states: States, weights: _Weights) -> States:
        """Return the next states. inputs: the input times its weights."""
        return (_op(self.nonlinearity, inputs + weights.of_hidden(states[0])),)

    def _result(self, states: States) -> Any:
        return states if self._states == 2 else states[0]


class _Gru(_Recurrent):
    _gates = 3

    def _step(self, inputs: Array, states: States, weights: _Weights) -> States:
        (h,) = states
        in_r, in_z, in_n = np.split(inputs, 3, axis=-1)
        hidden_r, hidden_z, hidden_n = np.split(weights.of_hidden(h), 3, axis=-1)
        reset, update = _op("sigmoid", in_r + hidden_r), _op("sigmoid", in_z + hidden_z)
        new = _op("tanh", in_n + reset * hidden_n)
        return (new + update * (h - new),)


class _Lstm(_Recurrent):
    _gates, _states = 4, 2

    def _step(self, inputs: Array, states: States, weights: _Weights) -> States:
        h, c = states
        taken, kept, new, shown = np.split(inputs + weights.of_hidden(h), 4, axis=-1)
        c = _op("sigmoid", kept) * c + _op("sigmoid", taken) * _op("tanh", new)
        return _op("sigmoid", shown) * _op("tanh", c), c


class _Cell(_Recurrent):
    _settings: tuple[str, ...] = ("input_size", "hidden_size", "bias")
    _shown = ("bias", "nonlinearity")

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        """See the class."""
        self._set_sizes(input_size, hidden_size, bias)
        self._add_weights("", self.input_size)

    def forward(self, input: ArrayLike, hx: Any = None) -> Any:
        """Return the next hidden state, of an LSTMCell the pair ``(h, c)``.

        input: shape (input_size,) or (N, input_size). hx: the state before, of the shape (hidden_size,) or
        (N, hidden_size), of an LSTMCell two of them; None is zeros. Raises ValueError for another shape.
        """
        x = self._input(input, 1, 2)
        states = self._first_states(hx, (*x.shape[:-1], self.hidden_size))
        weights = _Weights(self, "")
        return self._result(self._step(weights.of_input(x), states, weights))


class _Network(_Recurrent):
    _shown = ("num_layers", "bias", "batch_first", "bidirectional")
    _settings: tuple[str, ...] = ("input_size", "hidden_size", *_shown)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        *,
        bidirectional: bool = False,
    ) -> None:
        """See the class."""
        self._set_sizes(input_size, hidden_size, bias)
        self.num_layers = whole_number("num_layers", num_layers, 1, at_most=LARGEST_COUNT)
        self.batch_first, self.bidirectional = bool(batch_first), bool(bidirectional)
        self._directions = ("", "_reverse") if bidirectional else ("",)
        width = self.input_size
        for layer in range(self.num_layers):
            for direction in self._directions:
                self._add_weights(f"_l{layer}{direction}", width)
            width = self.hidden_size * len(self._directions)

    def forward(self, input: ArrayLike, hx: Any = None) -> tuple[Array, Any]:
        """Return the last layer's outputs at every step, and the last states of all layers.

        input: shape (L, input_size), or of a batch (L, N, input_size), (N, L, input_size) if
        batch_first. hx: the first states, of the shape (layers, hidden_size) or (layers, N, hidden_size), where
        each direction counts as a layer; of an LSTM two of them. None is zeros.

        The outputs have the input's shape but for the last size, hidden_size for each direction; the
        states have hx's. Raises ValueError for another shape.
        """
        x = self._input(input, 2, 3)
        swapped = self.batch_first and x.ndim == 3
        steps = np.swapaxes(x, 0, 1) if swapped else x
        count = self.num_layers * len(self._directions)
        first = self._first_states(hx, (count, *steps.shape[1:-1], self.hidden_size))
        last: list[States] = []
        for layer in range(self.num_layers):
            sides = []
            for direction in self._directions:
                begin = tuple(state[len(last)] for state in first)
                outputs, end = self._read(steps, begin, f"_l{layer}{direction}")
                sides.append(outputs)
                last.append(end)
            steps = np.concatenate(sides, axis=-1)
        states = tuple(np.stack(each) for each in zip(*last, strict=True))
        return np.swapaxes(steps, 0, 1) if swapped else steps, self._result(states)

    def _read(self, steps: Array, states: States, suffix: str) -> tuple[Array, States]:
        """Go through the steps, backwards if the suffix says so."""
        weights = _Weights(self, suffix)
        order = -1 if suffix.endswith("_reverse") else 1
        outputs = []
        for inputs in weights.of_input(steps)[::order]:
            states = self._step(inputs, states, weights)
            outputs.append(states[0])
        return np.stack(outputs[::order]), states


def _known(nonlinearity: str) -> str:
    if not isinstance(nonlinearity, str) or nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
    return nonlinearity


class RNNCell(_Cell):
    """One step of a plain recurrent network: ``tanh(W_ih x + b_ih + W_hh h + b_hh)`` (Elman 1990).

    input_size, hidden_size: how many inputs and how many numbers the state has, at least 1. bias: False
    leaves out both. nonlinearity: ``'tanh'`` or ``'relu'``. The parameters are ``weight_ih``, ``weight_hh``,
    ``bias_ih`` and ``bias_hh``, drawn uniformly within ``1 / sqrt(hidden_size)``::

        from megagrad import nn

        print(nn.RNNCell(3, 5)([0.0, 1.0, 2.0]).shape)  # (5,)

    Raises TypeError if a size is not an integer, ValueError if it is below 1, or for another
    nonlinearity.
    """

    _settings = ("input_size", "hidden_size", "bias", "nonlinearity")

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"
    ) -> None:
        """See the class."""
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = _known(nonlinearity)


class GRUCell(_Gru, _Cell):
    """One step of a network of gated units (Cho et al. 2014): a gate says how much of the state to renew.

    The arguments and parameters are those of RNNCell, with three rows of weights for each number of the
    state: reset, update, new::

        from megagrad import nn

        print(nn.GRUCell(3, 5)([0.0, 1.0, 2.0]).shape)  # (5,)
    """


class LSTMCell(_Lstm, _Cell):
    """One step of a long short-term memory (Hochreiter & Schmidhuber 1997): a state, and a cell with gates.

    The arguments and parameters are those of RNNCell, with four rows of weights for each number of the
    state: input, forget, cell, output. The state is a pair ``(h, c)``::

        from megagrad import nn

        cell = nn.LSTMCell(3, 5)
        h, c = cell([0.0, 1.0, 2.0])
        h, c = cell([3.0, 4.0, 5.0], (h, c))
    """


class RNN(_Network):
    """A plain recurrent network over a sequence.

    input_size, hidden_size: how many inputs and how many numbers the state has, at least 1. num_layers: how
    many layers, each of which reads the outputs of the one before. bias: False leaves them out.
    batch_first: whether a batch comes before its steps. bidirectional: True reads backwards, too, and puts
    both outputs side by side. nonlinearity: ``'tanh'`` or ``'relu'``. PyTorch's dropout between layers is
    left out. The parameters are ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0`` and ``bias_hh_l0``, the
    second layer's ``weight_ih_l1`` and so on, those that read backwards ``weight_ih_l0_reverse`` and so on.
    All are drawn uniformly within ``1 / sqrt(hidden_size)``::

        from megagrad import nn

        outputs, state = nn.RNN(3, 5)([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
        print(outputs.shape, state.shape)  # (2, 5) (1, 5)

    Raises TypeError if a size is not an integer, ValueError if it is below 1, or for another
    nonlinearity.
    """

    _settings = (*_Network._settings, "nonlinearity")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        *,
        bidirectional: bool = False,
    ) -> None:
        """See the class."""
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, bidirectional=bidirectional
        )
        self.nonlinearity = _known(nonlinearity)


class GRU(_Gru, _Network):
    """A network of gated units over a sequence.

    The arguments and parameters are those of RNN, without a nonlinearity, and with the rows of weights of
    GRUCell::

        from megagrad import nn

        outputs, state = nn.GRU(3, 5, num_layers=2)([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
        print(outputs.shape, state.shape)  # (2, 5) (2, 5)
    """


class LSTM(_Lstm, _Network):
    """A long short-term memory over a sequence; its states are pairs ``(h, c)``.

    The arguments and parameters are those of RNN, without a nonlinearity, and with the rows of weights of
    LSTMCell::

        from megagrad import nn

        outputs, (h, c) = nn.LSTM(3, 5)([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
        print(outputs.shape, h.shape, c.shape)  # (2, 5) (1, 5) (1, 5)
    """
