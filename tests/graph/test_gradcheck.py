"""gradcheck: right gradients pass, wrong ones are named."""

import random

import numpy as np
import pytest

import megagrad
from megagrad import GradcheckError, Value, gradcheck, nn, no_grad
from megagrad._core import ops
from megagrad.functional import cross_entropy


@pytest.mark.parametrize(
    "entry", [entry for entry in ops() if entry.kind == "unary"], ids=lambda entry: entry.name
)
def test_every_op_passes(entry):
    if entry.name == "detach":  # which has no gradient, though it has a slope
        with pytest.raises(GradcheckError, match=r"backward gives 0, differences 1;"):
            gradcheck(Value.detach, [0.3])
        return
    assert gradcheck(getattr(Value, entry.name), [0.3])


def wrong(x, y):
    """A product whose rule forgets one operand."""
    out = Value(x.data * y.data, (x, y), "wrong")

    def _backward():
        x.grad += y.data * out.grad

    out._backward = _backward
    return out


def test_a_wrong_rule_is_named():
    x, y = Value(2.0, label="x"), Value(3.0)
    x.grad = 7.0
    with pytest.raises(GradcheckError) as raised:
        gradcheck(lambda x, y: [x * y, wrong(x, y) * 2], [x, y])
    (first, line) = str(raised.value).splitlines()
    assert first == "1 gradient must be what differences say:"
    assert line.startswith("  inputs[1] of output 1: backward gives 0, differences 4; tolerated 4.")
    assert (x.data, x.grad, y.data, y.grad) == (2.0, 7.0, 3.0, 0.0)
    assert not gradcheck(wrong, [x, y], raise_exception=False)
    assert isinstance(raised.value, RuntimeError)


def test_a_rule_that_sets_the_gradient_is_named():
    def cube(x):
        out = Value(x.data**3, (x,), "cube")

        def _backward():
            x.grad = 3 * x.data**2 * out.grad

        out._backward = _backward
        return out

    x = Value(2.0, label="x", grad=5.0)
    with pytest.raises(
        GradcheckError, match=r"  x: backward sets the gradient, and must add to it"
    ):
        gradcheck(cube, [x])
    assert x.grad == 5
    assert gradcheck(lambda x: x, [x])


def test_a_kink_is_named():
    with pytest.raises(GradcheckError, match="a kink: 0 on the left, 1 on the right"):
        gradcheck(Value.relu, [0.0])
    assert gradcheck(Value.relu, [0.0], atol=1.0)


def test_a_module_and_its_loss():
    random.seed(1)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    assert gradcheck(lambda x, y: cross_entropy(model([x, y]), 1), [0.5, -1.0], model)
    assert gradcheck(lambda: model([[1.0, 2.0], [0.5, 0.25]]), [], model)
    model[0].weight[1, 0].data += 0.0
    assert all(value.grad == 0 for value in model.parameters())


def test_a_wrong_parameter_has_its_name():
    model = nn.Module()
    model.scale = Value(2.0)
    with pytest.raises(GradcheckError, match=r"  scale: backward gives 0, differences 3;"):
        gradcheck(lambda x: wrong(x, model.scale), [3.0], model)


def test_a_single_value_and_arrays():
    x = Value(1.5)
    assert gradcheck(lambda x: np.tanh(x), x)
    assert gradcheck(lambda x: nn.Tanh()([[x, x * 2]]), x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": 0}, "eps must be above 0"),
        ({"atol": -1}, "atol must be at least 0"),
        ({"rtol": -1}, "rtol must be at least 0"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        gradcheck(Value.exp, [1.0], **options)


def test_gradients_elsewhere_stay_what_they_were():
    w, a = Value(2.0), Value(3.0)
    w.grad, a.grad = 5.0, 6.0
    y = a * 2
    assert gradcheck(lambda x, y: x * w + y, [2.0, y])
    assert (w.grad, a.grad, y.grad) == (5.0, 6.0, 0.0)


@pytest.mark.parametrize(
    ("fn", "inputs", "error", "message"),
    [
        (3, [1.0], TypeError, "fn must be a function, not 'int'"),
        (Value.exp, 2.0, TypeError, "inputs must be a list of Values and numbers, not 'float'"),
        (
            lambda x: None,
            [1.0],
            TypeError,
            "fn must return a Value, or a list of them, not 'NoneType'",
        ),
        (lambda x: 2.0, [1.0], TypeError, "fn must return a Value, or a list of them, not 'float'"),
        (lambda x: [], [1.0], ValueError, "fn must return at least one Value, got none"),
        (
            lambda: Value(1.0),
            [],
            ValueError,
            "there must be at least one input or parameter, got none",
        ),
    ],
)
def test_what_cannot_be_checked(fn, inputs, error, message):
    with pytest.raises(error, match=message):
        gradcheck(fn, inputs)


def test_it_refuses_to_check_within_no_grad():
    with no_grad(), pytest.raises(RuntimeError, match="gradcheck needs gradients: call it outside"):
        gradcheck(Value.exp, [1.0])


def test_an_error_of_the_function_gives_the_numbers_back():
    x = Value(0.00001)
    with pytest.raises(ValueError, match="log"):
        gradcheck(Value.log, x)
    assert (x.data, x.grad) == (0.00001, 0.0)
    assert megagrad.gradcheck is gradcheck
