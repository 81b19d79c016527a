"""Numbers, text, containers and arrays that no program means to pass."""

import array
import collections
import decimal
import fractions
import itertools
import math
import pathlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hostile.kind import Hostile, Sabotage, raises
from megagrad import Value

# --- numbers --------------------------------------------------------------------------------------

NUMBERS = {
    "10**400": Hostile(lambda: 10**400, (math.inf, 2**62)),
    "-10**400": Hostile(lambda: -(10**400), (-math.inf,)),
    "2**31": Hostile(lambda: 2**31, (2.0**31, 2**31, 2**62)),
    "2**63": Hostile(lambda: 2**63, (2.0**63, 2**62)),
    "2**64": Hostile(lambda: 2**64, (2.0**64, 2**62)),
    "-2**63": Hostile(lambda: -(2**63), (-(2.0**63),)),
    "-1": Hostile(lambda: -1, (-1.0, -1)),
    "0": Hostile(lambda: 0, (0.0, 0)),
    "True": Hostile(lambda: True, (1,)),
    "nan": Hostile(lambda: math.nan, (math.nan,)),
    "inf": Hostile(lambda: math.inf, (math.inf,)),
    "-inf": Hostile(lambda: -math.inf, (-math.inf,)),
    "-0.0": Hostile(lambda: -0.0, (-0.0,)),
    "5e-324": Hostile(lambda: 5e-324, (5e-324,)),
    "1.5": Hostile(lambda: 1.5, (1.5,)),
    "complex": Hostile(lambda: 1 + 2j),
    "Fraction": Hostile(lambda: fractions.Fraction(3, 8), (0.375,)),
    "Fraction beyond floats": Hostile(lambda: fractions.Fraction(10**400)),
    "Decimal": Hostile(lambda: decimal.Decimal("0.375"), (0.375,)),
    "Decimal sNaN": Hostile(lambda: decimal.Decimal("sNaN")),
    "float32": Hostile(lambda: np.float32(0.375), (0.375,)),
    "longdouble": Hostile(lambda: np.longdouble(0.375), (0.375,)),
    "int8": Hostile(lambda: np.int8(1), (1,)),
    "uint64": Hostile(lambda: np.uint64(2**64 - 1), (2.0**64, 2**62)),
    "np.bool": Hostile(lambda: np.bool_(True), (1, True)),
    "complex64": Hostile(lambda: np.complex64(1 + 2j)),
    "datetime64": Hostile(lambda: np.datetime64("2020-01-01")),
}

# --- text -----------------------------------------------------------------------------------------


class LyingText(str):
    """Says one thing, is another, and has another's hash."""

    __slots__ = ()

    def __str__(self) -> str:
        raise Sabotage("__str__")

    def __hash__(self) -> int:
        return hash("data")

    def __eq__(self, other: object) -> bool:
        raise Sabotage("__eq__")


TEXT = {
    "empty text": Hostile(lambda: "", ("",)),
    "text": Hostile(lambda: "nonsense", ("nonsense",)),
    "digits": Hostile(lambda: "1", ("1",)),
    "surrogate": Hostile(lambda: "\ud800", ("\ud800",)),
    "NUL": Hostile(lambda: "a\0b", ("a\0b",)),
    "beyond 16 bits": Hostile(lambda: "\U0010ffff", ("\U0010ffff",)),
    "long text": Hostile(lambda: "x" * 100_000, ("x" * 100_000,)),
    "format codes": Hostile(lambda: "%s%n%100000d{}{0.x}", ("%s%n%100000d{}{0.x}",)),
    "lying text": Hostile(lambda: LyingText("nonsense"), ("nonsense",)),
    "bytes": Hostile(lambda: b"\xff\x00", ([255, 0], b"\xff\x00")),
    "bytearray": Hostile(lambda: bytearray(b"\xff\x00"), ([255, 0], [255.0, 0.0])),
    "memoryview": Hostile(lambda: memoryview(b"\xff\x00"), ([255, 0], [255.0, 0.0])),
    "no path": Hostile(lambda: pathlib.PurePosixPath("/nowhere/\0"), ()),
}

# --- containers -----------------------------------------------------------------------------------


def itself_in_a_list() -> list[Any]:
    inner: list[Any] = [1.0]
    inner.append(inner)
    return inner


def itself_in_a_dict() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    inner["params"] = inner["state"] = inner["x"] = inner
    return inner


def deep(kind: Callable[[list[Any]], Any], depth: int = 10_000) -> Any:
    inner = kind([1.0])
    for _ in range(depth):
        inner = kind([inner])
    return inner


def exhausted() -> Any:
    iterator = iter([1.0, 2.0])
    list(iterator)
    return iterator


def closed() -> Any:
    generator = (x for x in [1.0, 2.0])
    generator.close()
    return generator


def freed_values() -> Any:
    return (Value(float(i)) for i in range(2))


CONTAINERS = {
    "None": Hostile(lambda: None, (None,)),
    "ellipsis": Hostile(lambda: ...),
    "object": Hostile(object),
    "type": Hostile(lambda: int),
    "Value itself": Hostile(lambda: Value),
    "module": Hostile(lambda: math),
    "function": Hostile(lambda: lambda *_, **__: None, ()),
    "empty list": Hostile(list, ([], ())),
    "empty tuple": Hostile(lambda: (), ([], ())),
    "list": Hostile(lambda: [1.0, 2.0], ([1.0, 2.0],)),
    "list of None": Hostile(lambda: [None, None]),
    "list of text": Hostile(lambda: ["1", "2"]),
    "list of 10**400": Hostile(lambda: [10**400, 1.0]),
    "list of nan": Hostile(lambda: [math.nan, 1.0], ([math.nan, 1.0],)),
    "ragged list": Hostile(lambda: [[1.0], [1.0, 2.0]]),
    "nested list": Hostile(lambda: [[1.0, 2.0]], ([[1.0, 2.0]],)),
    "long list": Hostile(lambda: [1.0] * 3_000, ([1.0] * 3_000,)),
    "list with itself": Hostile(itself_in_a_list),
    "dict with itself": Hostile(itself_in_a_dict),
    "deep list": Hostile(lambda: deep(list)),
    "deep tuple": Hostile(lambda: deep(tuple)),
    "dict": Hostile(lambda: {"a": 1.0}, ({"a": 1.0},)),
    "dict of numbers": Hostile(lambda: {1.0: 2.0, 2.0: 3.0}, ([1.0, 2.0],)),
    "empty dict": Hostile(dict, ([], {})),
    "set": Hostile(lambda: {1.0, 2.0}, (list({1.0, 2.0}),)),
    "frozenset": Hostile(lambda: frozenset((1.0,)), ([1.0],)),
    "deque": Hostile(lambda: collections.deque([1.0, 2.0]), ([1.0, 2.0],)),
    "ChainMap": Hostile(lambda: collections.ChainMap({"a": 1.0}), ({"a": 1.0},)),
    "read-only dict": Hostile(lambda: types.MappingProxyType({"a": 1.0}), ({"a": 1.0},)),
    "range": Hostile(lambda: range(1, 3), ([1, 2],)),
    "large range": Hostile(lambda: range(3_000), (list(range(3_000)),)),
    "generator": Hostile(lambda: (x for x in [1.0, 2.0]), ([1.0, 2.0],)),
    "exhausted iterator": Hostile(exhausted, ([],)),
    "closed generator": Hostile(closed, ([],)),
    "long iterator": Hostile(lambda: itertools.repeat(1.0, 3_000), ([1.0] * 3_000,)),
    "map that raises": Hostile(lambda: map(raises("item"), [1.0])),
    "Values that are freed": Hostile(freed_values, ([0.0, 1.0],)),
    "array.array": Hostile(lambda: array.array("d", [1.0, 2.0]), ([1.0, 2.0],)),
}

# --- NumPy's arrays -------------------------------------------------------------------------------


def read_only() -> Any:
    numbers = np.array([1.0, 2.0])
    numbers.setflags(write=False)
    return numbers


def masked() -> Any:
    return np.ma.masked_array([1.0, 2.0], mask=[False, True])


def unaligned() -> Any:
    return np.frombuffer(b"\0" + np.array([1.0, 2.0]).tobytes(), np.uint8)[1:].view(np.float64)


ARRAYS = {
    "array": Hostile(lambda: np.array([1.0, 2.0]), ([1.0, 2.0],)),
    "array of no dimensions": Hostile(lambda: np.array(0.375), (0.375,)),
    "array of one number": Hostile(lambda: np.array([0.375]), ([0.375],)),
    "array of 2 dimensions": Hostile(lambda: np.array([[1.0, 2.0]]), ([[1.0, 2.0]],)),
    "array of 3 dimensions": Hostile(lambda: np.ones((2, 1, 2))),
    "array of 32 dimensions": Hostile(lambda: np.ones((1,) * 32)),
    "array of nothing": Hostile(lambda: np.empty(0), ([],)),
    "array of (0, 2)": Hostile(lambda: np.empty((0, 2)), ([], np.empty((0, 2)))),
    "array of (2, 0)": Hostile(lambda: np.empty((2, 0))),
    "array of (2**40, 0)": Hostile(lambda: np.empty((2**40, 0))),
    "one number seen 2**40 times": Hostile(
        lambda: np.lib.stride_tricks.as_strided(np.ones(1), (2**40, 3), (0, 0))
    ),
    "other byte order": Hostile(lambda: np.array([1.0, 2.0], ">f8"), ([1.0, 2.0],)),
    "strided": Hostile(lambda: np.array([1.0, 9.0, 2.0, 9.0])[::2], ([1.0, 2.0],)),
    "backwards": Hostile(lambda: np.array([2.0, 1.0])[::-1], ([1.0, 2.0],)),
    "unaligned": Hostile(unaligned, ([1.0, 2.0],)),
    "read-only array": Hostile(read_only, ([1.0, 2.0],)),
    # NumPy's own functions look below the mask, too, where they are given an array that has one.
    "masked": Hostile(masked, ([1.0, 2.0],)),
    "array of float16": Hostile(lambda: np.array([1.0, 2.0], "f2"), ([1.0, 2.0],)),
    "array of ints": Hostile(lambda: np.array([1, 2], "i1"), ([1, 2], [1.0, 2.0])),
    "array of bools": Hostile(lambda: np.array([True, False]), ([1.0, 0.0], [1, 0])),
    "array of complex": Hostile(lambda: np.array([1j, 2.0])),
    "array of text": Hostile(lambda: np.array(["1", "2"])),
    "array of bytes": Hostile(lambda: np.array([b"1", b"2"])),
    "array of dates": Hostile(lambda: np.array(["2020-01-01"], "M8[D]")),
    "array of objects": Hostile(lambda: np.array([None, object()])),
    "array with itself": Hostile(lambda: _array_with_itself()),
    "structured": Hostile(lambda: np.zeros(2, [("x", "f8"), ("y", "i4")])),
    "void": Hostile(lambda: np.zeros(2, "V8")),
}


def _array_with_itself() -> Any:
    objects = np.empty(2, object)
    objects[:] = [1.0, 2.0]
    objects[1] = objects
    return objects
