"""Training: networks, losses, optimisers and schedules."""

import random
from collections.abc import Callable
from typing import Any, assert_type

import numpy as np

import megagrad
from megagrad import Value, data, functional, nn, optim
from megagrad.functional import cross_entropy, dot, hinge, mse_loss, softmax
from megagrad.nn import MLP, Layer, Module, Neuron
from megagrad.optim import lr_scheduler

random.seed(1)
model = MLP(2, [4, 1], activation="tanh")
points, targets = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)], [-1, 1, 1, -1]

# A loop as in micrograd.
loss = sum(((model(x) - y) ** 2 for x, y in zip(points, targets, strict=True)), Value(0))
model.zero_grad()
loss.backward()
for p in model.parameters():
    p.data -= 0.05 * p.grad

# Modules.
assert_type(model.parameters(), list[Value])
assert_type(model.layers, list[Layer])
assert_type(model.layers[0].neurons, list[Neuron])
assert_type(model.layers[0].neurons[0].w, list[Value])
assert_type(model.layers[0].neurons[0].b, Value)
assert_type(model.state_dict(), dict[str, Any])
assert_type(Neuron(2, nonlin=False)([1, Value(2.0)]), Value)
assert_type(megagrad.nn.MLP(2, (3, 1)), MLP)
# Of MLP and Layer no type tells whether it is one Value or a list: it passes for both.
answer: Value = model(points[0])
answers: list[Value] = MLP(2, [3])(points[0])
assert_type(model(points[0]) - 1, Value)
assert_type([out.relu() for out in MLP(2, [3])(points[0])], list[Value])
assert_type(nn.Linear(2, 3)(points), np.ndarray[tuple[Any, ...], np.dtype[Any]])
assert_type(nn.LayerNorm(2)(input=points).shape, tuple[Any, ...])
Layer(2, 3, activation=Value.sin)
MLP(3, np.array([4, 1]).tolist(), activation=lambda x: x.sin() + x)
MLP(2, [1])(np.zeros(2))


class Classifier(Module):
    """A model of one's own, of others."""

    def __init__(self, classes: int) -> None:
        self.hidden = Layer(2, 4, activation="gelu")
        self.out = [Neuron(4, nonlin=False) for _ in range(classes)]

    def __call__(self, x: list[float]) -> list[Value]:
        hidden = self.hidden(x)
        return [neuron(hidden) for neuron in self.out]

    def parameters(self) -> list[Value]:
        return [*self.hidden.parameters(), *(p for n in self.out for p in n.parameters())]


logits = Classifier(3)([1.0, 2.0])

# Bulk operations and losses.
assert_type(dot(logits, [1, 2.0, np.float32(3)]), Value)
assert_type(dot(logits, logits, bias=1), Value)
assert_type(functional.sum(logits), Value)
assert_type(functional.sum((x * x for x in logits), start=Value(1)), Value)
assert_type(functional.mean(logits), Value)
assert_type(functional.logsumexp(logits), Value)
assert_type(softmax(logits), list[Value])
assert_type(functional.log_softmax(logits), list[Value])
assert_type(functional.rms_norm(logits, eps=1e-6), list[Value])
assert_type(mse_loss(logits, [0, 1, 0]), Value)
assert_type(hinge(logits, np.array([-1.0, 1.0, 1.0])), Value)
assert_type(cross_entropy(logits, 2), Value)
assert_type(cross_entropy(logits, np.int64(2)), Value)
assert_type(cross_entropy([logits, logits], [0, 1], "sum"), Value)
assert_type(mse_loss([logits], np.zeros((1, 3))), Value)
assert_type(functional.l1_loss(logits, logits, "none"), list[Any])
assert_type(functional.huber_loss(logits, logits, delta=2.0), Value)
assert_type(functional.linear(logits, [[1.0, 2.0, logits[0]]], [0.5]), list[Value])
assert_type(functional.binary_cross_entropy_with_logits(logits, [0, 1, 1]), Value)

# Optimisers and schedules.
optimizer: optim.Optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
optimizer = optim.AdamW(model.parameters(), weight_decay=0.1)
optim.RMSprop(model.parameters(), momentum=0.9, centered=True)
optim.Adagrad(model.parameters(), initial_accumulator_value=0.1)
optim.NAdam([{"params": model.parameters()}], decoupled_weight_decay=True)
loader = data.DataLoader([(1.0, 2)], batch_size=2, shuffle=True, generator=random.Random(1))
number_of_batches: int = len(loader)
assert_type(next(iter(loader)), Any)
optimizer = optim.Adam(
    [
        {"params": model.layers[0].parameters(), "lr": 0.05},
        {"params": model.layers[1].parameters()},
    ],
    lr=0.1,
    betas=(0.9, 0.99),
)
scheduler = lr_scheduler.SequentialLR(
    optimizer,
    [
        lr_scheduler.LinearLR(optimizer, total_iters=3),
        optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10),
        lr_scheduler.StepLR(optimizer, step_size=2),
    ],
    milestones=[3, 6],
)


def closure() -> Value:
    optimizer.zero_grad()
    loss = mse_loss([model(x) for x in points], targets)
    loss.backward()
    return loss


for _ in range(8):
    result = optimizer.step(closure)
    assert isinstance(result, Value)
    optimizer.step()
    scheduler.step()
assert_type(closure, Callable[[], Value])
assert_type(optim.clip_grad_norm_(model.parameters(), max_norm=1.0), float)
optim.clip_grad_value_(model.parameters(), 0.5)
assert_type(scheduler.get_last_lr(), list[float])
assert_type(optimizer.param_groups, list[dict[str, Any]])
optimizer.load_state_dict(optimizer.state_dict())
scheduler.load_state_dict(scheduler.state_dict())


class Halving(lr_scheduler.LRScheduler):
    """A schedule of one's own."""

    def get_lr(self) -> list[float]:
        return [0.5**self.last_epoch * rate for rate in self.base_lrs]


Halving(optim.SGD(model.parameters())).step()
