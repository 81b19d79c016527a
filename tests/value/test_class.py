"""Value is an open class: it is subclassed, and its methods are added and replaced."""

import abc

import pytest
from support.processes import printed

from megagrad.engine import Value


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
    assert "__lshift__" not in vars(Value)
    Value.__lshift__ = lambda self, other: ("shift", self.data, other)
    try:
        assert Value(2.0) << 3 == ("shift", 2.0, 3)
    finally:
        del Value.__lshift__


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
    assert printed(program) == []
