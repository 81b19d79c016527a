"""Values that are not what they seem, and objects whose methods raise, lie, or return nonsense."""

import collections.abc
import math
from typing import Any

import numpy as np
from support.needs import FREE_THREADED, UNDER_WINE

from hostile.data import ARRAYS, CONTAINERS, NUMBERS, TEXT
from hostile.kind import Hostile, Sabotage, raises, returns, slot
from megagrad import Value
from megagrad.functional import dot

# --- Values ---------------------------------------------------------------------------------------


class Derived(Value):
    """A Value that lies about all that it says of itself in Python."""

    data = property(lambda self: "not a number", lambda self, number: None)
    grad = property(lambda self: None, lambda self, number: None)
    label = property(lambda self: 5)
    _children = property(lambda self: "not Values")
    _op = property(lambda self: None)

    def backward(self) -> None:
        raise Sabotage("backward")

    def __repr__(self) -> str:
        raise Sabotage("__repr__")

    def __add__(self, other: object) -> Any:
        return "not a Value"

    __radd__ = __mul__ = __rmul__ = __sub__ = __add__

    def __copy__(self) -> Any:
        raise Sabotage("__copy__")


class Unhashable(Value):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise Sabotage("__eq__")


def its_own_child() -> Value:
    value = Value(2.0)
    value.__init__(3.0, (value, value))
    return value


def unfolded_once() -> Value:
    value = dot([Value(1.0), Value(2.0)], [3.0, 4.0])
    assert len(value._children) == 2
    return value


def large_graph() -> Value:
    value = Value(1.0)
    for _ in range(2_000):
        value = value + 1.0
    return value


VALUES = {
    "leaf": Hostile(lambda: Value(0.375), (0.375,)),
    "result": Hostile(lambda: Value(0.5) * 0.75, (0.375,)),
    "blank Value": Hostile(lambda: Value.__new__(Value), (0.0,)),
    "blank subclass": Hostile(lambda: Derived.__new__(Derived), lies=True),
    "lying Value": Hostile(lambda: Derived(0.375), lies=True),
    "unhashable Value": Hostile(lambda: Unhashable(0.375), (0.375,)),
    "nan Value": Hostile(lambda: Value(math.nan), (math.nan,)),
    "its own child": Hostile(its_own_child, (3.0,)),
    "unfolded dot": Hostile(unfolded_once, (11.0,)),
    "large graph": Hostile(large_graph, (2001.0,)),
    "list of Values": Hostile(lambda: [Value(1.0), Value(2.0)], ([1.0, 2.0],)),
    "the same Value twice": Hostile(lambda: [Value(1.0)] * 2, ([1.0, 1.0],)),
    "list of lying Values": Hostile(lambda: [Derived(1.0), Derived(2.0)], lies=True),
    "array of Values": Hostile(lambda: np.array([Value(1.0), Value(2.0)]), ([1.0, 2.0],)),
    "Value with a surrogate": Hostile(lambda: Value(1.0, label="\ud800"), (1.0,)),
    "op with a surrogate": Hostile(lambda: Value(1.0, (Value(2.0),), "\ud800"), (1.0,)),
}

# --- objects whose methods raise, lie, or return the wrong thing ---------------------------------

METHODS = [
    *("__float__", "__int__", "__index__", "__len__", "__iter__", "__next__", "__getitem__"),
    *("__contains__", "__array__", "__hash__", "__eq__", "__bool__", "__str__", "__repr__"),
    *("__fspath__", "__add__", "__radd__", "__mul__", "__rmul__", "__lt__", "__le__", "__gt__"),
    *("__complex__", "__call__", "__abs__", "__neg__", "__pow__", "__length_hint__"),
    *("__reversed__", "keys", "items", "__getattr__", "__getattribute__", "__class__"),
    *("__array_interface__", "__array_struct__", "__dict__", "__array_ufunc__"),
    *("__array_priority__", "__iadd__", "__instancecheck__", "__buffer__"),
]


class FloatChild(float):
    """A float that says to be another."""

    def __float__(self) -> float:
        return 9.0

    def __eq__(self, other: object) -> bool:
        raise Sabotage("__eq__")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise Sabotage("__repr__")


class IntChild(int):
    """An int that says to be another."""

    def __index__(self) -> int:
        return 9

    def __float__(self) -> float:
        return 9.0


class ListChild(list):  # type: ignore[type-arg]
    """A list that says to have other items than it has."""

    def __iter__(self) -> Any:
        return iter([5.0])

    def __len__(self) -> int:
        return 10**8

    def __getitem__(self, index: Any) -> Any:
        raise Sabotage("__getitem__")


class DictChild(dict):  # type: ignore[type-arg]
    """A dict whose methods do not agree."""

    def keys(self) -> Any:
        return ["params"]

    def items(self) -> Any:
        return [("b", 2.0)]

    def __iter__(self) -> Any:
        return iter(["params", "state", "b"])

    def __len__(self) -> int:
        return 5

    def __contains__(self, key: object) -> bool:
        return True


class Mapped(collections.abc.Mapping):  # type: ignore[type-arg]
    """A mapping that changes its mind at every question."""

    def __init__(self) -> None:
        self.asked = 0

    def __len__(self) -> int:
        return -1  # noqa: PLE0303

    def __iter__(self) -> Any:
        self.asked += 1
        return iter("abcdef"[: self.asked])

    def __getitem__(self, key: object) -> Any:
        return 1.0


class OnlyFloat:
    """Is a number by ``__float__`` alone."""

    def __float__(self) -> float:
        return 0.375


def finalizer_that_works() -> Any:
    class Dies:
        def __del__(self) -> None:
            value = Value(1.0)
            (value * value).backward()

    return Dies()


LIARS = {
    **{
        f"{name} raises": Hostile(slot(**{name: raises(name)}), lies="__class__" in name)
        for name in METHODS
    },
    "no iteration": Hostile(slot(__iter__=None)),
    "iteration of None": Hostile(slot(__iter__=returns(None))),
    "iteration of itself": Hostile(slot(__iter__=lambda self: self, __next__=raises("__next__"))),
    "raises in the middle": Hostile(
        slot(
            __len__=returns(2), __getitem__=lambda self, i: 1.0 if i == 0 else raises("item")(self)
        )
    ),
    "length of -1": Hostile(
        slot(
            __len__=returns(-1), __getitem__=raises("__getitem__"), __iter__=lambda s: iter([1.0])
        ),
        ([1.0],),
    ),
    "length of 10**8": Hostile(
        slot(__len__=returns(10**8), __iter__=lambda self: iter([1.0, 2.0])), ([1.0, 2.0],)
    ),
    "length of 10**30": Hostile(
        slot(__len__=returns(10**30), __iter__=lambda self: iter([1.0, 2.0])), ([1.0, 2.0],)
    ),
    "length hint of 10**15": Hostile(
        slot(__length_hint__=returns(10**15), __iter__=lambda self: iter([1.0])), ([1.0],)
    ),
    "length hint of text": Hostile(
        slot(__length_hint__=returns("long"), __iter__=lambda self: iter([1.0])), ([1.0],)
    ),
    "items that end late": Hostile(
        slot(__len__=returns(2), __getitem__=lambda self, index: range(1, 301)[index]),
        (list(range(1, 301)),),
    ),
    "__float__ of text": Hostile(slot(__float__=returns("1"))),
    "__float__ of None": Hostile(slot(__float__=returns(None))),
    "__float__ of an int": Hostile(slot(__float__=returns(1))),
    "__float__": Hostile(OnlyFloat, (0.375,)),
    "__index__": Hostile(slot(__index__=returns(1)), (1,)),
    "__index__ of text": Hostile(slot(__index__=returns("1"))),
    "__index__ of 10**400": Hostile(slot(__index__=returns(10**400)), (2**62,)),
    "__index__ and text": Hostile(slot(__index__=returns(1), __repr__=raises("__repr__")), (1,)),
    "__array__ of text": Hostile(slot(__array__=returns("text"))),
    "__array__ of None": Hostile(slot(__array__=returns(None))),
    "__array__ of objects": Hostile(slot(__array__=returns(np.array([None])))),
    "__array__": Hostile(
        slot(__array__=lambda self, dtype=None, copy=None: np.array([1.0, 2.0])), ([1.0, 2.0],)
    ),
    "__array_interface__ of nonsense": Hostile(slot(__array_interface__={"shape": (1,)})),
    "__array_interface__ of None": Hostile(slot(__array_interface__=None)),
    "__bool__ of text": Hostile(slot(__bool__=returns("yes"))),
    "__hash__ of text": Hostile(slot(__hash__=returns("hash"))),
    "__fspath__ of an int": Hostile(slot(__fspath__=returns(5))),
    "__repr__ of None": Hostile(slot(__repr__=returns(None), __str__=returns(None))),
    "equal to all": Hostile(slot(__eq__=returns(True), __hash__=returns(0))),
    "everything has it": Hostile(slot(__getattr__=lambda self, name: self), lies=True),
    "says to be a float": Hostile(slot(__class__=property(returns(float))), lies=True),
    "says to be a Value": Hostile(slot(__class__=property(returns(Value))), lies=True),
    "says to be a list": Hostile(slot(__class__=property(returns(list))), lies=True),
    "says to be a dict": Hostile(slot(__class__=property(returns(dict))), lies=True),
    "says to be text": Hostile(slot(__class__=property(returns(str))), lies=True),
    "float's child": Hostile(lambda: FloatChild(0.375), (0.375, 9.0)),
    "int's child": Hostile(lambda: IntChild(1), (1, 9)),
    "list's child": Hostile(lambda: ListChild([1.0, 2.0]), ([1.0, 2.0], [5.0])),
    "dict's child": Hostile(lambda: DictChild(a=1.0), ({"a": 1.0}, {"b": 2.0})),
    "fickle mapping": Hostile(Mapped),
    "finalizer": Hostile(finalizer_that_works),
}

HOSTILE = {**NUMBERS, **TEXT, **CONTAINERS, **ARRAYS, **VALUES, **LIARS}
# Wine counts the pages of memory that it has not got, a byte for each; a free-threaded Python's
# allocator promises any amount.
if UNDER_WINE or FREE_THREADED:
    HOSTILE = {name: hostile for name, hostile in HOSTILE.items() if "2**40" not in name}
