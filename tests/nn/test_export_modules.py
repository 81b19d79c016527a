"""PyTorch's modules that come to megagrad, and go back (the extra test-torch)."""

import random
import re

import numpy as np
import pytest

import megagrad
from megagrad import nn

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(2)
ROWS, IMAGES = RNG.normal(size=(4, 3)), RNG.normal(size=(2, 1, 5, 6))
STEPS = RNG.normal(size=(4, 2, 3))
QUERIES = RNG.normal(size=(3, 4))

# How PyTorch's module is made, and an input.
MADE = {
    "Linear": (lambda n: n.Linear(3, 2, bias=False), ROWS),
    "Embedding": (lambda n: n.Embedding(4, 2), np.array([[0, 3]])),
    "Flatten": (lambda n: n.Flatten(), IMAGES),
    "Identity": (lambda n: n.Identity(), ROWS),
    "ReLU": (lambda n: n.Sequential(n.ReLU(), n.LeakyReLU(0.3), n.ELU(0.5)), ROWS),
    "Softplus": (lambda n: n.Softplus(), ROWS * 20),
    "Softmax": (lambda n: n.Sequential(n.Softmax(0), n.LogSoftmax(dim=-1)), ROWS),
    "Conv1d": (lambda n: n.Conv1d(4, 2, 3, padding=1, bias=False), STEPS.swapaxes(0, 1)),
    "Conv2d": (lambda n: n.Conv2d(1, 2, (2, 3), stride=2, dilation=(2, 1)), IMAGES),
    "MaxPool2d": (lambda n: n.Sequential(n.MaxPool2d(2, padding=1), n.AvgPool2d(2, 1)), IMAGES),
    "LayerNorm": (lambda n: n.LayerNorm(3, bias=False), ROWS),
    "RMSNorm": (lambda n: n.RMSNorm((3,)), ROWS),
    "BatchNorm1d": (lambda n: n.BatchNorm1d(3, momentum=None), ROWS),
    "Dropout": (lambda n: n.Dropout(0.3).eval(), ROWS),
    "LSTM": (lambda n: n.LSTM(3, 2, num_layers=2, bidirectional=True), STEPS),
    "GRU": (lambda n: n.GRU(3, 2, bias=False, batch_first=True), STEPS),
    "RNN": (lambda n: n.RNN(3, 2, nonlinearity="relu"), STEPS),
    "LSTMCell": (lambda n: n.LSTMCell(3, 2), ROWS),
    "Sequential": (
        lambda n: n.Sequential(n.Linear(3, 4), n.Sequential(n.BatchNorm1d(4), n.Tanh())).eval(),
        ROWS,
    ),
}


def numbers(out):
    """All numbers of an output of either library, in one row."""
    if isinstance(out, tuple):
        return np.concatenate([numbers(part) for part in out])
    if isinstance(out, torch.Tensor):
        return out.detach().numpy().ravel()
    return np.array([getattr(value, "data", value) for value in out.ravel().tolist()])


@pytest.mark.parametrize("name", MADE)
def test_there_and_back(name):
    make, x = MADE[name]
    torch.manual_seed(3)
    theirs = make(torch.nn)
    ours = megagrad.from_torch(theirs)
    back = megagrad.to_torch(ours)
    assert repr(ours).partition("(")[0] == repr(theirs).partition("(")[0]
    # PyTorch keeps one size for both directions as it is; Softplus's threshold makes it exact.
    if name not in ("MaxPool2d", "Softplus"):
        assert repr(back) == repr(theirs)
    assert back.training == ours.training == theirs.training
    for key, weights in theirs.state_dict().items():
        assert torch.equal(back.state_dict()[key], weights.double())
    given = torch.as_tensor(x)
    expected = numbers(theirs.double()(given))
    assert numbers(back(given)) == pytest.approx(expected, rel=1e-9, abs=1e-8)
    assert numbers(ours(x)) == pytest.approx(expected, rel=1e-9, abs=1e-8)


def test_attention():
    torch.manual_seed(3)
    theirs = torch.nn.MultiheadAttention(4, 2, bias=False, dtype=torch.float64)
    ours = megagrad.from_torch(theirs)
    x = torch.as_tensor(QUERIES)
    assert numbers(ours(QUERIES, QUERIES, QUERIES)) == pytest.approx(numbers(theirs(x, x, x)))
    back = megagrad.to_torch(ours)
    assert torch.equal(back.in_proj_weight, theirs.in_proj_weight)


@pytest.mark.parametrize(
    "name",
    [
        "MSELoss",
        "L1Loss",
        "HuberLoss",
        "CrossEntropyLoss",
        "NLLLoss",
        "BCELoss",
        "BCEWithLogitsLoss",
    ],
)
def test_losses(name):
    theirs = getattr(torch.nn, name)(reduction="sum")
    ours = megagrad.from_torch(theirs)
    assert (type(ours), ours.reduction) == (getattr(nn, name), "sum")
    assert vars(megagrad.to_torch(ours)) == vars(theirs)


def test_every_module_is_covered():
    classes = {n for n in nn.__all__ if isinstance(getattr(nn, n), type)}
    own = {"MLP", "Layer", "Neuron", "Module", "Value", "IncompatibleKeys"}
    assert all(hasattr(torch.nn, name) for name in classes - own)


def tied(n):
    embedding, head = n.Embedding(4, 3), n.Linear(3, 4, bias=False)
    head.weight = embedding.weight
    return n.Sequential(embedding, n.Tanh(), head)


def test_what_is_tied_stays_tied():
    torch.manual_seed(3)
    ours = megagrad.from_torch(tied(torch.nn))
    assert ours[2].weight is ours[0].weight
    assert len(ours.parameters()) == 12
    theirs = megagrad.to_torch(tied(nn))
    assert theirs[2].weight is theirs[0].weight
    assert len(list(theirs.parameters())) == 1
    linear = torch.nn.Linear(2, 2)
    assert len(megagrad.from_torch(torch.nn.Sequential(linear, linear)).parameters()) == 6


def test_a_module_list_and_an_mlp_within():
    random.seed(1)
    model = nn.ModuleList([nn.MLP(3, [2, 1]), nn.Linear(1, 1)])
    theirs = megagrad.to_torch(model)
    assert type(theirs) is torch.nn.ModuleList
    x = ROWS[0]
    assert theirs[0](torch.as_tensor(x)).item() == pytest.approx(model[0](x).data)


def test_no_other_draw_changes():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
    random.seed(5)
    torch.manual_seed(5)
    ours, theirs = random.getstate(), torch.get_rng_state()
    megagrad.to_torch(megagrad.from_torch(network))
    assert random.getstate() == ours
    assert torch.equal(torch.get_rng_state(), theirs)


def test_a_class_of_ones_own_says_what_to_do():
    class Net(nn.Module):
        def __init__(self):
            self.one = nn.Linear(2, 1)

    with pytest.raises(TypeError, match=r"model\[0\] is 'Net'. .* use load_state_dict"):
        megagrad.to_torch(nn.Sequential(Net()))


def test_the_state_of_ones_own_pytorch_class_goes_into_ones_own_class():
    def network(n):
        class Net(n.Module):
            def __init__(self):
                super().__init__()
                self.body, self.head = n.Sequential(n.Linear(3, 4), n.Tanh()), n.LSTM(4, 2)

            def forward(self, x):
                return self.head(self.body(x))[0]

        return Net()

    theirs, ours = network(torch.nn), network(nn)
    with pytest.raises(
        ValueError, match=r"(?s)network, Net.* call load_state_dict\(network\.state_"
    ):
        megagrad.from_torch(theirs)
    ours.load_state_dict(theirs.state_dict())
    x = torch.as_tensor(STEPS[:, 0])
    assert numbers(ours(STEPS[:, 0])) == pytest.approx(numbers(theirs.double()(x)))


def test_a_module_in_two_places_stays_one():
    norm = torch.nn.BatchNorm1d(3)
    ours = megagrad.from_torch(torch.nn.Sequential(norm, torch.nn.Linear(3, 3), norm))
    theirs = megagrad.to_torch(ours)
    assert ours[0] is ours[2]
    assert theirs[0] is theirs[2]
    for network, x in ((ours, ROWS), (theirs, torch.as_tensor(ROWS))):
        network(x)
        assert network[0].num_batches_tracked == 2


def test_parameters_within_and_between_recurrent_modules_stay_tied():
    theirs = torch.nn.Sequential(torch.nn.LSTM(2, 2, 2), torch.nn.LSTM(2, 2))
    theirs[0].weight_hh_l1 = theirs[1].weight_hh_l0 = theirs[0].weight_hh_l0
    ours = megagrad.from_torch(theirs)
    back = megagrad.to_torch(ours)
    for network in (ours, back):
        assert network[0].weight_hh_l0 is network[0].weight_hh_l1 is network[1].weight_hh_l0
    x = torch.as_tensor(STEPS[..., :2])
    assert numbers(back[0](x)) == pytest.approx(numbers(theirs[0].double()(x)))


def test_linears_with_one_parameter_twice_are_no_mlp():
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    theirs[1].bias = theirs[0].bias
    ours = megagrad.from_torch(theirs)
    assert ours[0].bias is ours[1].bias


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (lambda n: n.Conv1d(4, 4, 3, groups=2), "groups=1"),
        (lambda n: n.Conv2d(1, 1, 3, padding_mode="circular"), "padding_mode=zeros"),
        (lambda n: n.Conv2d(1, 1, 3, padding="same"), "padding must be an integer, not 'str'"),
        (lambda n: n.Embedding(3, 2, max_norm=1.0), "max_norm=None"),
        (lambda n: n.Embedding(3, 2, padding_idx=0), "padding_idx=None"),
        (lambda n: n.MaxPool2d(2, ceil_mode=True), "ceil_mode=False"),
        (lambda n: n.MaxPool2d(2, return_indices=True), "return_indices=False"),
        (lambda n: n.LSTM(2, 2, 2, dropout=0.5), "dropout=0.0"),
        (lambda n: n.LSTM(2, 3, proj_size=2), "proj_size=0"),
        (lambda n: n.MultiheadAttention(4, 2, dropout=0.5), "dropout=0.0"),
        (lambda n: n.MultiheadAttention(4, 2, kdim=3), "kdim=4"),
        (lambda n: n.MultiheadAttention(4, 2, add_zero_attn=True), "add_zero_attn=False"),
        (lambda n: n.MultiheadAttention(4, 2, add_bias_kv=True), "['bias_k', 'bias_v']"),
        (lambda n: n.GELU(approximate="tanh"), "approximate=none"),
        (lambda n: n.Softplus(threshold=1.0), "threshold=37.0"),
        (lambda n: n.Softmax(), "dim must be an integer, not 'NoneType'"),
        (lambda n: n.CrossEntropyLoss(torch.ones(2)), "unexpected names ['weight']"),
        (lambda n: n.CrossEntropyLoss(label_smoothing=0.1), "label_smoothing=0.0"),
        (lambda n: n.NLLLoss(ignore_index=2), "ignore_index=-100"),
        (
            lambda n: n.BCEWithLogitsLoss(pos_weight=torch.ones(2)),
            "unexpected names ['pos_weight']",
        ),
        (lambda n: n.Linear(2, 2, dtype=torch.complex64), "must have real numbers"),
        (lambda n: n.Linear(2, 2, device="meta"), "must have real numbers"),
        (lambda n: n.Upsample(2), "one of PyTorch's modules that megagrad.nn has"),
        (lambda n: n.Module(), "one of PyTorch's modules that megagrad.nn has"),
        (lambda n: type("Linear", (n.Linear,), {})(2, 2), "PyTorch's modules that megagrad.nn has"),
    ],
)
@pytest.mark.filterwarnings("ignore:dropout option")
def test_what_we_lack_is_named(make, setting):
    theirs = make(torch.nn)
    with pytest.raises(ValueError, match=r"(?s)^network, .*" + re.escape(setting)):
        megagrad.from_torch(theirs)
    nested = torch.nn.Sequential(torch.nn.ModuleList([theirs]))
    with pytest.raises(ValueError, match=r"(?s)^network\[0\]\[0\], .*" + re.escape(setting)):
        megagrad.from_torch(nested)


@pytest.mark.parametrize("name", ["Linear", "Sequential", "ModuleList"])
def test_what_computes_something_else_is_refused(name):
    made = {"Linear": (2, 2), "Sequential": (), "ModuleList": ()}[name]
    patched, hooked = getattr(torch.nn, name)(*made), getattr(torch.nn, name)(*made)
    patched.forward = abs
    hooked.register_forward_pre_hook(lambda module, inputs: None)
    ours = getattr(nn, name)(*made)
    ours.forward = abs
    for theirs in (patched, torch.nn.Sequential(patched)):
        with pytest.raises(ValueError, match=r"(?s)has a forward of its own"):
            megagrad.from_torch(theirs)
    with pytest.raises(ValueError, match=r"(?s)^network\[0\], .* has hooks"):
        megagrad.from_torch(torch.nn.Sequential(hooked))
    with pytest.raises(TypeError, match="model is"):
        megagrad.to_torch(ours)


def test_attributes_of_ones_own_are_left_out():
    theirs = torch.nn.Linear(2, 2)
    theirs.note, theirs.mask = "first", torch.ones(3)
    assert not hasattr(megagrad.from_torch(theirs), "note")


def test_a_subclass_of_sequential_with_its_forward_is_one():
    class Block(torch.nn.Sequential):
        pass

    assert type(megagrad.from_torch(Block(torch.nn.Linear(2, 1)))) is nn.MLP
    ours = megagrad.from_torch(torch.nn.ModuleList([Block(torch.nn.Flatten())]))
    assert type(ours[0]) is nn.Sequential


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_of_every_dtype_are_exact(dtype):
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).to(dtype)
    theirs[0].weight.requires_grad_(False)
    state = megagrad.from_torch(theirs).state_dict()
    assert {name: part.tolist() for name, part in state.items()} == {
        name: part.tolist() for name, part in theirs.state_dict().items()
    }


def test_whether_it_trains_is_kept():
    for network in (torch.nn.Sequential(torch.nn.Linear(2, 1)), torch.nn.Dropout()):
        ours = megagrad.from_torch(network.eval())
        assert not any(module.training for module in ours.modules())
        assert not megagrad.to_torch(ours).training


def test_a_module_that_got_other_parameters_cannot_go():
    computed, more = nn.Linear(2, 1), nn.Linear(2, 1)
    computed.weight, more.scale = computed.weight * 2, megagrad.Value(1)
    for model, name in ((computed, "weight"), (more, "scale")):
        with pytest.raises(ValueError, match=rf'(?s)model\[0\], Linear.* other weights .*"{name}"'):
            megagrad.to_torch(nn.Sequential(model))


@pytest.mark.parametrize("thing", [None, "Linear", nn.Module(), nn.Linear])
def test_only_our_modules_go_to_pytorch(thing):
    with pytest.raises(TypeError, match=r"to_torch knows the modules of megagrad\.nn"):
        megagrad.to_torch(thing)
