"""Modules: their parameters and names, and states under PyTorch's names."""

import copy
import pickle
import random
import re

import numpy as np
import pytest

from megagrad import Value, nn
from megagrad.nn import MLP, Module, Neuron


def test_parameters_are_in_micrograds_order():
    model = MLP(2, [3, 2])
    assert len(model.parameters()) == 3 * 3 + 2 * 4
    assert model.parameters() == [
        p for layer in model.layers for n in layer.neurons for p in [*n.w, n.b]
    ]


def test_zero_grad():
    model = MLP(2, [3, 1])
    (model([1.0, -1.0]) * 3).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0] * 13


def test_names():
    model = MLP(2, [4, 1])
    names = dict(model.named_parameters())
    assert names["layers.0.neurons.3.w.1"] is model.layers[0].neurons[3].w[1]
    assert names["layers.1.neurons.0.b"] is model.layers[1].neurons[0].b
    assert list(names.values()) == model.parameters()
    assert list(names)[:4] == [f"layers.0.neurons.0.{p}" for p in ("w.0", "w.1", "b")] + [
        "layers.0.neurons.1.w.0"
    ]


class Own(Module):
    """A module in all the shapes a user's may have, without a parameters() of its own."""

    def __init__(self):
        self.scale = Value(2)
        self.pairs = {"a": (Value(3), "text"), 7: [Value(4)]}
        self.net = MLP(1, [1])
        self.again = self.scale
        self.top = self
        self.loop = [self.pairs]
        self.loop.append(self.loop)
        self.size = 5
        self.last = self.scale * 3


def test_a_module_without_parameters_of_its_own():
    own = Own()
    assert list(dict(own.named_parameters())) == [
        "scale",
        "pairs.a.0",
        "pairs.7.0",
        "net.layers.0.neurons.0.w.0",
        "net.layers.0.neurons.0.b",
    ]
    assert [p.data for p in own.parameters()[:3]] == [2, 3, 4]
    assert own.parameters() == [p for _, p in own.named_parameters()]
    assert Module().parameters() == []


def test_what_is_held_in_many_places_is_looked_at_once():
    everyone = [Module() for _ in range(12)]  # there are 12! ways from the first to all
    for one in everyone:
        one.peers, one.w = everyone, Value(1)
    assert len(everyone[0].parameters()) == 12
    assert len(list(everyone[0].named_parameters())) == 12
    assert set(everyone[0].modules()) == set(everyone)
    assert not everyone[0].eval().peers[11].training


def test_deep_nesting_needs_no_recursion():
    own = Module()
    own.chain = [Value(1)]
    for _ in range(5_000):
        own.chain = [own.chain]
    ((name, value),) = own.named_parameters()
    assert value.data == 1
    assert name == "chain" + ".0" * 5_001


class Overriding(Module):
    """As micrograd's own classes: parameters() says what is trained, in what order."""

    def __init__(self):
        self.frozen = Value(1)
        self.w = [Value(2), Value(3)]
        self.scaled = Value(1) * 4

    def parameters(self):
        return [self.scaled, *reversed(self.w), self.w[0]]


def test_a_module_with_parameters_of_its_own():
    own = Overriding()
    assert list(own.named_parameters()) == [
        ("scaled", own.scaled),
        ("w.1", own.w[1]),
        ("w.0", own.w[0]),
    ]
    own.w[0].grad = own.frozen.grad = 5
    own.zero_grad()
    assert (own.w[0].grad, own.frozen.grad) == (0, 5)
    assert own.state_dict() == {"scaled": 4, "w.1": 3, "w.0": 2}


def test_a_parameter_that_no_attribute_leads_to_has_no_name():
    class Hidden(Module):
        def parameters(self):
            return [value]

    value = Value(1)
    with pytest.raises(ValueError, match="no attribute of the Hidden leads to it"):
        Hidden().state_dict()


def test_state_goes_from_one_network_to_another():
    random.seed(1)
    trained, fresh = MLP(2, [3, 1]), MLP(2, [3, 1])
    state = trained.state_dict()
    assert len(state) == 13
    assert {type(number) for number in state.values()} == {float}
    assert fresh([1, 2]).data != trained([1, 2]).data
    before = fresh.parameters()
    before[0].grad = 7
    assert fresh.load_state_dict(state) == ([], [])
    assert fresh.state_dict() == state
    assert fresh.parameters() == before
    assert before[0].grad == 7
    assert fresh([1, 2]).data == trained([1, 2]).data


def test_state_is_a_copy_and_takes_numpy_numbers():
    neuron = Neuron(1)
    state = neuron.state_dict()
    neuron.w[0].data += 1
    assert neuron.w[0].data != state["w.0"]
    neuron.load_state_dict({"w.0": np.float32(0.5), "b": 1})
    assert neuron.state_dict() == {"w.0": 0.5, "b": 1.0}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("b"), RuntimeError, "Neuron: missing names ['b'], unexpected names []"),
        (lambda s: s.update(c=1), RuntimeError, "missing names [], unexpected names ['c']"),
        (lambda s: s.update(b="1"), TypeError, "state['b'] must be a real number, not 'str'"),
        (lambda s: s.update(b=None), TypeError, "state['b'] must be a real number, not 'NoneType'"),
        (lambda s: s.update(b=Value(1)), TypeError, "must be a real number, not 'Value'"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    neuron = Neuron(2)
    before = neuron.state_dict()
    state = dict.fromkeys(before, 9.0)
    change(state)
    with pytest.raises(error, match=re.escape(message)):
        neuron.load_state_dict(state)
    assert neuron.state_dict() == before


def test_a_state_must_be_a_mapping():
    with pytest.raises(TypeError, match=r"must be a mapping .*not 'list'"):
        Neuron(1).load_state_dict([1, 2])


def test_a_lenient_load_takes_what_fits():
    neuron = Neuron(2)
    w1 = neuron.w[1].data
    differences = neuron.load_state_dict({"w.0": 5, "b": 6, "c": 7}, strict=False)
    assert differences.missing_keys == ["w.1"]
    assert differences.unexpected_keys == ["c"]
    assert neuron.state_dict() == {"w.0": 5, "w.1": w1, "b": 6}


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(duplicate):
    model = MLP(2, [3, 1], activation="tanh")
    twin = duplicate(model)
    assert twin.state_dict() == model.state_dict()
    assert twin([1, 2]).data == model([1, 2]).data
    assert not set(twin.parameters()) & set(model.parameters())


def test_two_parameters_of_one_name_are_an_error():
    class Both(Module):
        def __init__(self):
            self.d = {1: Value(10), "1": Value(20)}

    model = Both()
    assert len(model.parameters()) == 2
    with pytest.raises(ValueError, match=r"two Values of the Both have the name 'd\.1'"):
        model.state_dict()


class Looped(Module):
    """A module that holds itself, and one part twice."""

    def __init__(self):
        self.part = nn.Sequential(nn.Linear(2, 1), np.tanh)
        self.again = self.part
        self.top = self
        self.inside = [self, {"deep": (nn.Dropout(0.25),)}]


def test_modules_come_once():
    model = Looped()
    assert list(model.modules()) == [
        model,
        model.part,
        model.part[0],
        model.inside[1]["deep"][0],
    ]


def test_train_and_eval_reach_every_module():
    model = Looped()
    assert [module.training for module in model.modules()] == [True] * 4
    assert model.eval() is model
    assert [module.training for module in model.modules()] == [False] * 4
    assert model.train() is model
    assert [module.training for module in model.modules()] == [True] * 4


def test_what_is_in_two_places_has_both_names_in_a_state():
    names = ["part.0.weight", "part.0.bias", "again.0.weight", "again.0.bias"]
    model = Looped()
    assert list(model.state_dict()) == names
    assert [name for name, _ in model.named_parameters()] == [
        "part.0.weight.0.0",
        "part.0.weight.0.1",
        "part.0.bias.0",
    ]


def test_the_repr_shows_the_modules_within():
    assert repr(Looped()) == (
        "Looped(\n"
        "  (part): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=1, bias=True)\n"
        "  )\n"
        "  (again): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=1, bias=True)\n"
        "  )\n"
        "  (top): ...\n"
        ")"
    )
    assert repr(Module()) == "Module()"


def test_calling_a_module_calls_its_forward():
    class Forward(Module):
        def forward(self, x, *, times=1):
            return x * times

    class Called(Module):
        def __call__(self, x):
            return -x

    assert (Forward()(3, times=2), Called()(3)) == (6, -3)
    with pytest.raises(NotImplementedError, match="Module defines neither forward nor __call__"):
        Module()(1)
