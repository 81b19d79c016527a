"""What repr(), print() and format() show of a Value."""

import math

import pytest

from megagrad import record
from megagrad.engine import Value


def test_a_value_without_a_gradient():
    value = Value(28)
    assert repr(value) == "Value(data=28.0, grad=0.0)"
    assert str(value) == "Value(data = 28.0000)"
    assert f"{value}" == format(value) == "Value(data = 28.0000)"
    assert [repr(Value(x)) for x in (math.inf, math.nan, 1e300)] == [
        "Value(data=inf, grad=0.0)",
        "Value(data=nan, grad=0.0)",
        "Value(data=1e+300, grad=0.0)",
    ]


def test_the_gradient_is_shown_as_soon_as_there_is_one():
    x = Value(2.0)
    y = x * 3
    assert str(x) == "Value(data = 2.0000)"
    y.backward()
    assert str(x) == f"{x}" == "Value(data = 2.0000, grad = 3.0000)"
    x.grad = 0
    assert str(x) == "Value(data = 2.0000)"
    x.grad = math.nan
    assert str(x) == "Value(data = 2.0000, grad = nan)"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((0.0, "0.0000"), (-0.5, "-0.5000"), (123456.7, "123456.7000"), (0.001, "0.0010")),
        *((1e-7, "1.0000e-07"), (-0.00012345, "-1.2345e-04"), (5e-324, "4.9407e-324")),
        *((99999999.0, "99999999.0000"), (1e8, "1.0000e+08"), (1.234e12, "1.2340e+12")),
        *((-1e300, "-1.0000e+300"), (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")),
    ],
)
def test_small_and_large_numbers_keep_their_digits(number, shown):
    assert str(Value(number)) == f"Value(data = {shown})"
    if number != 0:
        assert str(Value(1.0, grad=number)) == f"Value(data = 1.0000, grad = {shown})"


@pytest.mark.parametrize("spec", [".3f", "10.2f", "+.1e", ">12", "g", ".0%"])
def test_a_specification_formats_the_data(spec):
    value = Value(2.34567, grad=9.0)
    assert format(value, spec) == f"{value:{spec}}" == format(2.34567, spec)


def test_wrong_specifications():
    with pytest.raises(ValueError, match="'d' for object of type 'float'"):
        f"{Value(1.0):d}"
    for wrong in (5, None, ("x", "y")):
        with pytest.raises(TypeError, match="must be str, not "):
            Value(1.0).__format__(wrong)


def test_a_subclass_has_its_own_text_without_a_specification():
    class Named(Value):
        def __str__(self):
            return "named"

    assert (f"{Named(1.0)}", f"{Named(1.0):.1f}") == ("named", "1.0")


def test_texts_may_be_shown_while_a_program_is_recorded():
    def look(x):
        assert (str(x), repr(x)) == ("Value(data = nan)", "Value(data=nan, grad=0.0)")
        assert f"{x * 2:.2f}" == "nan"
        return x * 2

    assert record(look, 1)([3.0]) == 6.0
