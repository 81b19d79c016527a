"""Drawing, which needs the package graphviz."""

from megagrad import Value, draw_dot, nn

x = Value(2.0, label="x")
dot = draw_dot(x * x + 1, format="png", rankdir="TB", parameters=[x], collapsed=True)
text: str = dot.source
model = nn.MLP(2, [2, 1])
draw_dot(model([1.0, 2.0]), parameters=model, depth=2, limit=None)
