"""Every row of the op table: its value, its derivatives, its label, its errors."""

import math
import re

import pytest
from support.op_table import COUNT_AS_NUMBERS, TABLE, apply, points, reference, row_id

from megagrad._core import ops
from megagrad.engine import Value


def node_at(row, point):
    """Return the operands that gradients go to, and the op's node."""
    operands = [Value(x) for x in point]
    parameters = [point[1]] if row.kind == "parametric" else operands[1:]
    return operands[: row.arity], apply(row, operands[0], *parameters)


METHODS = [row for row in ops() if row.kind != "infix"]
each_op = pytest.mark.parametrize("row", ops(), ids=row_id)
each_two_operand_op = pytest.mark.parametrize(
    "row", [row for row in ops() if row.arity == 2], ids=row_id
)


def test_the_table_holds_every_op_that_users_are_promised():
    promised = [
        *("add", "sub", "mul", "div", "pow", "neg", "abs", "maximum", "minimum", "exp", "expm1"),
        *("log", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan"),
        *("sinh", "cosh", "tanh", "erf", "sigmoid", "relu", "leaky_relu", "elu", "softplus"),
        *("silu", "gelu"),
    ]
    assert set(promised) <= set(TABLE)


@each_op
def test_value(row):
    for point in points(row):
        expected = reference(row)(*point)
        if row.kind == "parametric":
            result = apply(row, Value(point[0]), point[1])
        else:
            result = apply(row, *map(Value, point))
        assert result.data == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "exp", "log", "tanh"])
def test_value_is_bit_for_bit_pythons(name):
    row = TABLE[name]
    for point in points(row, 2000):
        assert apply(row, *map(Value, point)).data == reference(row)(*point)


def central_difference(function, point, index):
    """Error of order h**4 (Abramowitz & Stegun 25.3.6)."""
    h = 1e-3

    def at(step):
        moved = list(point)
        moved[index] += step
        return function(*moved)

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@each_op
def test_gradient_is_the_slope(row):
    kinks = {"abs": 0.0, "relu": 0.0, "leaky_relu": 0.0, "elu": 0.0}
    for point in points(row):
        if row.name in kinks and abs(point[0]) < 0.01:
            continue
        if row.kind == "binary" and abs(point[0] - point[1]) < 0.01:
            continue
        operands, node = node_at(row, point)
        node.backward()
        for index, operand in enumerate(operands):
            is_number = (row.name, index) in COUNT_AS_NUMBERS
            slope = 0 if is_number else central_difference(reference(row), point, index)
            assert operand.grad == pytest.approx(slope, rel=1e-7, abs=1e-8), (point, index)


@each_op
def test_gradient_is_times_what_comes_from_above(row):
    point = points(row, 1)[0]

    def gradients(scale):
        operands, node = node_at(row, point)
        (node * scale).backward()
        return [operand.grad for operand in operands]

    assert gradients(-3.0) == pytest.approx([-3 * g for g in gradients(1.0)], rel=1e-15)


@each_op
def test_operands_are_bound_late(row):
    """Derivatives are those at the operands' data of now, unless they are said by the result."""
    before, after = points(row, 2)
    if row.kind == "parametric":
        after = (after[0], before[1])
    operands, node = node_at(row, before)
    as_built = node._local_grads
    for operand, number in zip(operands, after, strict=False):
        operand.data = number
    by_result = bool(re.search(r"\bz\b", row.dx + row.dy))
    assert node._local_grads == (as_built if by_result else node_at(row, after)[1]._local_grads)
    assert by_result == (row.name in ("exp", "tanh", "relu"))  # as in micrograd and the lecture


@each_two_operand_op
def test_a_plain_number_on_either_side(row):
    x, y = points(row, 1)[0]
    a, b = Value(x), Value(y)
    both = apply(row, a, b)
    left = apply(row, a, y)
    assert left.data == both.data
    both.backward()
    by_both, a.grad = a.grad, 0.0
    left.backward()
    assert a.grad == by_both
    if row.kind == "infix":
        by_both, b.grad = b.grad, 0.0
        right = apply(row, x, b)
        assert right.data == both.data
        right.backward()
        assert b.grad == by_both


@each_two_operand_op
def test_the_same_value_twice(row):
    point = points(row, 1)[0][1]  # an x that is a y too
    x = Value(abs(point) + 0.5)
    apply(row, x, x).backward()
    slope = central_difference(lambda x: reference(row)(x, x), (x.data,), 0)
    slope += row.name == "shifted"  # whose y counts as a number
    assert x.grad == pytest.approx(slope, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("build", "label"),
    [
        (lambda v: v + 1, "+"),
        (lambda v: v - 1, "-"),
        (lambda v: v * 2, "*"),
        (lambda v: v / 2, "/"),
        (lambda v: v**2, "**2"),
        (lambda v: v**2.0, "**2.0"),
        (lambda v: v**-1, "**-1"),
        (lambda v: v**0.5, "**0.5"),
        (lambda v: v**v, "**"),
        (lambda v: 2**v, "**"),
        (lambda v: -v, "neg"),
        (abs, "abs"),
        (Value.relu, "ReLU"),
        (Value.tanh, "tanh"),
        (Value.exp, "exp"),
        (Value.log, "log"),
        (lambda v: v.maximum(1), "maximum"),
        (lambda v: v.leaky_relu(0.2), "leaky_relu"),
        (lambda v: Value(1.0), ""),
    ],
)
def test_label(build, label):
    assert build(Value(2.0))._op == label


@each_op
def test_local_gradients_are_the_partials(row):
    point = points(row, 1)[0]
    operands, out = node_at(row, point)
    out.backward()
    assert out._children == tuple(operands)
    assert out._local_grads == tuple(operand.grad for operand in out._children)


KINKS = [
    (abs, 0.0, 0.0),
    (Value.relu, 0.0, 0.0),
    (Value.leaky_relu, 0.0, 0.01),
    (Value.elu, 0.0, 1.0),
    (lambda v: v.maximum(1.0), 1.0, 0.5),
    (lambda v: v.minimum(1.0), 1.0, 0.5),
    (lambda v: v**0, 0.0, 0.0),
    (lambda v: v**1, 0.0, 1.0),
    (lambda v: v**2, 0.0, 0.0),
    (lambda v: v.sqrt(), 0.0, math.inf),
    (lambda v: v.cbrt(), 0.0, math.inf),
    (lambda v: v.arcsin(), 1.0, math.inf),
    (lambda v: v.arccos(), -1.0, -math.inf),
    (lambda v: 0.0**v, 0.0, 0.0),
    (lambda v: 0.0**v, 2.0, 0.0),
]


@pytest.mark.parametrize(("function", "at", "slope"), KINKS)
def test_subgradient_at_a_kink_or_an_edge(function, at, slope):
    x = Value(at)
    function(x).backward()
    assert x.grad == slope


FAR_OUT = [
    ("sigmoid", 1000.0, 1.0, 0.0),
    ("sigmoid", -1000.0, 0.0, 0.0),
    ("sigmoid", -700.0, math.exp(-700), math.exp(-700)),
    ("softplus", 1000.0, 1000.0, 1.0),
    ("softplus", -700.0, math.exp(-700), math.exp(-700)),
    ("softplus", 40.0, 40.0 + math.exp(-40), 1.0),
    ("silu", 1000.0, 1000.0, 1.0),
    ("silu", -1000.0, 0.0, 0.0),
    ("gelu", 40.0, 40.0, 1.0),
    ("gelu", -40.0, 0.0, 0.0),
    ("gelu", -10.0, -7.6198530241605260e-23, None),
    ("gelu", -34.5234, -6.170467450031489e-260, None),
    ("elu", -1000.0, -1.0, 0.0),
    ("elu", 1000.0, 1000.0, 1.0),
    ("elu", -1e-12, math.expm1(-1e-12), math.exp(-1e-12)),
    ("tanh", 1000.0, 1.0, 0.0),
    ("log1p", 1e-20, 1e-20, 1.0),
    ("expm1", 1e-20, 1e-20, 1.0),
    ("expm1", -1000.0, -1.0, 0.0),
    ("erf", 40.0, 1.0, 0.0),
    ("relu", math.inf, math.inf, 1.0),
]


@pytest.mark.parametrize(("name", "at", "value", "slope"), FAR_OUT)
def test_keeps_its_digits_far_out(name, at, value, slope):
    x = Value(at)
    out = getattr(x, name)()
    assert out.data == pytest.approx(value, rel=4e-15, abs=0)
    out.backward()
    if slope is not None:
        assert x.grad == pytest.approx(slope, rel=1e-13, abs=1e-300)


# Closed forms, held to a few units in the last place.
SLOPES = [
    ("expm1", -40.0, math.exp(-40.0)),
    ("expm1", 1e-9, math.exp(1e-9)),
    ("sigmoid", 40.0, math.exp(-40.0) / (1 + math.exp(-40.0)) ** 2),
    ("sigmoid", -40.0, math.exp(-40.0) / (1 + math.exp(-40.0)) ** 2),
    ("softplus", -40.0, 1 / (1 + math.exp(40.0))),
    ("erf", 0.75, 2 / math.sqrt(math.pi) * math.exp(-0.5625)),
    ("erf", 2.5, 2 / math.sqrt(math.pi) * math.exp(-6.25)),
    ("erf", -23.0755, 6.30803086608448e-232),
    ("arcsin", 1 - 2.0**-30, 1 / math.sqrt(2.0**-30 * (2 - 2.0**-30))),
    ("arccos", 2.0**-30 - 1, -1 / math.sqrt(2.0**-30 * (2 - 2.0**-30))),
    ("arctan", 1e8, 1 / (1 + 1e16)),
    ("silu", 40.0, 1 / (1 + math.exp(-40.0)) * (1 + 40.0 * math.exp(-40.0))),
    ("silu", -40.0, (1 - 40.0) * math.exp(-40.0)),
    ("gelu", -10.0, -10.0 * math.exp(-50.0) / math.sqrt(2 * math.pi) + 7.6198530241605260e-24),
    ("gelu", -33.4703, -7.304672744797038e-243),
    ("log1p", 2.0**-30 - 1, 2.0**30),
    ("tan", 1.5, 1 / math.cos(1.5) ** 2),
    ("cbrt", 27.0, 1 / 27),
    ("cbrt", -27.0, 1 / 27),
    ("sqrt", 1e-300, 0.5e150),
]


@pytest.mark.parametrize(("name", "at", "slope"), SLOPES)
def test_slopes_to_the_last_digits(name, at, slope):
    x = Value(at)
    getattr(x, name)().backward()
    assert x.grad == pytest.approx(slope, rel=4e-15, abs=0)


def test_parameters_by_name_and_by_default():
    assert Value(-2.0).leaky_relu().data == -0.02
    assert Value(-2.0).leaky_relu(0.5).data == -1.0
    assert Value(-2.0).leaky_relu(negative_slope=0.5).data == -1.0
    assert Value(-1.0).elu(alpha=2.0).data == 2 * math.expm1(-1)
    for row in ops():
        if row.kind == "parametric":
            x = Value(-1.0)
            assert getattr(x, row.name)().data == getattr(x, row.name)(row.default).data


@pytest.mark.parametrize("row", METHODS, ids=row_id)
def test_methods_document_themselves(row):
    if row.name in ("neg", "abs"):  # these have slots of their own as well
        assert callable(getattr(Value, f"__{row.name}__"))
    method = getattr(Value, row.name)
    assert method.__doc__.startswith(row.doc)
    assert row.dx in method.__doc__
    assert (row.needs in method.__doc__) == ("raises ValueError" in method.__doc__ or not row.needs)
    assert "T(" not in method.__doc__
    assert method.__text_signature__.startswith("($self")


@pytest.mark.parametrize("row", METHODS, ids=row_id)
def test_methods_say_when_they_overflow(row):
    overflows = []
    for x in (1.7e308, -1.7e308):
        try:
            apply(row, x, *([row.default] if row.arity == 2 else []))
        except OverflowError:
            overflows.append(x)
        except ValueError:
            pass
    assert bool(overflows) == ("OverflowError" in getattr(Value, row.name).__doc__)


def test_nan_goes_through_and_maximum_keeps_it():
    x = Value(math.nan)
    for row in METHODS:
        if row.arity == 1:
            assert math.isnan(getattr(x, row.name)().data), row.name
    assert math.isnan(x.maximum(1.0).data)
    assert x.maximum(1.0)._local_grads == x.minimum(1.0)._local_grads == (1.0, 1.0)  # PyTorch's
    assert math.isnan(Value(1.0).minimum(math.nan).data)
