"""Neurons, layers and networks: micrograd's numbers, activations, and inputs."""

import math
import random

import numpy as np
import pytest

import megagrad
from megagrad import Value, nn
from megagrad.nn import MLP, Layer, Neuron


def plain_weights(nin, nouts):
    """What micrograd draws: for each neuron of each layer its weights; the biases are 0."""
    sizes = [nin, *nouts]
    return [
        [[random.uniform(-1, 1) for _ in range(sizes[i])] for _ in range(sizes[i + 1])]
        for i in range(len(nouts))
    ]


def plain_forward(layers, x):
    """What micrograd computes, in floats and in its order of additions."""
    for i, layer in enumerate(layers):
        sums = []
        for weights in layer:
            act = 0.0
            for weight, value in zip(weights, x, strict=True):
                act = act + weight * value
            sums.append(max(act, 0.0) if i < len(layers) - 1 else act)
        x = sums
    return x


@pytest.mark.parametrize(("nin", "nouts"), [(2, [16, 16, 1]), (3, [4, 2]), (1, [1]), (5, (7,))])
def test_weights_and_outputs_are_micrograds_to_the_last_bit(nin, nouts):
    random.seed(1337)
    weights = plain_weights(nin, nouts)
    random.seed(1337)
    model = MLP(nin, nouts)
    flat = [w for layer in weights for neuron in layer for w in [*neuron, 0.0]]
    assert [p.data for p in model.parameters()] == flat
    for _ in range(20):
        x = [random.gauss(0, 2) for _ in range(nin)]
        out = model(x)
        expected = plain_forward(weights, x)
        if nouts[-1] == 1:
            assert out.data == expected[0]
        else:
            assert [value.data for value in out] == expected


def test_known_weights():
    random.seed(1337)
    neuron = Neuron(2)
    assert [w.data for w in neuron.w] == [0.23550571390294128, 0.06653114721000164]
    assert neuron.b.data == 0
    assert neuron.nonlin is True


def test_against_micrograd_itself():
    micrograd = pytest.importorskip("micrograd.nn")
    random.seed(3)
    theirs = micrograd.MLP(2, [8, 8, 1])
    random.seed(3)
    ours = MLP(2, [8, 8, 1])
    assert repr(ours) == repr(theirs)
    xs = [[random.uniform(-2, 2), random.uniform(-2, 2)] for _ in range(20)]
    for x in xs:
        assert ours(x).data == theirs(x).data
    sum((ours(x) - 1) ** 2 for x in xs).backward()
    sum((theirs(x) - 1) ** 2 for x in xs).backward()
    assert [p.grad for p in ours.parameters()] == pytest.approx(
        [p.grad for p in theirs.parameters()], rel=1e-12
    )


def test_reprs():
    assert repr(Neuron(2)) == "ReLUNeuron(2)"
    assert repr(Neuron(1, nonlin=False)) == "LinearNeuron(1)"
    assert repr(Neuron(2, False, "tanh")) == "LinearNeuron(2)"
    assert repr(Neuron(2, activation="tanh")) == "TanhNeuron(2)"
    assert repr(Neuron(2, activation="leaky_relu")) == "LeakyReluNeuron(2)"
    assert repr(Neuron(2, activation=Value.exp)) == "ExpNeuron(2)"
    assert repr(Layer(2, 2)) == "Layer of [ReLUNeuron(2), ReLUNeuron(2)]"
    assert repr(MLP(2, [2, 1])) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )
    assert "TanhNeuron(2)], Layer of [LinearNeuron(1)]" in repr(MLP(2, [1, 1], activation="tanh"))


def test_a_single_output_is_a_value_and_several_are_a_list():
    assert isinstance(Neuron(2)([1, 2]), Value)
    assert isinstance(Layer(2, 1)([1, 2]), Value)
    assert [type(out) for out in Layer(2, 3)([1, 2])] == [Value] * 3
    assert isinstance(MLP(2, [3, 1])([1, 2]), Value)
    assert len(MLP(2, [3, 2])([1, 2])) == 2


def test_a_layer_of_one_neuron_may_be_in_the_middle():
    model = MLP(2, [1, 3, 1])
    assert isinstance(model([1.0, 2.0]), Value)


@pytest.mark.parametrize(
    "make",
    [list, tuple, np.array, iter, lambda x: [Value(a) for a in x], lambda x: map(Value, x)],
)
def test_inputs_of_many_kinds(make):
    random.seed(2)
    model = MLP(2, [3, 1])
    assert model(make([0.5, -1.5])).data == model([0.5, -1.5]).data


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_every_unary_op_is_an_activation(name):
    neuron = Neuron(1, activation=name)
    neuron.w[0].data = 0.5
    out = neuron([0.5])
    assert out.data == getattr(Value(0.25), name)().data
    assert out._op == nn.ACTIVATIONS[name]


def test_activations_are_those_ops_that_need_one_operand():
    assert {"relu", "tanh", "sigmoid", "leaky_relu", "elu", "sin"} <= set(nn.ACTIVATIONS)
    assert not {"add", "pow", "maximum"} & set(nn.ACTIVATIONS)


def test_a_function_may_be_the_activation():
    neuron = Neuron(1, activation=lambda v: v * 10)
    neuron.w[0].data = 0.5
    assert neuron([3.0]).data == 15


def test_the_last_layer_is_linear_and_the_others_are_not():
    model = MLP(2, [3, 3, 2], activation="tanh")
    assert [[n.nonlin for n in layer.neurons] for layer in model.layers] == [
        [True] * 3,
        [True] * 3,
        [False] * 2,
    ]
    assert {n.activation for layer in model.layers for n in layer.neurons} == {"tanh"}


def test_nonlin_and_activation_are_read_when_called():
    neuron = Neuron(1)
    neuron.w[0].data = -0.5
    assert neuron([1.0]).data == 0
    neuron.nonlin = False
    assert neuron([1.0]).data == -0.5
    neuron.nonlin, neuron.activation = True, "tanh"
    assert neuron([1.0]).data == math.tanh(-0.5)


@pytest.mark.parametrize(
    "make", [Neuron, lambda n, **k: Layer(n, 2, **k), lambda n, **k: MLP(n, [2], **k)]
)
def test_unknown_activation(make):
    with pytest.raises(ValueError, match=r"unknown activation 'tahn': known are .*\btanh\b"):
        make(2, activation="tahn")


@pytest.mark.parametrize("x", [[], [1.0], [1.0, 2.0, 3.0], np.zeros(4)])
@pytest.mark.parametrize("model", [Neuron(2), Layer(2, 3), MLP(2, [3, 1])])
def test_wrong_number_of_inputs(model, x):
    with pytest.raises(ValueError, match=f"got {len(x)} inputs, expected 2"):
        model(x)


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (2.0, TypeError, "must be an integer, not 'float'"),
        ("2", TypeError, "must be an integer, not 'str'"),
        (None, TypeError, "must be an integer, not 'NoneType'"),
        (0, ValueError, "must be at least 1, got 0"),
        (-1, ValueError, "must be at least 1, got -1"),
        (-(10**5000), ValueError, "must be at least 1, got one of"),
        (2**31, ValueError, "must be at most 2147483647, got 2147483648"),
        (2**63, ValueError, "must be at most 2147483647, got 9223372036854775808"),
        (10**400, ValueError, "must be at most 2147483647, got one of"),
    ],
    ids=lambda part: str(part)[:20] if not isinstance(part, int) else f"{part.bit_length()} bits",
)
@pytest.mark.parametrize(
    "make",
    [
        Neuron,
        lambda n: Layer(n, 1),
        lambda n: Layer(1, n),
        lambda n: MLP(n, [1]),
        lambda n: MLP(2, [3, n]),
    ],
)
def test_wrong_sizes(make, size, error, message):
    with pytest.raises(error, match=f"n(in|out) {message}"):
        make(size)


def test_an_mlp_needs_layers():
    with pytest.raises(ValueError, match="at least one layer"):
        MLP(2, [])
    with pytest.raises(TypeError, match=r"nouts must be a list .*not 'int'"):
        MLP(2, 16)


def test_a_wrong_size_draws_no_number():
    random.seed(1)
    state = random.getstate()
    for make in (lambda: Neuron(0), lambda: Layer(2, 0), lambda: Neuron(2, activation="no")):
        with pytest.raises(ValueError, match=r"at least|unknown"):
            make()
    assert random.getstate() == state


def test_numpy_integers_are_integers():
    assert len(MLP(np.int64(2), [np.int32(3)]).parameters()) == 9


def test_subclasses_may_pass_keywords_on_as_in_micrograd():
    class Wide(Layer):
        def __init__(self, nin, nout, **kwargs):
            super().__init__(nin, nout * 2, **kwargs)

    assert repr(Wide(1, 1, nonlin=False)) == "Layer of [LinearNeuron(1), LinearNeuron(1)]"


def test_an_activation_of_another_type_is_an_error():
    with pytest.raises(TypeError, match=r"activation must be the name of an op.* not 'list'"):
        Neuron(2, activation=["relu"])


@pytest.mark.parametrize("x", [1, None, 1.0])
def test_an_input_that_is_no_list_is_an_error(x):
    for module in (Neuron(2), Layer(2, 1), MLP(2, [1])):
        with pytest.raises(TypeError, match=r"x must be a list|numbers as x, not"):
            module(x)


@pytest.mark.parametrize("count", [2**31, 2**63, 10**400], ids=["2**31", "2**63", "10**400"])
def test_more_inputs_than_any_memory_holds(count):
    with pytest.raises(ValueError, match="n_inputs must be at most 2147483647, got"):
        megagrad.record(lambda *xs: xs[0], count)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Neuron(2), "x must be a list of numbers or Values, not 'ndarray'"),
        (Layer(2, 2), r"\bx\b.* not a 'numpy\.ndarray'"),
        (MLP(2, [2]), r"\bx\b.* not a 'numpy\.ndarray'"),
    ],
)
def test_an_array_of_no_dimensions_is_no_input(module, message):
    with pytest.raises(TypeError, match=message):
        module(np.array(3.0))
