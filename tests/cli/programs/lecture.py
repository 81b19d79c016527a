"""The lecture's form: labels, tanh and exp, and each node's _backward called by hand."""

from micrograd.engine import Value

a = Value(2.0, label="a")
b = Value(-3.0, label="b")
c = Value(10.0, label="c")
e = a * b
e.label = "e"
d = e + c
d.label = "d"
f = Value(-2.0, label="f")
L = d * f
L.label = "L"
print(L.data, [v.label for v in (a, b, e, d, L)])
L.grad = 1.0
L._backward()
d._backward()
f._backward()
e._backward()
c._backward()
print([(v.label, v.grad) for v in (a, b, c, d, e, f, L)])

x1 = Value(2.0, label="x1")
x2 = Value(0.0, label="x2")
w1 = Value(-3.0, label="w1")
w2 = Value(1.0, label="w2")
bias = Value(6.8813735870195432, label="b")
n = x1 * w1 + x2 * w2 + bias
e = (2 * n).exp()
o = (e - 1) / (e + 1)
o.backward()
print([f"{v.label} {v.data:.6f} {v.grad:.6f}" for v in (x1, w1, x2, w2)])


def cube(self):
    """An op of the user's own, with a closure as its chain rule."""
    out = Value(self.data**3, (self,), "cube")

    def _backward():
        self.grad += 3 * self.data**2 * out.grad

    out._backward = _backward
    return out


x = Value(1.5)
y = cube(x) * 2
y.backward()
print(x.grad, sorted(child._op for child in y._prev))


def walk(node, depth=0):
    print(" " * depth + node._op, node.label, node.data)
    for child in sorted(node._prev, key=lambda v: (v.data, v._op)):
        walk(child, depth + 1)


walk(L)
