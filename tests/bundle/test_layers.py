"""Layers and networks are their loops, also as they are changed."""

import gc
import random
import weakref

import pytest
from support.loops import network_loop
from support.trees import flattened, shape, tree

from megagrad import nn
from megagrad.engine import Value


def drawn_twice(activation):
    models = []
    for _ in range(2):
        random.seed(11)
        models.append(nn.MLP(3, [4, 3, 1], activation=activation))
        for p in models[-1].parameters():
            p.data = random.uniform(0.1, 0.5)  # where log, arccos and the others are defined
    return models


@pytest.mark.parametrize("activation", sorted(nn.ACTIVATIONS))
@pytest.mark.parametrize("passes", [0, 1, 2])
def test_a_network_is_its_loop(activation, passes):
    trees = []
    for model, run in zip(drawn_twice(activation), (nn.MLP.__call__, network_loop), strict=True):
        x = [Value(0.25), Value(0.5), 0.125]
        try:
            out = run(model, x)
        except ValueError as error:
            trees.append(str(error))
            continue
        for _ in range(passes):
            (out * 3).backward()
        trees.append((tree(out), [p.grad for p in model.parameters()]))
    if isinstance(trees[0], str):
        assert trees[0] == trees[1]
        return
    assert trees[0][1] == pytest.approx(trees[1][1], rel=1e-13)
    assert flattened(trees[0][0]) == pytest.approx(flattened(trees[1][0]), rel=1e-13)
    assert shape(trees[0][0]) == shape(trees[1][0])


def test_a_neuron_unfolds_one_level_at_a_time():
    random.seed(2)
    layer = nn.Layer(2, 2, activation="gelu")
    out = layer([Value(0.5), Value(-0.25)])[1]
    out.backward()
    assert out._op == "gelu"
    (act,) = out._children
    assert (act._op, act.grad) == ("+", out._local_grads[0])
    assert act.gelu().data == out.data
    assert [child._op for child in act._children] == ["+", "*"]


def test_what_an_activation_refuses_is_an_error():
    layer = nn.Layer(1, 1, activation="log")
    layer.neurons[0].w[0].data, layer.neurons[0].b.data = 1.0, -1.0
    with pytest.raises(ValueError, match="log"):
        layer([0.5])
    layer.neurons[0].b.data = 1.0
    assert layer([0.0]).data == 0.0


class TestLayersAsTheyAreChanged:
    """Whatever is done to a network takes effect at its next call."""

    def model(self):
        random.seed(4)
        return nn.MLP(2, [3, 1], activation="tanh")

    def check(self, model, x=(0.5, -0.25)):
        x = list(x)
        assert model(x).data == network_loop(model, x).data

    def test_numbers(self):
        model = self.model()
        for p in model.parameters():
            p.data *= 1.5
            self.check(model)

    def test_parameters(self):
        model = self.model()
        self.check(model)
        neuron = model.layers[0].neurons[1]
        neuron.w[1] = Value(0.75)
        self.check(model)
        neuron.w = [Value(0.1), Value(0.2)]
        self.check(model)
        neuron.b = Value(3.0)
        self.check(model)
        vars(neuron)["b"] = Value(-3.0)
        self.check(model)
        neuron.b = Value(1.0).tanh()
        self.check(model)

    def test_activations(self):
        model = self.model()
        model.layers[0].neurons[0].activation = "relu"
        model.layers[0].neurons[1].nonlin = False
        self.check(model)
        model.layers[0].neurons[2].activation = lambda act: act * 2
        model.layers[1].neurons[0].b.data = 0.5
        before = model([0.5, -0.25]).data
        model.layers[0].neurons[2].activation = lambda act: act * 3
        assert model([0.5, -0.25]).data != before

    def test_neurons_and_layers(self):
        class Doubled(nn.Neuron):
            def __call__(self, x):
                return 2 * super().__call__(x)

        model = self.model()
        first = model.layers[0]
        before = first([0.5, -0.25])[0].data
        doubled = Doubled(2, activation="tanh")
        doubled.w, doubled.b = first.neurons[0].w, first.neurons[0].b
        first.neurons[0] = doubled
        assert first([0.5, -0.25])[0].data == 2 * before
        first.neurons.append(first.neurons[1])
        assert len(first([0.5, -0.25])) == 4
        first.neurons = tuple(first.neurons[:3])
        assert len(first([0.5, -0.25])) == 3
        model.layers[1] = nn.Layer(3, 2)
        assert len(model([0.5, -0.25])) == 2

    def test_methods(self, monkeypatch):
        model = self.model()
        monkeypatch.setattr(Value, "tanh", lambda self: self * 0)
        assert [h.data for h in model.layers[0]([0.5, -0.25])] == [0.0] * 3
        monkeypatch.undo()
        monkeypatch.setattr(nn.Neuron, "__call__", lambda self, x: len(x))
        assert model.layers[0]([0.5, -0.25]) == [2, 2, 2]
        monkeypatch.undo()
        monkeypatch.setattr(nn.Layer, "__call__", lambda self, x: [1.0] * 3)
        assert model([0.5, -0.25]) == [1.0] * 3
        monkeypatch.undo()
        self.check(model)

    def test_while_a_layer_is_called(self, monkeypatch):
        random.seed(1)
        layer, x = nn.Layer(1, 3, activation="tanh"), [Value(0.5)]

        def outputs(change):
            def activation(act):
                change()
                return act

            layer.neurons[0].activation = activation
            x[:] = [Value(0.5)]
            return [out.data for out in layer(x)][1:]

        second, third = layer.neurons[1:]
        assert outputs(lambda: setattr(x[0], "data", 10.0)) == [n(x).data for n in (second, third)]
        assert x[0].data == 10.0
        assert outputs(lambda: x.__setitem__(0, Value(3.0))) == [n(x).data for n in (second, third)]
        patch = monkeypatch.setattr
        assert outputs(lambda: patch(Value, "tanh", lambda v: v * 0)) == [0.0, 0.0]
        monkeypatch.undo()
        assert outputs(lambda: patch(nn.Neuron, "__call__", lambda n, x: x[0])) == [0.5, 0.5]

    def test_cycles_that_come_about_while_a_layer_is_called(self):
        class Marker:
            pass

        def cycle():
            marker = Marker()

            class Attaching(nn.Neuron):
                def __call__(self, x):
                    x[0].marker = marker
                    return Value(0.0)

            layer = nn.Layer(2, 2)
            layer.neurons[0] = Attaching(2)
            marker.out = layer([Value(1.0), Value(2.0)])[1]
            return weakref.ref(marker)

        alive = cycle()
        gc.collect()
        assert alive() is None

    def test_nobody_comes_across_an_unfinished_list(self):
        found = []

        class Searching(nn.Neuron):
            def __call__(self, x):
                lists = [o for o in gc.get_objects() if type(o) is list and len(o) == 7]
                found.extend(o for o in lists if len(gc.get_referents(o)) < 7)
                return Value(1.0)

        layer = nn.Layer(1, 7)
        layer.neurons[3] = Searching(1)
        outputs = layer([1.0])
        assert not found
        assert gc.is_tracked(outputs)

    def test_what_is_missing(self):
        model = self.model()
        del model.layers[0].neurons[0].b
        with pytest.raises(AttributeError, match="'b'"):
            model([0.5, -0.25])

    def test_lengths(self):
        model = self.model()
        with pytest.raises(ValueError, match=r"TanhNeuron\(2\) got 3 inputs, expected 2"):
            model([1.0, 2.0, 3.0])
        model.layers[0].neurons[1].w.append(Value(1.0))
        with pytest.raises(ValueError, match=r"TanhNeuron\(3\) got 2 inputs, expected 3"):
            model([1.0, 2.0])
        with pytest.raises(ValueError, match="got 0 inputs"):
            self.model()([])
