"""The class-exercise form: free attributes on Values, and an AdamW that keeps its state there."""

from micrograd.engine import Value


class AdamW:
    def __init__(self, parameters, lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.parameters = parameters
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.t = 0
        for p in parameters:
            p.m = 0.0
            p.v = 0.0

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for p in self.parameters:
            p.m = b1 * p.m + (1 - b1) * p.grad
            p.v = b2 * p.v + (1 - b2) * p.grad**2
            m, v = p.m / (1 - b1**self.t), p.v / (1 - b2**self.t)
            p.data -= self.lr * (m / (v**0.5 + self.eps) + self.weight_decay * p.data)

    def zero_grad(self):
        for p in self.parameters:
            p.grad = 0.0


w = [Value(0.3), Value(-0.2), Value(0.1)]
optimizer = AdamW(w)
xs = [0.5, 1.0, 1.5, 2.0]
ys = [0.1, 0.9, 0.2, 0.8]
for _ in range(25):
    loss = Value(0.0)
    for x, y in zip(xs, ys):
        logit = w[0] * x + w[1] * (x * x) + w[2]
        p = 1 / (1 + (-logit).exp())
        loss = loss - (y * p.log() + (1 - y) * (1 - p).log())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(repr(loss.data))
loss.colour = "red"
loss.seen = {"by": ["the", "drawing"]}
print(loss.colour, loss.seen, [round(p.m, 12) for p in w])
print(len(tuple(loss._prev)), (Value(0.3) + 0.1).tanh())
