"""Modules with arrays of parameters and with buffers: their states and copies."""

import copy
import pickle
import re

import numpy as np
import pytest

from megagrad import Value, nn
from megagrad.nn import Module


class Counted(Module):
    """Arrays of parameters, one of them under two names, buffers, and arrays that are no state."""

    def __init__(self):
        self.table = nn.Embedding(3, 2)
        self.head = nn.Linear(2, 3, bias=False)
        self.head.weight = self.table.weight
        self.scale = Value(2)
        self.register_buffer("mean", np.array([0.5, 1.5], np.float32))
        self.register_buffer("steps", np.zeros((), np.int64))
        self.constant = np.ones(4)
        self.mixed = np.array([Value(3), 4.0], object)
        self.computed = self.head.weight * 2

    def forward(self, place):
        return self.head(self.table([place])) * self.scale


NAMES = ["scale", "mixed.0", "table.weight", "head.weight", "mean", "steps"]


def test_a_state_of_arrays_and_buffers():
    model = Counted()
    state = model.state_dict()
    assert list(state) == NAMES
    assert len(model.parameters()) == 6 + 2
    assert (type(state["scale"]), state["scale"]) == (float, 2)
    assert (state["table.weight"].dtype, state["table.weight"].shape) == (np.float64, (3, 2))
    assert (state["head.weight"] == state["table.weight"]).all()
    assert (state["mean"].dtype, state["steps"].dtype) == (np.float32, np.int64)
    state["mean"][:] = state["steps"][...] = state["table.weight"][:] = 9
    assert model.mean.tolist() == [0.5, 1.5]
    assert (model.steps, 9.0 in model.state_dict()["table.weight"]) == (0, False)


def test_a_state_of_arrays_goes_into_another_module():
    model, other = Counted(), Counted()
    model.steps[...] = 7
    weight, mean, first = other.head.weight, other.mean, other.head.weight[0, 0]
    first.grad = 5
    assert other.load_state_dict(model.state_dict()) == ([], [])
    assert other.head.weight is other.table.weight is weight
    assert (other.mean is mean, weight[0, 0] is first, first.grad) == (True, True, 5)
    assert (other.steps, other.steps.dtype) == (7, np.int64)
    assert [out.data for out in other(1).flat] == [out.data for out in model(1).flat]


def test_nested_lists_and_the_dtypes_of_other_libraries_are_taken():
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": [[1, 2.5]], "bias": np.array([3], np.float16)})
    assert [p.data for p in model.parameters()] == [1, 2.5, 3]


def test_tensors_of_pytorch_are_taken():
    torch = pytest.importorskip("torch")
    model = Counted()
    weight = torch.nn.Parameter(torch.randn(3, 2, dtype=torch.float32))
    state = {
        "scale": torch.tensor(0.1, dtype=torch.bfloat16, requires_grad=True),
        "mixed.0": torch.tensor(2),
        "table.weight": weight,
        "head.weight": weight,
        "mean": torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        "steps": torch.tensor(3),
    }
    model.load_state_dict(state)
    assert model.state_dict()["head.weight"].tolist() == weight.tolist()
    assert model.scale.data == state["scale"].item()
    assert (model.mixed[0].data, model.mean.tolist(), model.steps) == (2, [1, 2], 3)
    with pytest.raises(TypeError, match=r"state\['table.weight'\] must be .* not of complex64"):
        model.load_state_dict({"table.weight": weight + 0j}, strict=False)


@pytest.mark.parametrize(
    ("name", "numbers", "error", "message"),
    [
        ("head.weight", np.ones((2, 3)), RuntimeError, "must have the shape (3, 2), not (2, 3)"),
        ("head.weight", 1.0, RuntimeError, "must have the shape (3, 2), not ()"),
        ("head.weight", [[1, 2], [3]], TypeError, "state['head.weight'] must be an array of real"),
        ("head.weight", [["1", "2"]] * 3, TypeError, "array of real numbers, not of <U1"),
        ("head.weight", np.full((3, 2), Value(1)), TypeError, "real numbers, not of object"),
        ("mean", [1.0], RuntimeError, "state['mean'] must have the shape (2,), not (1,)"),
        ("steps", [1], RuntimeError, "state['steps'] must have the shape (), not (1,)"),
        ("steps", 1.5, ValueError, "state['steps'] must have numbers that int64 can hold, not 1.5"),
        ("steps", float("nan"), ValueError, "int64 can hold, not nan"),
        ("steps", 2.0**63, ValueError, "int64 can hold, not 9.2"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_arrays_that_do_not_fit_change_nothing(name, numbers, error, message, strict):
    model = Counted()
    before = {key: np.array(part) for key, part in model.state_dict().items()}
    state = {key: part * 0 + 9 for key, part in before.items()} | {name: numbers}
    with pytest.raises(error, match=re.escape(message)):
        model.load_state_dict(state, strict=strict)
    assert all((part == before[key]).all() for key, part in model.state_dict().items())


def test_a_lenient_load_of_arrays():
    model = Counted()
    differences = model.load_state_dict({"steps": 4, "head.bias": [1.0]}, strict=False)
    assert differences == ([name for name in NAMES if name != "steps"], ["head.bias"])
    assert model.steps == 4


@pytest.mark.parametrize(
    "array", [[1.0], None, np.array([Value(1)]), np.array(["a"]), np.ones(1, complex)]
)
def test_a_buffer_is_an_array_of_real_numbers(array):
    model = Module()
    with pytest.raises(TypeError, match="a buffer must be a NumPy array of real numbers, not"):
        model.register_buffer("mean", array)
    assert vars(model) == {}


def test_an_overridden_parameters_freezes_and_the_state_keeps_all_arrays():
    class Tuned(Module):
        def __init__(self):
            self.body, self.head = nn.Linear(2, 2), nn.Linear(2, 1)

        def parameters(self):
            return self.head.parameters()

    model = Tuned()
    assert [name for name, _ in model.named_parameters()] == [
        "head.weight.0.0",
        "head.weight.0.1",
        "head.bias.0",
    ]
    assert list(model.state_dict()) == ["body.weight", "body.bias", "head.weight", "head.bias"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_arrays(duplicate):
    model = Counted()
    twin = duplicate(model)
    assert list(twin.state_dict()) == NAMES
    assert twin.head.weight is twin.table.weight
    assert not set(twin.parameters()) & set(model.parameters())
    twin.mean[:] = 0
    twin.scale.data = 0
    assert (model.mean[0], model.scale.data) == (0.5, 2)


def test_a_shallow_copy_shares_its_parts_and_has_buffers_of_its_own():
    model = Counted()
    twin = copy.copy(model)
    assert twin.parameters() == model.parameters()
    twin.register_buffer("constant", np.zeros(4))
    assert list(twin.state_dict()) == [*NAMES, "constant"]
    assert list(model.state_dict()) == NAMES
