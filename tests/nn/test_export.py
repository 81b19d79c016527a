"""Networks that go to PyTorch and come back (the extra test-torch)."""

import random
import sys

import pytest

import megagrad
from megagrad import Value, nn
from megagrad.nn import MLP, Layer, Neuron
from megagrad.torch_export import MODULES

torch = pytest.importorskip("torch")

POINTS = [[0.5, -1.5, 2.0], [-3.0, 25.0, 0.1], [0.0, 0.0, 0.0], [-40.0, 1e-3, 30.0]]


def trained_looking(model):
    """Weights and biases as after training: none is 0."""
    for parameter in model.parameters():
        parameter.data = random.uniform(-1, 1)
    return model


def outputs(model, x):
    out = model(x)
    return [out] if isinstance(out, Value) else out


def tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def same(actual, expected):
    """Equal but for roundings, some of which a difference of larger numbers makes."""
    return actual == pytest.approx(expected, rel=1e-12, abs=1e-13)


MODELS = {
    "MLP": lambda **options: MLP(3, [5, 4, 2], **options),
    "MLP of one output": lambda **options: MLP(3, [4, 1], **options),
    "linear MLP": lambda **options: MLP(3, [2], **options),
    "Layer": lambda **options: Layer(3, 4, **options),
    "linear Layer": lambda **options: Layer(3, 4, nonlin=False, **options),
    "Neuron": lambda **options: Neuron(3, **options),
}


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("kind", MODELS)
def test_outputs_and_gradients_are_the_same(kind, activation):
    random.seed(2)
    model = trained_looking(MODELS[kind](activation=activation))
    network = megagrad.to_torch(model)
    for point in POINTS:
        xs, x = [Value(number) for number in point], tensor(point).requires_grad_()
        ours, theirs = outputs(model, xs), network(x)
        assert same([value.data for value in ours], theirs.tolist())
        loss, expected = sum((out - 0.3) ** 2 for out in ours), ((theirs - 0.3) ** 2).sum()
        model.zero_grad()
        network.zero_grad()
        loss.backward()
        expected.backward()
        assert same([value.grad for value in xs], x.grad.tolist())
        grads = []
        for linear in (module for module in network if isinstance(module, torch.nn.Linear)):
            for row, bias in zip(linear.weight.grad.tolist(), linear.bias.grad.tolist()):  # noqa: B905
                grads += [*row, bias]
        assert same([parameter.grad for parameter in model.parameters()], grads)


@pytest.mark.parametrize("activation", MODULES)
def test_there_and_back_is_exact(activation):
    random.seed(3)
    model = trained_looking(MLP(3, [5, 1], activation=activation))
    back = megagrad.from_torch(megagrad.to_torch(model))
    assert back.state_dict() == model.state_dict()
    assert repr(back) == repr(model)
    assert [back(x).data for x in POINTS] == [model(x).data for x in POINTS]
    again = megagrad.to_torch(back)
    assert repr(again) == repr(megagrad.to_torch(model))
    for name, weights in megagrad.to_torch(model).state_dict().items():
        assert torch.equal(again.state_dict()[name], weights)


def test_it_is_float64_and_takes_batches():
    model = MLP(3, [4, 1])
    network = megagrad.to_torch(model)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}
    assert all(parameter.requires_grad for parameter in network.parameters())
    batch = network(tensor(POINTS))
    assert batch.shape == (len(POINTS), 1)
    assert same(batch.flatten().tolist(), [model(x).data for x in POINTS])


def test_layers_with_activations_of_their_own():
    random.seed(4)
    linears = [torch.nn.Linear(3, 4), torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)]
    network = torch.nn.Sequential(
        linears[0], torch.nn.Tanh(), linears[1], linears[2], torch.nn.ReLU(inplace=True)
    ).double()
    model = megagrad.from_torch(network)
    assert repr(model) == (
        "MLP of [Layer of [TanhNeuron(3), TanhNeuron(3), TanhNeuron(3), TanhNeuron(3)], "
        "Layer of [LinearNeuron(4), LinearNeuron(4), LinearNeuron(4)], "
        "Layer of [ReLUNeuron(3), ReLUNeuron(3)]]"
    )
    for x in POINTS:
        assert same([out.data for out in model(x)], network(tensor(x)).tolist())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_of_every_dtype_are_exact(dtype):
    linear = torch.nn.Linear(3, 2, bias=False, dtype=dtype)
    layer = megagrad.from_torch(torch.nn.Sequential(linear)).layers[0]
    assert [[w.data for w in neuron.w] for neuron in layer.neurons] == linear.weight.tolist()
    assert [neuron.b.data for neuron in layer.neurons] == [0, 0]


def test_pytorchs_default_settings_are_known():
    for name, _ in MODULES.values():
        network = torch.nn.Sequential(torch.nn.Linear(1, 1), getattr(torch.nn, name)())
        assert megagrad.from_torch(network).layers[0].neurons[0].nonlin


def test_no_other_draw_changes():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    random.seed(5)
    torch.manual_seed(5)
    ours, theirs = random.getstate(), torch.get_rng_state()
    megagrad.to_torch(megagrad.from_torch(network))
    assert random.getstate() == ours
    assert torch.equal(torch.get_rng_state(), theirs)


def test_the_weights_are_copies():
    model = MLP(2, [1])
    network = megagrad.to_torch(model)
    model.layers[0].neurons[0].b.data = 7.0
    assert network[0].bias.tolist() == [0]
    back = megagrad.from_torch(network)
    with torch.no_grad():
        network[0].bias += 1
    assert back.layers[0].neurons[0].b.data == 0


def mixed(change):
    layer = Layer(2, 2)
    change(layer.neurons[1])
    return layer


class Doubled(MLP):
    """One that computes something else than its layers."""

    def __call__(self, x):
        return super().__call__(x) * 2


class Named(MLP):
    """One that computes what its layers do."""


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (MLP(2, [2, 1], activation="sin"), ValueError, "no module for .* 'sin': .* relu, tanh, "),
        (Neuron(2, activation=Value.tanh), ValueError, "no module for the activation <"),
        (
            mixed(lambda n: setattr(n, "nonlin", False)),
            ValueError,
            "one activation, not None, relu",
        ),
        (mixed(lambda n: setattr(n, "activation", "elu")), ValueError, "not elu, relu"),
        (mixed(lambda n: n.w.pop()), ValueError, r"equally many weights, not \{1, 2\}"),
        (Doubled(2, [1]), TypeError, "not 'Doubled'"),
        (nn.Module(), TypeError, "knows the modules of megagrad.nn, .* model is 'Module'"),
        (Value(1), TypeError, "model is 'Value'"),
    ],
)
def test_what_cannot_go_to_pytorch(model, error, message):
    with pytest.raises(error, match=message):
        megagrad.to_torch(model)


def test_a_subclass_that_computes_the_same():
    assert len(megagrad.to_torch(Named(2, [3, 1]))) == 3


def linear(*sizes, **options):
    return torch.nn.Linear(*sizes, **options)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            [linear(2, 1), torch.nn.GELU("tanh")],
            r"network\[1\], GELU\(.*must have approximate=none",
        ),
        ([linear(2, 1), torch.nn.Softplus(beta=2)], r"Softplus\(beta=2.*, must have beta=1"),
        ([linear(2, 3), linear(2, 1)], r"network\[1\], Linear\(in_features=2.*, gets 3 inputs"),
        ([linear(2, 1, dtype=torch.complex64)], r"network\[0\], Linear.* must have real numbers"),
        (
            [torch.nn.LazyLinear(2)],
            r"network\[0\], LazyLinear",
        ),
        ([torch.nn.Conv2d(2, 2, 1, groups=2)], r"network\[0\], Conv2d.* must have groups=1"),
        ([torch.nn.Sequential(torch.nn.Bilinear(1, 1, 1))], r"network\[0\]\[0\], Bilinear"),
        ([torch.nn.LSTM(2, 2, num_layers=2, dropout=0.5)], r"must have dropout=0\.0"),
        ([torch.nn.MaxPool2d(2, ceil_mode=True)], "must have ceil_mode=False"),
        (
            [torch.nn.Conv1d(1, 1, 2, padding="same")],
            "has a setting that megagrad.nn lacks: padding",
        ),
        ([torch.nn.CrossEntropyLoss(label_smoothing=0.1)], r"must have label_smoothing=0\.0"),
        ([torch.nn.CrossEntropyLoss(torch.ones(2))], "has weights that megagrad.nn lacks"),
        ([torch.nn.Embedding(3, 2, padding_idx=0)], "must have padding_idx=None"),
    ],
)
def test_what_cannot_come_from_pytorch(modules, message):
    state = random.getstate()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        megagrad.from_torch(torch.nn.Sequential(*modules))
    assert random.getstate() == state


def test_only_a_module_comes_from_pytorch():
    for thing in (torch.ones(2), torch.nn, "Linear"):
        with pytest.raises(TypeError, match="must be one of PyTorch's own modules, not"):
            megagrad.from_torch(thing)


@pytest.mark.parametrize("name", ["to_torch", "from_torch"])
def test_without_pytorch(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=f"^{name} needs PyTorch: pip install torch$"):
        getattr(megagrad, name)(MLP(2, [1]))


def test_layers_that_do_not_fit_one_another():
    model = MLP(2, [3, 1])
    model.layers[0].neurons.pop()
    with pytest.raises(ValueError, match="a layer of 2 neurons is followed by"):
        megagrad.to_torch(model)


def test_modules_with_hooks():
    network = torch.nn.Sequential(torch.nn.Linear(2, 1))
    network[0].register_forward_hook(lambda module, inputs, output: output * 2)
    with pytest.raises(ValueError, match="has hooks"):
        megagrad.from_torch(network)


def test_a_model_without_neurons():
    model, layer = MLP(2, [1]), Layer(2, 1)
    model.layers.clear()
    layer.neurons.clear()
    for empty in (model, layer):
        with pytest.raises(ValueError, match="at least one layer, and each layer one neuron"):
            megagrad.to_torch(empty)


def test_a_network_that_does_more_than_its_modules():
    class Doubled(torch.nn.Sequential):
        def forward(self, x):
            return super().forward(x) * 2

    with pytest.raises(TypeError, match="not 'Doubled'"):
        megagrad.from_torch(Doubled(linear(2, 1)))
    network = torch.nn.Sequential(linear(2, 1))
    network.register_forward_hook(lambda module, inputs, output: output * 2)
    with pytest.raises(ValueError, match=r"(?s)network, .* has hooks"):
        megagrad.from_torch(network)


def test_parametrized_weights():
    module = torch.nn.utils.parametrizations.weight_norm(linear(2, 1))
    with pytest.raises(ValueError, match=r"network\[0\], ParametrizedLinear"):
        megagrad.from_torch(torch.nn.Sequential(module))
