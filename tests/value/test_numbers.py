"""One rule for what is a number: every kind, in every place that takes one, counts as its float."""

import operator
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from support.tensors import TENSORS

from megagrad import Value, functional, nn, record, where
from megagrad.nn import MLP, Neuron

# Each is 1, so that bools are among them.
KINDS = {
    "int": lambda: 1,
    "bool": lambda: True,
    "Fraction": lambda: Fraction(1),
    "Decimal": lambda: Decimal(1),
    "float64": lambda: np.float64(1),
    "float32": lambda: np.float32(1),
    "longdouble": lambda: np.longdouble(1),
    "int64": lambda: np.int64(1),
    "bool_": lambda: np.bool_(True),
    "array": lambda: np.array(1.0),
    "array of float32": lambda: np.array(1, np.float32),
    "array of int": lambda: np.array(1),
    "array of bool": lambda: np.array(True),
}
for name, tensor in TENSORS.items():
    KINDS |= {
        f"{name} tensor": lambda tensor=tensor: tensor(1.0),
        f"{name} tensor of int": lambda tensor=tensor: tensor(1),
        f"{name} tensor of bool": lambda tensor=tensor: tensor(True),
        f"{name} tensor of one": lambda tensor=tensor: tensor([1.0]),
        f"{name} tensor of one by one": lambda tensor=tensor: tensor([[1.0]]),
    }
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]


def with_attribute(name):
    def assign(number):
        value = Value(3.0)
        setattr(value, name, number)
        return getattr(value, name)

    return assign


def neuron():
    made = Neuron(2)
    made.w, made.b = [Value(0.5), Value(2.0)], Value(0.25)
    return made


def network():
    made = MLP(2, [2, 1], activation="tanh")
    for i, parameter in enumerate(made.parameters()):
        parameter.data = 0.25 + i / 8
    return made


PLACES = {
    "Value": Value,
    "data": with_attribute("data"),
    "grad": with_attribute("grad"),
    "local gradient": lambda x: Value(3.0, (Value(2.0),), local_grads=(x,))._local_grads,
    "maximum": lambda x: Value(0.5).maximum(x),
    "minimum": lambda x: Value(3.0).minimum(x),
    "less": lambda x: Value(0.5).less(x),
    "when": lambda x: Value(0.5).when(x),
    "leaky_relu": lambda x: Value(-3.0).leaky_relu(x),
    "elu": lambda x: Value(-3.0).elu(alpha=x),
    "clip": lambda x: Value(3.0).clip(0, x),
    "condition": lambda x: where(x, Value(2.0), Value(3.0)),
    "where": lambda x: where(Value(1.0), x, Value(3.0)),
    "where not": lambda x: where(Value(0.0), Value(3.0), x),
    "functional.maximum": lambda x: functional.maximum(x, 0.5),
    "functional.clip": lambda x: functional.clip(0.5, x, 3),
    "neuron": lambda x: neuron()([x, Value(1.0)]),
    "neuron of two": lambda x: neuron()([x, x]),
    "layer": lambda x: network().layers[0]([x, 2.0])[0],
    "MLP": lambda x: network()([x, x]),
    "MLP by itself": lambda x: network()((2.0, x)),
    "dot": lambda x: functional.dot([Value(2.0), Value(3.0)], [x, x]),
    "dot of numbers": lambda x: functional.dot([2.0, x, Value(3.0)], [x, x, x]),
    "dot from": lambda x: functional.dot([Value(2.0), 5], [3.0, x], x),
    "sum": lambda x: functional.sum([Value(2.0), x, x]),
    "sum of numbers": lambda x: functional.sum([x, x, x], x),
    "sum from": lambda x: functional.sum([Value(2.0)], x),
    "built-in sum": lambda x: sum([x * Value(2.0), Value(3.0) - x]),
    "mean": lambda x: functional.mean([Value(2.0), x]),
    "softmax": lambda x: functional.softmax([Value(2.0), x])[0],
    "logsumexp": lambda x: functional.logsumexp([Value(2.0), x]),
    "rms_norm": lambda x: functional.rms_norm([Value(2.0), x], [1.0, x], x)[0],
    "linear": lambda x: functional.linear([Value(2.0), 3], [[x, x]], [x])[0],
    "mse_loss": lambda x: functional.mse_loss([Value(2.0), x], [x, x]),
    "l1_loss": lambda x: functional.l1_loss([Value(2.0), x], [x, 3]),
    "huber_loss": lambda x: functional.huber_loss([Value(5.0)], [x], delta=x),
    "hinge": lambda x: functional.hinge([Value(0.25), x], [x, -1]),
    "cross_entropy": lambda x: functional.cross_entropy([Value(2.0), x], 1),
    "with_logits": lambda x: functional.binary_cross_entropy_with_logits([Value(2.0), x], [x, x]),
    "nll_loss": lambda x: functional.nll_loss([Value(-2.0), x], 1),
    "nn.Linear": lambda x: filled(nn.Linear(1, 1))([x])[0],
    "numpy.maximum": lambda x: np.maximum(Value(0.5), x),
    "numpy.add": lambda x: np.add(Value(0.5), x),
    "numpy.clip": lambda x: np.clip(Value(0.5), x, 3.0),
    "record": lambda x: record(lambda y: (x + y) * x, 1)([3.0]),
}


def filled(module):
    for parameter in module.parameters():
        parameter.data = 0.5
    return module


def number_in(result):
    """What a place gives for a number, without the shape that NumPy's functions give a tensor of one."""
    if isinstance(result, np.ndarray):
        result = result.item()
    return result.data if isinstance(result, Value) else result


@each_kind
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_every_number_counts_as_its_float_in_every_place(place, make):
    assert number_in(place(make())) == number_in(place(1.0))


@each_kind
@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_take_it_on_either_side(op, make):
    v = Value(3.0)
    for result, number in [(op(v, make()), op(3.0, 1.0)), (op(make(), v), op(1.0, 3.0))]:
        assert type(result) is Value
        assert result.data == number
    difference = v - make()
    difference.backward()
    assert v.grad == 1.0
    v += make()
    assert v.data == 4.0


@each_kind
@pytest.mark.parametrize("op", COMPARISONS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("data", [0.5, 1.0, 3.0])
def test_comparisons_take_it_on_either_side(op, make, data):
    assert bool(op(Value(data), make())) is op(data, 1.0)
    assert bool(op(make(), Value(data))) is op(1.0, data)


NO_NUMBERS = {
    "text": lambda: "1",
    "None": lambda: None,
    "complex": lambda: 1 + 0j,
    "complex64": lambda: np.complex64(1),
    "complex array": lambda: np.array(1 + 0j),
    "list": lambda: [1.0],
    "NumPy's text": lambda: np.str_("1"),
    "array of text": lambda: np.array("1"),
    "array of bytes": lambda: np.array(b"1"),
    "bytes without a meaning": lambda: np.void(b"1"),
    **{
        f"{name} of two": lambda tensor=tensor: tensor([1.0, 2.0])
        for name, tensor in TENSORS.items()
    },
}
if "torch" in TENSORS:
    NO_NUMBERS["complex tensor"] = lambda: TENSORS["torch"](1 + 0j)
each_other = pytest.mark.parametrize("make", NO_NUMBERS.values(), ids=NO_NUMBERS)


@each_other
def test_what_is_no_number_is_a_type_error_everywhere(make):
    for name in ("Value", "data", "grad", "local gradient", "maximum", "leaky_relu", "where"):
        with pytest.raises(TypeError, match="real number"):
            PLACES[name](make())
    for name in ("neuron", "MLP", "dot", "sum", "sum from", "mean", "mse_loss", "cross_entropy"):
        with pytest.raises(TypeError, match="real number"):
            PLACES[name](make())
    for op in [*OPERATORS, *COMPARISONS]:
        with pytest.raises(TypeError):
            op(Value(3.0), make())
        with pytest.raises(TypeError):
            op(make(), Value(3.0))


@pytest.mark.parametrize("shape", [(1,), (1, 1), (2,)])
def test_an_array_with_dimensions_is_none_even_of_one_number(shape):
    """Whether NumPy turns it into a float depends on NumPy's version; its operators work on items."""
    array = np.ones(shape)
    with pytest.raises(TypeError, match="data must be a real number") as caught:
        Value(array)
    assert f"this has {array.ndim}, take its items" in str(caught.value.__cause__)
    with pytest.raises(TypeError, match=r"'numpy\.ndarray'"):
        Value(1.0).maximum(array)
    for result in (Value(2.0) * array, array * Value(2.0)):
        assert result.shape == shape
        assert {value.data for value in result.flat} == {2.0}


def test_a_tensor_of_several_numbers_says_what_it_said_itself():
    for tensor in TENSORS.values():
        with pytest.raises(TypeError, match=r"must be a real number, not '.*Tensor'") as caught:
            Value(tensor([1.0, 2.0]))
        assert "of 1 dimensions" in str(caught.value.__cause__)
        assert isinstance(caught.value.__cause__.__cause__, (RuntimeError, ValueError))


class Refuses:
    """Says itself that it is no number, and has operators of its own."""

    def __float__(self):
        raise TypeError("a symbol is no number")

    def __radd__(self, other):
        return "its own"


def test_what_says_that_it_is_none_has_its_own_operators():
    assert Value(1.0) + Refuses() == "its own"
    with pytest.raises(TypeError, match=r"Value\(\) data must be a real number") as caught:
        Value(Refuses())
    assert str(caught.value.__cause__) == "a symbol is no number"


def test_other_errors_of_a_conversion_come_through():
    class Broken:
        def __float__(self):
            raise OSError("no connection")

    for use in (Value, lambda x: Value(1.0) + x, lambda x: functional.dot([Value(1.0)], [x])):
        with pytest.raises(OSError, match="no connection"):
            use(Broken())


@pytest.mark.parametrize("tensor", [np.array, *TENSORS.values()], ids=["numpy", *TENSORS])
def test_rows_and_targets_of_a_matrix_train_as_lists_do(tensor):
    """As they do with micrograd, whose operators wrap whatever they get."""
    rows, targets = [[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]], [[1.0], [-1.0], [0.5]]

    def gradients(xs, ys):
        model = network()
        loss = sum(((model(x) - y) ** 2 for x, y in zip(xs, ys, strict=True)), Value(0))
        loss.backward()
        return [loss.data, *(p.grad for p in model.parameters())]

    plain = gradients(rows, [y for (y,) in targets])
    assert gradients(tensor(rows), tensor(targets)[:, 0]) == plain
    if tensor is not np.array:  # where a row of one is an array, and gives one
        assert gradients(tensor(rows), tensor(targets)) == plain


@pytest.mark.parametrize("tensor", [np.array, *TENSORS.values()], ids=["numpy", *TENSORS])
def test_losses_take_arrays_and_tensors(tensor):
    scores = [Value(0.5), Value(-1.0)]
    for loss in (functional.mse_loss, functional.l1_loss, functional.huber_loss):
        assert loss(scores, tensor([1.0, 0.25])).data == loss(scores, [1.0, 0.25]).data
    assert functional.dot(scores, tensor([1.0, 3.0])).data == -2.5
    assert functional.sum(tensor([1.0, 3.0])).data == 4.0
