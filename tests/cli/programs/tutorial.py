"""One neuron by hand with plain-float weights, its graph walked, and a loop that learns."""

from micrograd.engine import Value

x1, x2 = Value(2.0), Value(0.0)
w1, w2, b = -3.0, 1.0, 6.8813735870195432
fx = x1 * w1 + x2 * w2 + b
print(fx)
out = fx.tanh()
print(out)
out.backward()
print(x1.grad, x2.grad)


def walk(root):
    """The nodes and edges of a graph, as the drawing code of the tutorial collects them."""
    nodes, edges = set(), set()

    def build(node):
        if node not in nodes:
            nodes.add(node)
            for child in node._prev:
                edges.add((child, node))
                build(child)

    build(root)
    return nodes, edges


nodes, edges = walk(out)
print(len(nodes), len(edges), sorted(node._op for node in nodes))
print(sorted(f"{node.data:.4f} {node.grad:.4f}" for node in nodes))

w = [Value(0.5), Value(-0.25)]
b = Value(0.0)
xs = [(2.0, 3.0), (3.0, -1.0), (0.5, 1.0), (1.0, 1.0)]
ys = [1.0, -1.0, -1.0, 1.0]
for epoch in range(20):
    predictions = [sum((wi * xi for wi, xi in zip(w, x)), b).tanh() for x in xs]
    loss = sum((p - y) ** 2 for p, y in zip(predictions, ys))
    for parameter in [*w, b]:
        parameter.grad = 0.0
    loss.backward()
    for parameter in [*w, b]:
        parameter.data += -0.1 * parameter.grad
    print(epoch, loss)
