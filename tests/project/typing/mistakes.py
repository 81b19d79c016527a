"""What must not pass: mistakes, most of which raise TypeError or AttributeError when they run."""

# pyright: reportUnusedExpression=false, reportUnknownMemberType=false
# ruff: noqa: B015, B018

import math

from megagrad import Function, Value, nn, optim, record, save, where
from megagrad.functional import cross_entropy, dot, softmax
from megagrad.optim import lr_scheduler

x = Value(1.0)

# Values are made of numbers, and compute with numbers.
Value(data="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Value([1.0])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Value(1j)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Value(1.0, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
x + "text"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
"text" + x  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x * None  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x - [1.0]  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x / 1j  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x ** "2"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x // 2  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x % 2  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x @ x  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x < "1"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
x == 1  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]

# A Value is no number: float() would lose its gradient.
float(x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
rounded: float = round(x)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
int(x)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
math.sqrt(x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
range(x)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
len(x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
list(x)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
x[0]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
x(1.0)  # type: ignore[operator]  # pyright: ignore[reportCallIssue]

# Names, and what they can be.
x.gard  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
x.rleu()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
x.gard = 0.0  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
x.momentum = 0.0  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
x.data = "1"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
x.grad = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
x.label = 3  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
x._backward = 1  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
x._children = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
x.tanh(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
x.leaky_relu("0.1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
x.elu(slope=0.1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
x.maximum(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
x.backward(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
where(x, "a", x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Functions of sequences, and models.
softmax(x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dot([x], ["a"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
cross_entropy([x, x], 0.5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
nn.MLP(2, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
nn.MLP("2", [1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
nn.Neuron(2, activation=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
nn.MLP(2, [1])([1.0, 2.0]).bakward()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
nn.Linear(2, 3)()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
nn.Neuron(2)(x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
nn.Module().load_state_dict([1.0])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
save([1.0], "model.npz")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Optimisers and recorded programs.
optim.SGD(x)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
optim.SGD([1.0])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
optim.Adam([x], lr="0.1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
optim.Adam([x], momentum=0.9)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
optim.clip_grad_norm_([1.0], 1.0)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
lr_scheduler.StepLR([x], 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Function([1.0], x)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
Function([x], "y")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
record(3, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
f = Function([x], x * 2)
f("text", param=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
f.vjp()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
f.load(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
