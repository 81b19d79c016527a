"""A scalar engine in plain Python, to hold the compiled one against.

Written for clarity: a node keeps its operands and the partial derivatives by them. It follows
micrograd's rules where both have one; what megagrad does differently on purpose is marked.
"""

import math


class Value:
    """A number, its gradient, and what it was computed from."""

    def __init__(self, data, _children=(), _op="", label="", *, children=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self.label = label
        self._children = tuple(_children or children)
        self._op = _op if isinstance(_op, str) else ""
        self._local_grads = tuple(local_grads) if isinstance(_op, str) else tuple(_op)
        self._backward = self._apply

    @property
    def _prev(self):
        return set(self._children)

    def _apply(self):
        for child, partial in zip(self._children, self._local_grads, strict=False):
            # 0 times anything is 0, where micrograd has NaN for 0 times infinity.
            child.grad += partial * self.grad if partial != 0 != self.grad else 0.0

    def backward(self):
        """Only this pass's contribution is propagated (micrograd propagates earlier ones too)."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child in node._children)
        earlier = [(node, node.grad) for node in order if node is not self]
        for node, _ in earlier:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
        for node, grad in earlier:
            node.grad += grad

    def _of(self, data, op, *pairs):
        out = Value(data, [child for child, _ in pairs], op)
        out._local_grads = tuple(partial for _, partial in pairs)
        return out

    def __add__(self, other):
        other = lift(other)
        return self._of(self.data + other.data, "+", (self, 1.0), (other, 1.0))

    def __sub__(self, other):
        other = lift(other)
        return self._of(self.data - other.data, "-", (self, 1.0), (other, -1.0))

    def __mul__(self, other):
        other = lift(other)
        return self._of(self.data * other.data, "*", (self, other.data), (other, self.data))

    def __truediv__(self, other):
        other = lift(other)
        z = self.data / other.data
        return self._of(z, "/", (self, 1 / other.data), (other, -z / other.data))

    def __pow__(self, other):
        x = self.data
        if isinstance(other, Value):
            y = other.data
            z = real_power(x, y)
            return self._of(z, "**", (self, by_base(x, y)), (other, by_exponent(x, y)))
        return self._of(real_power(x, other), f"**{other}", (self, by_base(x, other)))

    def __neg__(self):
        return self._of(-self.data, "neg", (self, -1.0))

    def __radd__(self, other):
        return self + other

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return self * other

    def __rtruediv__(self, other):
        return lift(other) / self

    def __rpow__(self, other):
        return lift(other) ** self

    def __lt__(self, other):
        return self.data < lift(other).data

    def __gt__(self, other):
        return self.data > lift(other).data

    def relu(self):
        z = 0.0 if self.data < 0 else self.data
        return self._of(z, "ReLU", (self, float(z > 0)))

    def tanh(self):
        z = math.tanh(self.data)
        return self._of(z, "tanh", (self, 1 - z * z))

    def exp(self):
        z = math.exp(self.data)
        return self._of(z, "exp", (self, z))

    def log(self):
        return self._of(math.log(self.data), "log", (self, 1 / self.data))

    # For the shift of cross_entropy, below which there are no gradients.
    def maximum(self, other):
        return Value(self.data if self.data > other.data or self.data != self.data else other.data)

    def detach(self):
        return Value(self.data)

    def shifted(self, other):
        same = self.data == other.data
        return self._of(0.0 if same else self.data - other.data, "shifted", (self, 1.0))

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __str__(self):
        gradient = f", grad = {self.grad:.4f}" if self.grad else ""
        return f"Value(data = {self.data:.4f}{gradient})"


def lift(other):
    return other if isinstance(other, Value) else Value(other)


def real_power(x, y):
    """Python's powers of negative numbers may be complex, which data cannot be."""
    if -math.inf < x < 0 and y not in (math.inf, -math.inf) and y % 1 > 0:
        raise ValueError(f"{x} ** {y} is not a real number")
    return x**y


# Derivatives follow IEEE, and raise for no number.


def power(x, y):
    try:
        return real_power(x, y)
    except ValueError:
        return math.nan
    except (OverflowError, ZeroDivisionError):
        return math.copysign(math.inf, x) if y % 2 == 1 else math.inf


def by_base(x, y):
    return y * power(x, y - 1) if y else 0.0


def by_exponent(x, y):
    if x == 0:
        return 0.0 if y >= 0 else power(x, y) * -math.inf
    return power(x, y) * (math.log(x) if x > 0 else math.nan)
