"""A module beside PyTorch's of the same name: all that both can be asked for has to be equal."""

import numpy as np
import pytest

from megagrad import Function, Value, _arrays, draw_dot, optim
from megagrad import functional as F
from megagrad.nn import Module

STEPS = 10
LEARNING_RATE = 0.05


def compare(ours: Module, theirs, *inputs, of_values=True) -> None:
    """Hold a module against PyTorch's, with PyTorch's weights.

    theirs: PyTorch's module, made float64 here. inputs: arrays, of which those of floats are inputs of
    the graph. of_values: False for modules whose outputs do not depend on an input that is a float.
    """
    theirs.double()
    same_state(ours, theirs)
    same_outputs_and_gradients(ours, theirs, inputs)
    if of_values:
        same_recorded(ours, theirs, inputs)
    same_training(ours, theirs, inputs)
    same_state_back(ours, theirs)


def same_state(ours, theirs):
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state) or set(ours.state_dict()) == set(state)
    assert ours.load_state_dict(state) == ([], [])
    equal_states(ours, theirs)
    names = [name.split(".")[0] for name, _ in theirs.named_parameters()]
    assert sum(p.numel() for p in theirs.parameters()) == len(ours.parameters()), names


def same_state_back(ours, theirs):
    import torch

    state = {name: torch.as_tensor(numbers) for name, numbers in ours.state_dict().items()}
    theirs.load_state_dict(state)
    equal_states(ours, theirs)


def equal_states(ours, theirs):
    for name, numbers in theirs.state_dict().items():
        assert ours.state_dict()[name] == close(numbers.numpy()), name


def same_outputs_and_gradients(ours, theirs, inputs):
    values, tensors = as_values(inputs), as_tensors(inputs)
    outs, their_outs = flat(ours(*values)), flat_tensor(theirs(*tensors))
    assert data(outs) == close(their_outs.detach().numpy())
    weights = np.random.default_rng(1).normal(size=len(outs))
    theirs.zero_grad()
    (their_outs * as_tensors([weights])[0].detach()).sum().backward()
    ours.zero_grad()
    loss = F.dot(weights.tolist(), outs)
    loss.backward()
    assert gradients(ours) == close(their_gradients(theirs))
    for mine, tensor in zip(values, tensors, strict=True):
        if tensor.requires_grad:
            grads = np.array([v.grad for v in mine.flat]).reshape(mine.shape)
            assert grads == close(tensor.grad.numpy())
    assert draw_dot(outs[0] + outs[-1], depth=4).source.count("->") > 1


def same_recorded(ours, theirs, inputs):
    values = as_values(inputs)
    leaves = [v for array in values for v in np.asarray(array).flat if isinstance(v, Value)]
    parameters = ours.parameters()
    recorded = Function(leaves, flat(ours(*values)), parameters)
    numbers = np.concatenate([np.ravel(x) for x in inputs if np.asarray(x).dtype.kind == "f"])
    tensors = as_tensors(inputs)
    outs = flat_tensor(theirs(*tensors))
    assert np.atleast_1d(recorded(numbers)) == close(outs.detach().numpy())
    outs.sum().backward()
    _, input_gradients, _ = recorded.vjp(numbers)
    expected = np.concatenate([t.grad.numpy().ravel() for t in tensors if t.requires_grad])
    assert input_gradients.ravel() == close(expected)


def same_training(ours, theirs, inputs):
    import torch

    if not ours.parameters():
        return
    optimizer = optim.SGD(ours.parameters(), lr=LEARNING_RATE)
    their_optimizer = torch.optim.SGD(theirs.parameters(), lr=LEARNING_RATE)
    for _ in range(STEPS):
        outs, their_outs = flat(ours(*inputs)), flat_tensor(theirs(*as_tensors(inputs)))
        targets = np.linspace(-1, 1, len(outs))
        loss = F.mse_loss(outs, targets)
        their_loss = torch.nn.functional.mse_loss(their_outs, torch.as_tensor(targets))
        assert loss.data == close(their_loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        their_optimizer.zero_grad()
        their_loss.backward()
        their_optimizer.step()
    equal_states(ours, theirs)


def as_values(inputs):
    return [
        _arrays.each(lambda v: v, np.asarray(x)) if np.asarray(x).dtype.kind == "f" else x
        for x in inputs
    ]


def as_tensors(inputs):
    import torch

    tensors = [torch.as_tensor(np.asarray(x)) for x in inputs]
    return [t.clone().requires_grad_() if t.is_floating_point() else t for t in tensors]


def flat(out):
    """All Values of an output: of an array, or of tuples of arrays."""
    if isinstance(out, tuple):
        return [value for part in out for value in flat(part)]
    return [out] if isinstance(out, Value) else out.ravel().tolist()


def flat_tensor(out):
    import torch

    if isinstance(out, tuple):
        return torch.cat([flat_tensor(part) for part in out])
    return out.reshape(-1)


def data(values):
    return np.array([value.data for value in values])


def gradients(module):
    return np.array([p.grad for p in module.parameters()])


def their_gradients(module):
    grads = [p.grad.numpy().ravel() for p in module.parameters()]
    return np.concatenate(grads) if grads else np.array([])


def close(expected):
    """Equal but for roundings."""
    return pytest.approx(expected, rel=1e-9, abs=1e-12)
