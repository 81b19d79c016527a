"""Attention beside PyTorch's (the extra test-torch)."""

import numpy as np
import pytest
from support.torch_modules import close, compare

from megagrad import _arrays, nn
from megagrad import functional as F

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(5)
QUERY, KEY, VALUE = RNG.normal(size=(3, 3, 2, 4))  # three positions, of a batch of two
SHORT = QUERY[:2]
CAUSAL = np.triu(np.ones((3, 3), bool), 1)
PADDING = np.array([[False, False, True], [False, True, False]])


def both(*args, **options):
    torch.manual_seed(1)
    return [library.MultiheadAttention(*args, **options) for library in (nn, torch.nn)]


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ({}, (QUERY, KEY, VALUE)),
        ({}, (SHORT, KEY, VALUE)),
        ({"bias": False}, (QUERY[:, 0], KEY[:, 1], VALUE[:, 0])),
        ({"batch_first": True}, (QUERY, KEY[:, :1].repeat(3, 1), VALUE[:, :1].repeat(3, 1))),
    ],
)
@pytest.mark.parametrize("heads", [1, 2])
def test_attention(heads, options, inputs):
    compare(*both(4, heads, **options), *inputs)


def tensors(options):
    return {k: torch.as_tensor(x) if isinstance(x, np.ndarray) else x for k, x in options.items()}


class With(nn.Module):
    """Attends to itself, with options."""

    def __init__(self, inner, options):
        self.inner, self.options = inner, options

    def forward(self, x):
        return tuple(part for part in self.inner(x, x, x, **self.options) if part is not None)


class TorchWith(torch.nn.Module):
    """The same for PyTorch's."""

    def __init__(self, inner, options):
        super().__init__()
        self.inner, self.options = inner, tensors(options)

    def forward(self, x):
        return tuple(part for part in self.inner(x, x, x, **self.options) if part is not None)


@pytest.mark.parametrize(
    "options",
    [
        {"attn_mask": CAUSAL},
        {"attn_mask": CAUSAL, "is_causal": True, "need_weights": False},
        {"attn_mask": np.where(CAUSAL, -np.inf, 0.0)},
        {"attn_mask": np.where(CAUSAL, -2.5, 0.5), "average_attn_weights": False},
        {"attn_mask": np.stack([CAUSAL, CAUSAL.T, CAUSAL, CAUSAL & False])},
        {"key_padding_mask": PADDING},
        {"key_padding_mask": np.where(PADDING, -1.5, 0.25), "need_weights": False},
        {"key_padding_mask": PADDING, "attn_mask": CAUSAL},
    ],
)
def test_attention_with_options(options):
    ours, theirs = both(4, 2)
    compare(With(ours, options), TorchWith(theirs, options), QUERY)


@pytest.mark.parametrize(
    "options",
    [
        {"key_padding_mask": PADDING[0], "attn_mask": CAUSAL},
        {"attn_mask": np.stack([CAUSAL, CAUSAL.T]), "average_attn_weights": False},
    ],
)
def test_attention_of_one_example(options):
    ours, theirs = both(4, 2, bias=False)
    compare(With(ours, options), TorchWith(theirs, options), QUERY[:, 0])


def test_a_repr_is_pytorchs_but_for_the_class_of_the_output():
    ours, theirs = both(4, 2, bias=False, batch_first=True)
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizableLinear", "Linear")


NOWHERE = np.array([[True, False, True], [False, False, False], [True, True, True]])


@pytest.mark.parametrize("before", [(), (2,), (2, 2)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True},
        {"scale": 0.3},
        {"attn_mask": CAUSAL.T},
        {"attn_mask": NOWHERE},
        {"attn_mask": np.where(CAUSAL, 0.5, -1.0)},
    ],
)
def test_scaled_dot_product_attention(options, before):
    inputs = [RNG.normal(size=(*before, *size)) for size in [(3, 4), (3, 4), (3, 2)]]
    arrays = [_arrays.each(lambda v: v, x) for x in inputs]
    found = _arrays.array("found", F.scaled_dot_product_attention(*arrays, **options))
    leaves = [torch.as_tensor(x).requires_grad_() for x in inputs]
    attention = torch.nn.functional.scaled_dot_product_attention
    expected = attention(*leaves, **tensors(options))
    assert _arrays.data(found) == close(expected.detach().numpy())
    F.sum([v * v for v in found.ravel().tolist()]).backward()
    (expected**2).sum().backward()
    for array, leaf in zip(arrays, leaves, strict=True):
        grads = np.array([v.grad for v in array.flat]).reshape(array.shape)
        assert grads == close(leaf.grad.numpy())
