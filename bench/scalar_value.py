"""A scalar autograd class in plain Python, in the form that programs of scalar GPTs carry."""

from __future__ import annotations

import math
from collections.abc import Sequence


class Value:
    """A number, the Values it was computed from, and its derivative by each of them."""

    __slots__ = ("_children", "_local_grads", "data", "grad")

    def __init__(
        self, data: float, children: Sequence[Value] = (), local_grads: Sequence[float] = ()
    ) -> None:
        """Make a leaf, or with children and one local gradient for each, the result of an op."""
        self.data = data
        self.grad = 0.0
        self._children = children
        self._local_grads = local_grads

    def __add__(self, other: Value | float) -> Value:
        """Return self + other."""
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __sub__(self, other: Value | float) -> Value:
        """Return self - other."""
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0))

    def __mul__(self, other: Value | float) -> Value:
        """Return self * other."""
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other: Value | float) -> Value:
        """Return self / other."""
        if not isinstance(other, Value):
            other = Value(other)
        quotient = self.data / other.data
        return Value(quotient, (self, other), (1.0 / other.data, -quotient / other.data))

    def __pow__(self, exponent: float) -> Value:
        """Return self ** exponent, where the exponent is a plain number."""
        slope = exponent * self.data ** (exponent - 1)
        return Value(self.data**exponent, (self,), (slope,))

    def __neg__(self) -> Value:
        """Return -self."""
        return Value(-self.data, (self,), (-1.0,))

    def __radd__(self, other: float) -> Value:
        """Return other + self."""
        return self + other

    def __rsub__(self, other: float) -> Value:
        """Return other - self."""
        return Value(other) - self

    def __rmul__(self, other: float) -> Value:
        """Return other * self."""
        return self * other

    def __rtruediv__(self, other: float) -> Value:
        """Return other / self."""
        return Value(other) / self

    def relu(self) -> Value:
        """Return self where it is positive, else zero."""
        positive = self.data > 0
        return Value(self.data if positive else 0.0, (self,), (float(positive),))

    def exp(self) -> Value:
        """Return e to the power of self."""
        power = math.exp(self.data)
        return Value(power, (self,), (power,))

    def log(self) -> Value:
        """Return the natural logarithm of self."""
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def backward(self) -> None:
        """Add the derivative of self by every Value of its graph to that Value's grad."""
        self.grad = 1.0
        for node in reversed(self._children_first()):
            slope = node.grad
            for child, local in zip(node._children, node._local_grads, strict=True):
                child.grad += local * slope

    def _children_first(self) -> list[Value]:
        order: list[Value] = []
        seen = {self}
        stack = [(self, iter(self._children))]
        while stack:
            node, children = stack[-1]
            for child in children:
                if child not in seen:
                    seen.add(child)
                    stack.append((child, iter(child._children)))
                    break
            else:
                order.append(node)
                stack.pop()
        return order
