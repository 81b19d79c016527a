"""What "drop-in" means: how a Value is made, looked at and compared."""

import abc
import inspect
import math
import random
import subprocess
import sys
import textwrap
import weakref
from fractions import Fraction

import pytest

import megagrad
from megagrad.engine import Value


def test_value_is_where_micrograd_has_it_and_at_the_top():
    assert megagrad.Value is Value
    assert (Value.__module__, Value.__qualname__) == ("megagrad.engine", "Value")


# --- construction ----------------------------------------------------------------------------


def test_signature():
    signature = str(inspect.signature(Value))
    assert signature.startswith("(data, _children=(), _op='', label='', *")


@pytest.mark.parametrize("data", [2, 2.0, True, Fraction(5, 2), 10**20])
def test_data_is_a_float(data):
    value = Value(data)
    assert type(value.data) is float
    assert value.data == float(data)
    assert type(value.grad) is float
    assert value.grad == 0.0


def test_a_leaf_has_no_past():
    leaf = Value(1.0)
    assert leaf._prev == set()
    assert leaf._children == ()
    assert leaf._op == ""
    assert leaf.label == ""
    assert leaf._local_grads == ()
    leaf._backward()
    assert leaf.grad == 0.0


def test_third_argument_a_str_is_the_op_label():
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, (a, b), "join", "joined")
    assert (out._op, out.label, out._children) == ("join", "joined", (a, b))
    assert out._local_grads == ()
    out.backward()  # no chain rule was given, so nothing flows
    assert (a.grad, b.grad, out.grad) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("partials", [(2.0, -1), [2.0, -1.0]])
def test_third_argument_a_sequence_is_the_local_gradients(partials):
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, (a, b), partials)
    assert out._op == ""
    assert out._local_grads == (2.0, -1.0)
    (out * 3).backward()
    assert (a.grad, b.grad) == (6.0, -3.0)


def test_keywords():
    a, b = Value(1.0), Value(2.0)
    first = Value(data=3.0, _children=(a, b), _op="+", label="sum")
    assert (first._children, first._op, first.label) == ((a, b), "+", "sum")
    second = Value(3.0, children=[a, b], local_grads=[1.0, 1.0])
    assert (second._children, second._local_grads) == ((a, b), (1.0, 1.0))
    third = Value(3.0, children={a}, op="f")
    assert (third._prev, third._op) == ({a}, "f")


def test_one_child_twice_gets_both_shares():
    a = Value(3.0)
    Value(9.0, (a, a), (3.0, 3.0)).backward()
    assert a.grad == 6.0


def test_an_op_label_without_children_is_kept():
    assert Value(1.0, (), "input")._op == "input"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((), TypeError, "data"),
        (("1",), TypeError, "real number, not 'str'"),
        ((None,), TypeError, "real number, not 'NoneType'"),
        ((1j,), TypeError, "real number, not 'complex'"),
        ((Value(1.0),), TypeError, r"not 'Value'; use its \.data"),
        ((10**400,), OverflowError, "too large"),
        ((1.0, 5), TypeError, "_children must be a sequence, not 'int'"),
        ((1.0, (5,)), TypeError, "_children must be Values, not 'int'"),
        ((1.0, (Value(1.0),), 5), TypeError, "local_grads"),
        ((1.0, (Value(1.0),), ("x",)), TypeError, "local gradient must be a real number"),
        ((1.0, (Value(1.0),), (1.0, 2.0)), ValueError, "2 local gradients for 1 children"),
        ((1.0, (), (1.0,)), ValueError, "1 local gradients for 0 children"),
        ((1.0, (1 / 0 for _ in "x")), ZeroDivisionError, "division"),
        ((1.0, (len(5) for _ in "x")), TypeError, r"has no len\(\)"),
        ((1.0, (), "", 5), TypeError, "label must be a str, not 'int'"),
        ((1.0, (), "", "", 5), TypeError, "at most 4"),
    ],
)
def test_bad_arguments(arguments, error, says):
    with pytest.raises(error, match=says):
        Value(*arguments)


@pytest.mark.parametrize(
    "keywords",
    [
        {"wrong": 1},
        {"_children": (), "children": ()},
        {"_op": "", "op": ""},
        {"op": "", "local_grads": ()},
    ],
)
def test_bad_keywords(keywords):
    with pytest.raises(TypeError):
        Value(1.0, **keywords)


# --- attributes ------------------------------------------------------------------------------


def test_data_and_grad_can_be_set():
    value = Value(1.0)
    value.data -= 0.5
    value.grad = 3
    assert (value.data, value.grad) == (0.5, 3.0)
    assert type(value.grad) is float


@pytest.mark.parametrize("name", ["data", "grad"])
@pytest.mark.parametrize("wrong", ["1", None, Value(1.0), [1.0]])
def test_data_and_grad_take_numbers_only(name, wrong):
    value = Value(1.0)
    with pytest.raises(TypeError, match=f"{name} must be a real number"):
        setattr(value, name, wrong)
    assert (value.data, value.grad) == (1.0, 0.0)


@pytest.mark.parametrize("name", ["data", "grad", "label", "_op"])
def test_own_fields_cannot_be_deleted(name):
    with pytest.raises(AttributeError, match="cannot be deleted"):
        delattr(Value(1.0), name)


def test_free_attributes():
    value = Value(1.0)
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'm'"):
        value.m  # noqa: B018
    value.m = 0.5
    value.m += 1
    value.colour = "red"
    assert vars(value) == {"m": 1.5, "colour": "red"}
    assert hasattr(value, "m")
    del value.m
    assert not hasattr(value, "m")
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'm'"):
        del value.m
    assert {"data", "backward", "colour"} <= set(dir(value))


def test_attributes_on_nodes_leave_the_arithmetic_alone():
    a, b = Value(2.0), Value(3.0)
    for build in (lambda: a * b, lambda: a * 3.0, lambda: 3.0 - a, lambda: a**2, lambda: a.relu()):
        plain, dressed = build(), build()
        dressed.colour = "red"
        dressed.label = "y"
        assert dressed._children == plain._children or len(plain._children) == 2
        assert dressed._op == plain._op
        assert dressed._local_grads == plain._local_grads
        a.grad = b.grad = 0.0
        plain.backward()
        expected = a.grad, b.grad
        a.grad = b.grad = 0.0
        dressed.backward()
        assert (a.grad, b.grad) == expected


def test_a_free_attribute_does_not_hide_a_field():
    value = Value(1.0)
    vars(value)["label"] = "hidden"
    vars(value)["data"] = "hidden"
    assert value.label == ""
    assert value.data == 1.0


def test_label_must_be_a_str():
    with pytest.raises(TypeError, match="label must be a str"):
        Value(1.0).label = 5


def test_the_dict_of_attributes_can_be_replaced():
    class Sub(Value):
        pass

    for value in (Value(1.0), Sub(1.0)):
        value.old = 1
        value.__dict__ = {"new": 2}
        assert vars(value) == {"new": 2}
        with pytest.raises(TypeError, match="__dict__ must be"):
            value.__dict__ = 5
        assert value.new == 2
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del Value(1.0).__dict__


def test_weak_references():
    value = Value(1.0)
    ends = []
    reference = weakref.ref(value, ends.append)
    table = weakref.WeakKeyDictionary({value: "x"})
    assert reference() is value
    del value
    assert reference() is None
    assert ends == [reference]
    assert len(table) == 0


def test_a_node_inside_a_dying_graph_tells_its_weak_references():
    inner = Value(1.0) * 2
    ends = []
    reference = weakref.ref(inner, ends.append)
    outer = inner + 1
    del inner
    assert reference() is not None
    del outer
    assert ends == [reference]


# --- the graph -------------------------------------------------------------------------------


def test_children_are_the_same_objects_every_time():
    a, b = Value(1.0), Value(2.0)
    out = a * b
    assert out._children == (a, b)
    assert out._children[0] is a
    assert out._prev == {a, b}
    assert isinstance(out._prev, set)
    assert isinstance(out._children, tuple)


@pytest.mark.parametrize(
    ("build", "numbers"),
    [
        (lambda v: v + 2.0, [5.0, 2.0]),
        (lambda v: 2.0 + v, [5.0, 2.0]),
        (lambda v: 2.0 * v, [5.0, 2.0]),
        (lambda v: v - 2.0, [5.0, 2.0]),
        (lambda v: 2.0 - v, [2.0, 5.0]),
        (lambda v: 2.0 / v, [2.0, 5.0]),
        (lambda v: 2.0**v, [2.0, 5.0]),
        (lambda v: v**2.0, [5.0]),
    ],
)
def test_a_plain_number_shows_as_a_leaf_and_stays_the_same(build, numbers):
    out = build(Value(5.0))
    out.backward()
    children = out._children
    assert [child.data for child in children] == numbers
    assert [id(child) for child in out._children] == [id(child) for child in children]
    assert [child.grad for child in children] == list(out._local_grads)
    assert out._prev == set(children)


def test_operands_are_bound_late():
    x, w = Value(2.0), Value(3.0)
    out = x * w
    x.data = 10.0
    assert out._local_grads == (3.0, 10.0)
    out.backward()
    assert w.grad == 10.0


def test_backward_of_one_node_applies_its_chain_rule_once():
    a, b = Value(2.0), Value(3.0)
    out = a * b
    out.grad = 10.0
    out._backward()
    assert (a.grad, b.grad) == (30.0, 20.0)
    out._backward()
    assert (a.grad, b.grad) == (60.0, 40.0)
    rule = out._backward
    del out
    rule()  # keeps its node alive
    assert a.grad == 90.0


def test_gradients_accumulate_each_call_its_own():
    x = Value(1.0)
    y = x * 2
    z = y * 3
    z.backward()
    assert (x.grad, y.grad, z.grad) == (6.0, 3.0, 1.0)
    z.backward()
    assert (x.grad, y.grad, z.grad) == (12.0, 6.0, 1.0)


def test_the_roots_gradient_is_set_even_where_it_is_a_leaf():
    x = Value(1.0)
    x.grad = 5.0
    x.backward()
    assert x.grad == 1.0


def test_sub_neg_and_div_are_one_node_each():
    a, b = Value(1.0), Value(3.0)
    for out in (a - b, a / b):
        assert out._prev == {a, b}
    assert (-a)._prev == {a}
    assert (a / b).data == 1.0 / 3.0


def test_sum_and_in_place_operators():
    values = [Value(x) for x in (1.0, 2.0, 3.0)]
    total = sum(values)
    first = total
    total += 1
    total *= 2
    total -= 1
    total /= 2
    total **= 2
    assert total.data == (((6.0 + 1) * 2 - 1) / 2) ** 2
    assert first.data == 6.0
    total.backward()
    assert [value.grad for value in values] == [13.0] * 3


# --- identity, order, text -------------------------------------------------------------------


def test_equality_and_hash_are_identity():
    a, b = Value(1.0), Value(1.0)
    assert a == a  # noqa: PLR0124
    assert a != b
    assert a != 1.0
    assert len({a, b, a}) == 2
    assert {a: "x"}[a] == "x"
    assert a in [a]
    assert b not in [a]
    assert bool(Value(0.0)) is True


def test_order_compares_data():
    a, b = Value(1.0), Value(2.0)
    assert a < b
    assert a <= b
    assert b > a
    assert b >= a
    assert not a > b
    assert a < 1.5
    assert b > 1.5
    assert b >= 2
    assert max(a, b) is b
    assert sorted([b, a]) == [a, b]
    assert not Value(math.nan) < a
    assert a < 10**400
    assert Value(2.0**53) < 2**53 + 1
    with pytest.raises(TypeError):
        a < "1"  # noqa: B015


def test_text():
    value = Value(28)
    assert repr(value) == "Value(data=28.0, grad=0.0)"
    assert str(value) == "Value(data = 28.0000)"
    assert f"{value}" == "Value(data = 28.0000)"
    assert [repr(Value(x)) for x in (math.inf, math.nan, 1e300)] == [
        "Value(data=inf, grad=0.0)",
        "Value(data=nan, grad=0.0)",
        "Value(data=1e+300, grad=0.0)",
    ]
    assert str(Value(-1e300)).startswith("Value(data = -1000000000000000052504760255204420248704")


@pytest.mark.parametrize("convert", [float, math.sqrt, math.exp])
def test_a_silent_detach_is_refused(convert):
    with pytest.raises(TypeError, match=r"use its \.data"):
        convert(Value(1.0))
    with pytest.raises(TypeError):
        int(Value(1.0))


# --- an open class ---------------------------------------------------------------------------


def test_methods_can_be_added_from_outside():
    def square(self):
        return self * self

    Value.square = square
    try:
        x = Value(3.0)
        x.square().backward()
        assert x.grad == 6.0
    finally:
        del Value.square
    assert not hasattr(x, "square")


def test_operators_can_be_replaced_from_outside():
    assert "__matmul__" not in vars(Value)
    Value.__matmul__ = lambda self, other: ("matmul", self.data, other)
    try:
        assert Value(2.0) @ 3 == ("matmul", 2.0, 3)
    finally:
        del Value.__matmul__


class Parameter(Value):
    """Passes on less than it is given, and has state and operators of its own."""

    def __init__(self, name):
        super().__init__(1.5)
        self.name = name

    def __add__(self, other):
        return "parameter +"

    def __radd__(self, other):
        return "+ parameter"


def test_a_subclass_may_override_init_and_operators():
    p = Parameter("w")
    assert (p.data, p.name) == (1.5, "w")
    assert p + 1 == "parameter +"
    assert 1 + p == "+ parameter"
    assert Value(1.0) + p == "+ parameter"  # a subclass's reflected operator wins
    out = p * Value(2.0)
    assert type(out) is Value
    out.backward()
    assert p.grad == 2.0
    assert out._children[0] is p
    p.more = [1]
    assert vars(p) == {"name": "w", "more": [1]}


def test_a_subclass_that_never_initialises_is_a_zero():
    class Lazy(Value):
        def __init__(self):
            pass

    assert (Lazy() + 1).data == 1.0


def test_a_subclass_with_slots():
    class Slotted(Value):
        __slots__ = ("momentum",)

    p = Slotted(2.0)
    p.momentum = 0.5
    p.free = "yes"
    assert (p.momentum, p.free, vars(p)) == (0.5, "yes", {"free": "yes"})
    (p * p).backward()
    assert p.grad == 4.0


def test_a_subclass_with_a_property_for_data():
    class Logged(Value):
        seen = []

        @property
        def data(self):
            self.seen.append("read")
            return super().data

    assert Logged(2.0).data == 2.0
    assert Logged.seen == ["read"]


def test_an_abstract_subclass_cannot_be_made():
    class Shape(Value, abc.ABC):
        @abc.abstractmethod
        def area(self): ...

    class Square(Shape):
        def area(self):
            return self * self

    with pytest.raises(TypeError, match="abstract"):
        Shape(1.0)
    assert Square(3.0).area().data == 9.0


def test_a_subclass_and_a_mixin():
    class Named:
        def describe(self):
            return f"{self.name} = {self.data}"

    class NamedValue(Value, Named):
        def __init__(self, data, name):
            super().__init__(data)
            self.name = name

    assert NamedValue(2.0, "w").describe() == "w = 2.0"


def test_initialising_again_replaces_everything_but_attributes():
    a = Value(1.0)
    out = a * 2
    out.note, out.label = "kept", "product"
    out.__init__(5.0)
    assert (out.data, out._children, out._op, out.note) == (5.0, (), "", "kept")
    assert out.label == ""
    out.backward()
    assert a.grad == 0.0


def test_a_failed_initialisation_changes_nothing():
    a = Value(1.0)
    out = a * 2
    with pytest.raises(ValueError, match="local gradients"):
        out.__init__(9.0, (a,), (1.0, 2.0))
    with pytest.raises(TypeError):
        out.__init__("x")
    assert (out.data, out._op, out._children[0]) == (2.0, "*", a)


# --- ops of the user's own -------------------------------------------------------------------


def softsign(x):
    out = Value(x.data / (1 + abs(x.data)), (x,), "softsign")

    def rule():
        x.grad += out.grad / (1 + abs(x.data)) ** 2

    out._backward = rule
    return out


def test_an_op_with_a_closure():
    x = Value(3.0)
    out = softsign(x * 1)
    (out * 8).backward()
    assert x.grad == 8 / 16
    assert out._op == "softsign"
    assert callable(out._backward)


def test_a_closure_may_replace_a_native_ops_rule_and_be_removed():
    a, b = Value(2.0), Value(3.0)
    out = a * b
    calls = []
    out._backward = lambda: calls.append(out.grad)
    out.backward()
    assert calls == [1.0]
    assert (a.grad, b.grad) == (0.0, 0.0)
    del out._backward
    out.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_a_leafs_closure_runs_when_its_gradient_is_complete():
    x = Value(2.0)
    seen = []
    x._backward = lambda: seen.append(x.grad)
    (x * x + x).backward()
    assert seen == [5.0]


def test_a_closure_must_be_callable():
    with pytest.raises(TypeError, match="_backward must be callable, not 'int'"):
        Value(1.0)._backward = 5


# --- numbers as Python computes them ---------------------------------------------------------


def test_forward_results_are_bit_for_bit_pythons():
    rng = random.Random(0)
    for _ in range(2000):
        x, y, n = rng.uniform(-9, 9), rng.uniform(0.1, 9), rng.randrange(-5, 6)
        a, b = Value(x), Value(y)
        assert (a + b).data == x + y
        assert (a - b).data == x - y
        assert (a * b).data == x * y
        assert (a / b).data == x / y
        assert (b**a).data == y**x
        assert (b**n).data == y**n
        assert (2**a).data == 2**x
        assert a.exp().data == math.exp(x)
        assert b.log().data == math.log(y)
        assert a.tanh().data == math.tanh(x)
        assert (a * b + a * 2.5 - b / 3).data == x * y + x * 2.5 - y / 3


FLOAT_ERRORS = [
    (lambda v: v / 0, 1.0, ZeroDivisionError, r"1.0 / 0.0: division by zero"),
    (lambda v: 1 / v, 0.0, ZeroDivisionError, r"1.0 / 0.0: division by zero"),
    (lambda v: v**-1.0, 0.0, ZeroDivisionError, r"0.0 \*\* -1.0: zero cannot be raised"),
    (lambda v: 0.0**v, -1.0, ZeroDivisionError, "negative power"),
    (lambda v: v.log(), 0.0, ValueError, r"log\(0.0\) is undefined: needs x > 0"),
    (lambda v: v.log(), -1.0, ValueError, "needs x > 0"),
    (lambda v: v.log1p(), -1.0, ValueError, "needs x > -1"),
    (lambda v: v.sqrt(), -1.0, ValueError, "needs x >= 0"),
    (lambda v: v.arcsin(), 2.0, ValueError, "needs -1 <= x <= 1"),
    (lambda v: v.arccos(), -2.0, ValueError, "needs -1 <= x <= 1"),
    (lambda v: v.sin(), math.inf, ValueError, "needs a finite x"),
    (lambda v: v**0.5, -1.0, ValueError, r"-1.0 \*\* 0.5 is undefined: needs x >= 0"),
    (lambda v: (-2) ** v, 0.5, ValueError, "is undefined"),
    (lambda v: v.exp(), 1000.0, OverflowError, r"exp\(1000.0\) is too large"),
    (lambda v: v.expm1(), 1000.0, OverflowError, "too large"),
    (lambda v: v.sinh(), 1000.0, OverflowError, "too large"),
    (lambda v: v.cosh(), -1000.0, OverflowError, "too large"),
    (lambda v: v**2, 1e200, OverflowError, r"1e\+200 \*\* 2.0 is too large"),
]


@pytest.mark.parametrize(("function", "at", "error", "says"), FLOAT_ERRORS)
def test_float_errors_are_pythons(function, at, error, says):
    x = Value(at)
    references = sys.getrefcount(x)
    with pytest.raises(error, match=says):
        function(x)
    # Nothing half-built is left behind.
    assert (x.data, x.grad, sys.getrefcount(x)) == (at, 0.0, references)
    (x * 2).backward()
    assert x.grad == 2.0


def test_plain_arithmetic_overflows_as_pythons_does():
    big = Value(1e308)
    assert (big * 10).data == math.inf
    assert (big + big).data == math.inf
    assert math.isnan((Value(math.inf) - math.inf).data)
    assert (big / 1e-10).data == math.inf
    assert Value(math.inf).exp().data == math.inf
    assert Value(-math.inf).exp().data == 0.0


def test_backward_never_raises_for_a_value():
    x = Value(0.0)
    x.sqrt().backward()
    assert x.grad == math.inf
    y, z = Value(1.0), Value(2.0)
    out = y / z
    z.data = 0.0
    out.backward()
    assert y.grad == math.inf


@pytest.mark.parametrize("other", ["1", None, [1.0], 1j, object()])
@pytest.mark.parametrize(
    "operate",
    [lambda a, b: a + b, lambda a, b: b - a, lambda a, b: a * b, lambda a, b: b / a],
)
def test_other_operands_are_a_type_error(operate, other):
    with pytest.raises(TypeError, match=r"'Value'|can only concatenate"):
        operate(Value(1.0), other)


def test_pow_takes_no_modulus_and_methods_no_strangers():
    with pytest.raises(TypeError, match="modulus"):
        pow(Value(2.0), 2, 3)
    with pytest.raises(TypeError, match=r"maximum\(\) needs a Value or a real number, not 'str'"):
        Value(1.0).maximum("x")
    with pytest.raises(TypeError, match="negative_slope"):
        Value(1.0).leaky_relu("x")
    with pytest.raises(TypeError, match="no argument 'slope'"):
        Value(1.0).leaky_relu(slope=0.1)
    with pytest.raises(TypeError, match="at most one argument"):
        Value(1.0).elu(1.0, alpha=1.0)
    with pytest.raises(OverflowError):
        Value(1.0) + 10**400


def test_a_foreign_class_gets_its_turn():
    class Foreign:
        def __radd__(self, other):
            return "mine"

    assert Value(1.0) + Foreign() == "mine"


class Slim(Value):
    __slots__ = ()


class OtherSlim(Value):
    __slots__ = ()


def test_class_assignment_is_refused_to_and_from_value_itself():
    with pytest.raises(TypeError, match="__class__"):
        Value(1.0).__class__ = Slim
    with pytest.raises(TypeError, match="__class__"):
        Slim(1.0).__class__ = Value
    slim = Slim(2.0)
    slim.__class__ = OtherSlim
    (slim * slim).backward()
    assert slim.grad == 4.0


def test_init_can_be_replaced_from_outside():
    original, seen = Value.__init__, []

    def counting(self, *args, **kwargs):
        seen.append(args)
        original(self, *args, **kwargs)

    Value.__init__ = counting
    try:
        assert Value(1.0).data == 1.0
        assert Value(2.0, label="x").label == "x"
    finally:
        Value.__init__ = original
    assert seen == [(1.0,), (2.0,)]
    assert Value(3.0).data == 3.0
    assert len(seen) == 2


def test_new_can_be_replaced_from_outside():
    program = """
        from megagrad.engine import Value
        Value.__new__ = lambda cls, *args, **kwargs: object.__new__(cls)
        class Sub(Value): pass
        for cls in (Value, Sub):
            v = cls(1.0)
            v.history = [v]
            (v * v).backward()
            assert (v.data, v.grad) == (1.0, 2.0)
            del v
        import gc
        gc.collect()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_attribute_names_are_strings():
    value = Value(1.0)
    for call in (
        lambda: Value.__setattr__(value, 5, 3),
        lambda: Value.__delattr__(value, b"x" * 300),
        lambda: Value.__getattribute__(value, 5),
    ):
        with pytest.raises(TypeError, match="attribute name must be string"):
            call()
    assert vars(value) == {}


def test_a_closure_that_is_replaced_may_interfere_as_it_goes():
    x = Value(1.0)
    y = x * 3

    class Interferes:
        def __call__(self):
            pass

        def __del__(self):
            del y._backward

    y._backward = Interferes()
    y._backward = lambda: None
    y.backward()
    assert x.grad == 3.0  # the last word was to delete it


def test_text_of_unusual_numbers():
    inf = Value(math.inf)
    assert str(inf - inf) == "Value(data = nan)"
    assert str(-inf) == "Value(data = -inf)"


def test_powers_of_zero_are_pythons():
    assert (Value(0.0) ** -math.inf).data == 0.0**-math.inf == math.inf
    assert (Value(0.0) ** 0).data == 1.0
    with pytest.raises(ValueError, match=r"elu\(0\.0, inf\) is undefined$"):
        Value(0.0).elu(math.inf)
