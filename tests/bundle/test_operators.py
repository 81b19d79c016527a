"""Bulk functions ask operators that are not Value's own, whatever those do meanwhile."""

import operator

import numpy as np

from megagrad import nn
from megagrad.engine import Value
from megagrad.functional import dot
from megagrad.functional import sum as total


class Loud(Value):
    """Counts what its operators are asked."""

    asked = 0

    def __mul__(self, other):
        Loud.asked += 1
        return super().__mul__(other)

    def __add__(self, other):
        Loud.asked += 1
        return super().__add__(other)

    __radd__ = __add__


class Quiet(Value):
    pass


def test_a_subclass_with_operators_of_its_own_is_asked():
    Loud.asked = 0
    assert dot([Loud(2.0), Value(3.0)], [5.0, 7.0]).data == 31.0
    assert total([Loud(2.0), 3.0]).data == 5.0
    assert nn.Neuron(1)([Loud(0.0)]).data == 0.0
    assert Loud.asked == 2  # multiplied by 5, added to 0; an exact Value's own * comes first
    out = dot([Quiet(2.0), Value(3.0)], [5.0, 7.0], Quiet(1.0))
    assert (out.data, type(out)) == (32.0, Value)


def test_a_patched_operator_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(Value, "__add__", lambda a, b: asked.append((a, b)) or Value(7.0))
    assert dot([Value(2.0)], [Value(3.0)], Value(1.0)).data == 7.0
    assert len(asked) == 1


def test_a_subclass_may_be_given_operators_later():
    class Later(Value):
        pass

    w, x = [Later(2.0)], [Value(3.0)]
    kept = [dot(w, x), total(w)]
    Later.__mul__ = lambda _, other: Value(100.0)
    Later.__radd__ = lambda _, other: Value(200.0)
    assert (dot(w, x).data, total(w).data) == (100.0, 200.0)
    del kept


def shrink(items):
    """Return an operand whose conversion to a number empties the list that holds it."""

    class Treacherous:
        def __float__(self):
            items.clear()
            return 1.0

    import numbers

    numbers.Real.register(Treacherous)
    return Treacherous()


def test_a_list_that_changes_meanwhile_does_no_harm():
    items = [Value(1.0), Value(2.0)]
    items.append(shrink(items))
    assert total(items).data == 4.0
    assert items == []


def test_operators_that_change_the_lists_do_no_harm():
    class Clearing(Value):
        def __mul__(self, other):
            w.clear()
            x.clear()
            return super().__mul__(other)

        def __add__(self, other):
            w.clear()
            return super().__add__(other)

        __radd__ = __add__

    w, x = [Clearing(2.0), Value(3.0)], [5.0, Value(7.0)]
    assert dot(w, x).data == 31.0
    w = [Clearing(2.0), Value(3.0)]
    assert total(w).data == 5.0


def test_numbers_meet_as_in_python():
    leaf = Value(0.0)
    assert total([2**53, 1, 1, leaf]).data == 2.0**53 + 2
    assert dot([2**53, 1, 1, leaf], [1, 1, 1, 1]).data == 2.0**53 + 2
    thirds = np.array([1, 1], dtype=np.float32) / np.float32(3)
    assert dot([*thirds, leaf], [*thirds, 1.0]).data == sum(map(operator.mul, thirds, thirds))

    class Odd(float):
        def __mul__(self, other):
            return 100.0

        def __radd__(self, other):
            return Value(200.0)

    assert dot([Odd(2)], [3.0]).data == 100.0
    assert total([Odd(2)]).data == 200.0
    assert dot([Odd(2)], [leaf]).data == 0.0  # its own * does not know Values, ours is asked
