"""Recurrent networks without PyTorch: states, mistakes, copies, and a text that is learned."""

import copy
import pickle
import random

import numpy as np
import pytest

from megagrad import Function, _arrays, nn, optim, record
from megagrad import functional as F

KINDS = ["RNN", "GRU", "LSTM"]
RNG = np.random.default_rng(3)


def made(name, *args, **options):
    random.seed(4)
    return getattr(nn, name)(*args, **options)


def hidden(states):
    """The hidden state of what a cell or network returned."""
    return states[0] if isinstance(states, tuple) else states


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_its_cell_step_by_step(kind):
    network, cell = made(kind, 3, 2), made(f"{kind}Cell", 3, 2)
    cell.load_state_dict({n.removesuffix("_l0"): x for n, x in network.state_dict().items()})
    steps = RNG.normal(size=(4, 3))
    outputs, last = network(steps)
    state = None
    for step, output in zip(steps, outputs, strict=True):
        state = cell(step, state)
        assert _arrays.data(hidden(state)).tolist() == _arrays.data(output).tolist()
    assert _arrays.data(hidden(last)[0]).tolist() == _arrays.data(hidden(state)).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_states_go_on_where_a_part_of_the_sequence_ended(kind):
    network = made(kind, 3, 2, num_layers=2)
    steps = RNG.normal(size=(5, 2, 3))
    whole, end = network(steps)
    first, state = network(steps[:2])
    rest, same_end = network(steps[2:], state)
    found = np.concatenate([_arrays.data(first), _arrays.data(rest)])
    assert found.tolist() == _arrays.data(whole).tolist()
    assert _arrays.data(hidden(same_end)).tolist() == _arrays.data(hidden(end)).tolist()


def test_parameters_have_pytorchs_names_and_order():
    network = nn.LSTM(3, 2, num_layers=2, bidirectional=True)
    names = [
        f"{kind}_{of}_l{layer}{side}"
        for layer in (0, 1)
        for side in ("", "_reverse")
        for kind in ("weight", "bias")
        for of in ("ih", "hh")
    ]
    assert list(network.state_dict()) == names
    assert network.weight_ih_l1.shape == (8, 4)
    bound = 2**-0.5
    assert all(abs(p.data) <= bound for p in network.parameters())
    assert nn.GRUCell(3, 2, bias=False).bias_ih is None
    assert nn.GRU(3, 2, bias=False).bias_hh_l0 is None


def test_positions_are_pytorchs():
    """What PyTorch has at a position that we have not got is refused, not taken for another thing."""
    rnn = nn.RNN(3, 2, 2, "relu", False, True)
    assert (rnn.nonlinearity, rnn.bias, rnn.batch_first) == ("relu", False, True)
    for cls in (nn.GRU, nn.LSTM):
        network = cls(3, 2, 2, False, True)
        assert (network.num_layers, network.bias, network.batch_first) == (2, False, True)
        with pytest.raises(TypeError, match="positional"):
            cls(3, 2, 2, False, True, 0.5)  # PyTorch's dropout
    with pytest.raises(TypeError, match="positional"):
        nn.RNN(3, 2, 2, "relu", False, True, 0.5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.LSTM(0, 2), ValueError, "input_size must be at least 1, got 0"),
        (lambda: nn.GRUCell(2, 1.5), TypeError, "hidden_size must be an integer"),
        (lambda: nn.RNN(2, 2, 0), ValueError, "num_layers must be at least 1, got 0"),
        (lambda: nn.RNN(2, 2, nonlinearity="gelu"), ValueError, "'tanh' or 'relu', not 'gelu'"),
        (lambda: nn.RNNCell(2, 2, True, 7), ValueError, "'tanh' or 'relu', not 7"),
    ],
)
def test_a_network_that_cannot_be_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


STEPS, PAIR = np.zeros((4, 3)), np.zeros((1, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.GRU(3, 2)(np.zeros((4, 2))), ValueError, r"3 features, got shape \(4, 2\)"),
        (lambda: nn.GRU(3, 2)(np.zeros(3)), ValueError, "input must have 2 or 3 dimensions"),
        (lambda: nn.GRUCell(3, 2)(np.zeros((1, 1, 3))), ValueError, "input must have 1 or 2 dim"),
        (lambda: nn.GRU(3, 2)(np.zeros((0, 3))), ValueError, "at least one element"),
        (lambda: nn.GRUCell(3, 2)(np.zeros((0, 3))), ValueError, "at least one element"),
        (lambda: nn.RNN(3, 2)(STEPS, np.zeros(2)), ValueError, r"hx must have the shape \(1, 2\)"),
        (lambda: nn.RNN(3, 2)(STEPS, (PAIR, PAIR)), ValueError, r"hx must have the shape \(1, 2\)"),
        (lambda: nn.LSTM(3, 2)(STEPS, PAIR), TypeError, r"hx must be a tuple of two states"),
        (lambda: nn.LSTM(3, 2)(STEPS, (PAIR,)), TypeError, r"hx must be a tuple of two states"),
        (lambda: nn.LSTM(3, 2)(STEPS, (PAIR, None)), TypeError, "hx must be an array"),
    ],
)
def test_a_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("kind", KINDS)
def test_record(kind):
    network = made(kind, 2, 2, num_layers=2, bidirectional=True)
    recorded = record(lambda *xs: network(_pairs(xs))[0].ravel().tolist(), 6)
    points = RNG.normal(size=(3, 6))
    eager = [_arrays.data(network(_pairs(point))[0]).ravel() for point in points]
    assert recorded(points) == pytest.approx(np.array(eager), rel=1e-13)


def _pairs(xs):
    return [list(xs[i : i + 2]) for i in range(0, 6, 2)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_computes_the_same(kind, again):
    network = made(kind, 3, 2, bidirectional=True)
    steps = RNG.normal(size=(2, 3))
    outputs = _arrays.data(again(network)(steps)[0])
    assert outputs.tolist() == _arrays.data(network(steps)[0]).tolist()


TEXT, WINDOW = "to be or not to be", 3
LETTERS = sorted(set(TEXT))
ONE_HOT = np.eye(len(LETTERS))[[LETTERS.index(letter) for letter in TEXT]]
WINDOWS = np.array([ONE_HOT[i : i + WINDOW + 1] for i in range(len(TEXT) - WINDOW)])


class Speller(nn.Module):
    """Guesses the letter that comes next."""

    def __init__(self):
        self.memory, self.out = nn.LSTM(len(LETTERS), 6), nn.Linear(6, len(LETTERS))

    def forward(self, letters):
        outputs, _ = self.memory(letters)
        return self.out(outputs[-1])


def surprise(model, window):
    return F.cross_entropy(model(window[:-1]).tolist(), window[-1].tolist())


def trained(model, compute):
    """The losses of some steps. compute: sets the gradients, and returns the mean loss."""
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        losses.append(compute())
        optimizer.step()
    return losses


def test_an_lstm_learns_letters_and_recorded_it_learns_the_same():
    eager, recorded = made_speller(), made_speller()

    def by_graph():
        loss = F.mean([surprise(eager, window) for window in WINDOWS])
        loss.backward()
        return loss.data

    inputs = _arrays.each(lambda v: v, WINDOWS[0])
    program = Function(inputs.ravel().tolist(), surprise(recorded, inputs), recorded.parameters())
    points = WINDOWS.reshape(len(WINDOWS), -1)

    def by_program():
        return program.backward(points, seeds=1 / len(points)).mean()

    losses = trained(eager, by_graph)
    assert losses[-1] < 0.5 * losses[0]
    assert trained(recorded, by_program) == pytest.approx(losses, rel=1e-9)
    for name, numbers in eager.state_dict().items():
        assert recorded.state_dict()[name] == pytest.approx(numbers, rel=1e-6, abs=1e-9)


def made_speller():
    random.seed(1)
    return Speller()


def test_states_that_are_values_take_gradients():
    """Where none is given it is plain zeros, which give the weights of the state no gradient."""
    cell = made("LSTMCell", 2, 2)
    h, _ = cell([1.0, 2.0])
    F.sum(h.tolist()).backward()
    assert any(p.grad for p in cell.parameters())
    assert all(p.grad == 0 for p in cell.weight_hh.ravel())
    state = _arrays.drawn((2,), lambda: 1.0)
    F.sum(cell([1.0, 2.0], (state, state))[0].tolist()).backward()
    assert all(v.grad for v in state)
