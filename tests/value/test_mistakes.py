"""What a Value refuses, and what the message says to use instead."""

import math
import operator
from collections.abc import Iterable, Sized
from fractions import Fraction

import numpy as np
import pytest

from megagrad import Value, functional, nn
from megagrad._core import ops

v = Value(2.0)


@pytest.mark.parametrize(
    "function",
    [math.exp, math.log, math.sin, math.sqrt, math.tanh, math.floor, float, complex, math.isnan],
)
def test_functions_of_math_say_which_methods_to_use(function):
    with pytest.raises(TypeError, match=r"its \.data for the number.*v\.exp\(\), v\.log\(\)"):
        function(v)
    with pytest.raises(TypeError, match=r"v \*\* n"):
        math.pow(v, 2)


@pytest.mark.parametrize(
    ("call", "use"),
    [
        (lambda: round(v), r"round\(v\.data, n\)"),
        (lambda: round(v, 2), r"round\(v\.data, n\)"),
        (lambda: int(v), r"int\(v\.data\)"),
        (lambda: list(v), r"'Value' object is not iterable.*\[v\]"),
        (lambda: sum(v), r"'Value' object is not iterable"),
        (lambda: len(v), r"no len\(\): it is a single number.*a layer of one"),
        (lambda: v[0], r"not subscriptable.*leave out the \[\.\.\.\]"),
        (lambda: v[0:1], "not subscriptable.*a layer of one neuron"),
    ],
)
def test_what_a_number_does_not_have_says_what_to_use(call, use):
    with pytest.raises(TypeError, match=use):
        call()


NUMBERS = [3, 2.5, True, 10**400, Fraction(1, 2), np.float64(2), np.int64(2), v]
OPERATORS = [
    (operator.mod, r"v\.data % n"),
    (operator.floordiv, r"v\.data // n"),
    (divmod, r"divmod\(v\.data, n\)"),
    (operator.matmul, r"functional\.dot\(w, x\).*functional\.linear\(x, W, b\)"),
]


@pytest.mark.parametrize("other", NUMBERS, ids=repr)
@pytest.mark.parametrize(("operation", "use"), OPERATORS[:3])
def test_operators_without_an_op_say_what_to_use(operation, use, other):
    with pytest.raises(TypeError, match=use):
        operation(v, other)
    if operation is divmod and isinstance(other, np.generic):
        use = "ufunc 'divmod' not supported"  # which is NumPy's
    with pytest.raises(TypeError, match=use):
        operation(other, v)


@pytest.mark.parametrize("other", [v, 2.0, [v], [1.0, 2.0], (v,), [[v]]], ids=str)
def test_matrix_products_name_their_functions(other):
    operation, use = OPERATORS[3]
    for pair in ((v, other), (other, v)):
        with pytest.raises(TypeError, match=use):
            operation(*pair)


@pytest.mark.parametrize("operation", [operation for operation, _ in OPERATORS])
def test_another_class_may_know_what_to_do(operation):
    class Other:
        def answer(self, other):
            return type(other)

        __rmod__ = __rfloordiv__ = __rdivmod__ = __rmatmul__ = answer
        __mod__ = __floordiv__ = __divmod__ = __matmul__ = answer

    assert operation(v, Other()) is Value
    assert operation(Other(), v) is Value
    with pytest.raises(TypeError, match="unsupported operand type"):
        operation(v, None)


def test_what_messages_advise_works():
    x = Value(7.5)
    remainder = x - 2 * (x.data // 2)
    remainder.backward()
    assert (remainder.data, x.grad) == (7.5 % 2, 1)
    assert functional.dot([v, 1.0], [1.0, v]).data == 4
    assert (round(x.data, 0), int(x.data), f"{x.data:.4f}") == (8, 7, "7.5000")
    assert functional.linear([1.0, v], [[1, 1]], [0.5])[0].data == 3.5


def test_matrix_products_of_arrays_of_values_are_numpys():
    matrix = np.array([[v, 1.0], [0.0, v]])
    assert [x.data for x in matrix @ np.array([v, v])] == [6, 4]
    assert (np.array([v, v]) @ np.array([1.0, v])).data == 6
    with pytest.raises(ValueError, match="matmul"):
        matrix @ v


def test_programs_that_ask_whether_it_is_a_list_are_told_no():
    for name in ("__iter__", "__len__", "__getitem__", "__int__", "__mod__", "__matmul__"):
        assert not hasattr(v, name)
        assert not hasattr(Value, name)
    assert not isinstance(v, Iterable | Sized)
    assert not np.iterable(v)
    assert np.array(v).shape == ()
    assert np.array([v, v]).dtype == object
    assert 0 * v + 1


def test_a_subclass_may_have_what_a_value_refuses():
    class Listed(Value):
        def __iter__(self):
            return iter([self.data])

        def __len__(self):
            return 1

        def __mod__(self, other):
            return self.data % other

        def __round__(self, digits=None):
            return round(self.data, digits)

        def __int__(self):
            return int(self.data)

    one = Listed(2.5)
    assert ([*one], len(one), one % 2, round(one), int(one)) == ([2.5], 1, 0.5, 2, 2)

    class Plain(Value):
        pass

    for call in (len, iter, int, lambda x: x % 2, lambda x: x[0]):
        with pytest.raises(TypeError):
            call(Plain(1.0))


def test_a_misspelt_attribute_names_the_one_that_was_meant():
    for wrong, meant in (
        ("gard", "grad"),
        ("grads", "grad"),
        ("dta", "data"),
        ("sigmiod", "sigmoid"),
        ("rleu", "relu"),
        ("tahn", "tanh"),
        ("backwards", "backward"),
        ("lable", "label"),
        ("leaky_rellu", "leaky_relu"),
    ):
        for value in (v, type("Sub", (Value,), {})(1.0)):
            with pytest.raises(AttributeError, match=f"'{wrong}'. Did you mean: '{meant}'") as it:
                getattr(value, wrong)
            # Python, which looks in obj for a name, does not add another question when it prints.
            assert (it.value.name, it.value.obj) == (wrong, None)


@pytest.mark.parametrize("name", ["m", "lr", "momentum", "_gard", "__gard__", "größe", "", "grdaa"])
def test_other_names_are_pythons_to_report(name):
    with pytest.raises(AttributeError, match=f"^'Value' object has no attribute '{name}'$"):
        getattr(v, name)
    assert not hasattr(v, name)


@pytest.mark.parametrize(
    "entry", [entry for entry in ops() if entry.kind != "infix"], ids=lambda entry: entry.name
)
def test_every_method_is_suggested_for_one_letter_too_many(entry):
    with pytest.raises(AttributeError, match="Did you mean: '"):
        getattr(v, entry.name + "_")


def test_a_property_of_a_subclass_has_its_own_error():
    class Sub(Value):
        @property
        def gard(self):
            raise AttributeError("not yet")

    with pytest.raises(AttributeError, match=r"^not yet$"):
        Sub(1.0).gard  # noqa: B018


def test_a_misspelt_activation_names_the_one_that_was_meant():
    for make in (nn.Neuron, lambda n, activation: nn.MLP(n, [1], activation=activation)):
        with pytest.raises(ValueError, match=r"Did you mean: 'relu'\?"):
            make(2, activation="rleu")
        with pytest.raises(ValueError, match=r"to Value\.$"):
            make(2, activation="zzzzz")
