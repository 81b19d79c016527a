"""Attention without PyTorch: masks, mistakes, recorded, copied."""

import copy
import pickle
import random

import numpy as np
import pytest

from megagrad import Value, _arrays, nn, record
from megagrad import functional as F

RNG = np.random.default_rng(2)
X = RNG.normal(size=(3, 4))
CAUSAL = np.triu(np.ones((3, 3), bool), 1)


def made(*args, **options):
    random.seed(4)
    return nn.MultiheadAttention(*args, **options)


def test_weights_are_drawn_as_pytorchs():
    attention = made(4, 2)
    assert list(attention.state_dict()) == [
        "in_proj_weight",
        "in_proj_bias",
        "out_proj.weight",
        "out_proj.bias",
    ]
    state = attention.state_dict()
    assert np.abs(state["in_proj_weight"]).max() <= (6 / 16) ** 0.5
    assert np.abs(state["out_proj.weight"]).max() <= 4**-0.5
    assert not state["in_proj_bias"].any()
    assert not state["out_proj.bias"].any()
    assert (made(4, 2, bias=False).bias, attention.bias) == (False, True)
    with pytest.raises(TypeError, match="positional"):
        nn.MultiheadAttention(4, 2, 0.5)  # PyTorch's dropout


def test_what_is_hidden_makes_no_difference():
    attention = made(4, 2)
    changed = X.copy()
    changed[2] += 1
    for options in ({"attn_mask": CAUSAL}, {"key_padding_mask": [False, False, True]}):
        outputs = [_arrays.data(attention(x, x, x, **options)[0]) for x in (X, changed)]
        assert outputs[0][:2].tolist() == outputs[1][:2].tolist()
        assert outputs[0][2].tolist() != outputs[1][2].tolist()


def test_a_query_that_may_look_nowhere_takes_up_nothing():
    attention = made(4, 2)
    outputs, weights = attention(X, X, X, attn_mask=[[True] * 3, [False] * 3, [False] * 3])
    assert _arrays.data(weights)[0].tolist() == [0, 0, 0]
    assert _arrays.data(outputs)[0].tolist() == [0, 0, 0, 0]
    F.sum(outputs.ravel().tolist()).backward()
    assert all(np.isfinite(p.grad) for p in attention.parameters())


def test_a_mask_may_be_learned():
    bias = _arrays.drawn((3, 3), lambda: 0.5)
    outputs, _ = made(4, 2)(X, X, X, attn_mask=bias)
    F.sum([v * v for v in outputs.ravel().tolist()]).backward()
    assert all(v.grad for v in bias.flat)


def test_a_mask_that_is_an_input_stays_open_while_recording():
    row = [Value(1.0), Value(2.0)]

    def taken(*mask):
        return F.scaled_dot_product_attention([row], [row, [3.0, 1.0]], [[1.0], [2.0]], [mask])[0]

    recorded = record(taken, 2)
    points = np.array([[0.0, 0.0], [0.5, -1.0], [-np.inf, 0.0]])
    expected = [taken(*map(Value, point))[0].data for point in points]
    assert recorded(points).ravel() == pytest.approx(expected, rel=1e-13)
    assert expected[2] == 2.0


def test_record():
    attention = made(4, 2)

    def fn(*xs):
        x = np.array([*xs], object).reshape(3, 4)
        return attention(x, x, x, attn_mask=CAUSAL)[0].ravel().tolist()

    points = RNG.normal(size=(2, 12))
    eager = [[v.data for v in fn(*point)] for point in points]
    assert record(fn, 12)(points) == pytest.approx(np.array(eager), rel=1e-12)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_computes_the_same(again):
    attention = made(4, 2)
    outputs = _arrays.data(again(attention)(X, X, X)[0])
    assert outputs.tolist() == _arrays.data(attention(X, X, X)[0]).tolist()


BATCH = np.zeros((3, 2, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MultiheadAttention(4, 3), ValueError, "must divide embed_dim, got 3 and 4"),
        (lambda: nn.MultiheadAttention(0, 1), ValueError, "embed_dim must be at least 1"),
        (lambda: nn.MultiheadAttention(4, 1.5), TypeError, "num_heads must be an integer"),
        (lambda: made(4, 2)(X, X[:, :3], X), ValueError, r"key must have 4 features.*\(3, 3\)"),
        (lambda: made(4, 2)(X, X[:0], X[:0]), ValueError, "key must have .* at least one position"),
        (lambda: made(4, 2)(X[0], X, X), ValueError, "query must have 2 or 3 dimensions"),
        (lambda: made(4, 2)(X, X[:, None], X[:, None]), ValueError, "all be of a batch, or none"),
        (lambda: made(4, 2)(X, X, X[:2]), ValueError, r"one length.* \(3, 4\) and \(2, 4\)"),
        (lambda: made(4, 2)(BATCH, BATCH[:, :1], BATCH), ValueError, "one batch size"),
        (lambda: made(4, 2)(BATCH, BATCH[:, :1], BATCH[:, :1]), ValueError, "one batch size"),
        (
            lambda: made(4, 2)(X, X, X, is_causal=True),
            ValueError,
            "is_causal says what attn_mask is",
        ),
        (
            lambda: made(4, 2)(X, X, X, attn_mask=CAUSAL[:2]),
            ValueError,
            r"attn_mask must have the shape \(3, 3\) or \(2, 3, 3\), not \(2, 3\)",
        ),
        (
            lambda: made(4, 2)(BATCH, BATCH, BATCH, key_padding_mask=[True, False, False]),
            ValueError,
            r"key_padding_mask must have the shape \(2, 3\), not \(3,\)",
        ),
        (
            lambda: made(4, 2)(X, X, X, attn_mask=CAUSAL.astype(int)),
            TypeError,
            "attn_mask must be of bools, or of floats that are added, not of ints",
        ),
        (
            lambda: made(4, 2)(X, X, X, key_padding_mask=[0, 0, 1]),
            TypeError,
            "key_padding_mask must be of bools",
        ),
        (
            lambda: F.scaled_dot_product_attention(X, X, X, [[0.5, "a", 1.0]]),
            TypeError,
            "attn_mask must be a real number, not 'str'",
        ),
        (
            lambda: F.scaled_dot_product_attention(X, X, X, np.zeros((2, 3))),
            ValueError,
            r"mask must have the shape \(3, 3\), not \(2, 3\)",
        ),
        (
            lambda: F.scaled_dot_product_attention(X, X, X, CAUSAL, is_causal=True),
            ValueError,
            "attn_mask must be None where is_causal is True",
        ),
        (lambda: F.scaled_dot_product_attention(X[0], X, X), ValueError, "must have the shapes"),
        (
            lambda: F.scaled_dot_product_attention(X[0], X, X, is_causal=True),
            ValueError,
            "must have the shapes",
        ),
        (
            lambda: F.scaled_dot_product_attention(X, X[:, :2], X),
            ValueError,
            "must have the shapes",
        ),
        (lambda: F.scaled_dot_product_attention(X, X, X[:2]), ValueError, "must have the shapes"),
        (lambda: F.scaled_dot_product_attention(X, X, X, scale="a"), TypeError, "scale must be"),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call()
