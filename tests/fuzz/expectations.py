"""What has to hold after every input."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from megagrad import Function, Value


def refused(refusals: Mapping[type[Exception], list[str]], call: Callable[[], Any]) -> bool:
    """Whether the call raised; if so, an error of those types, whose text says what is wrong."""
    try:
        call()
    except tuple(refusals) as error:
        texts = next(texts for kind, texts in refusals.items() if isinstance(error, kind))
        if not any(re.search(text, str(error)) for text in texts):
            raise AssertionError("an error that does not say what is wrong") from error
        return True
    return False


def check_engine() -> None:
    """The engine computes as ever."""
    x, w = Value(2.0), Value(3.0)
    y = (x * w - 5).tanh() + x**2
    y.backward()
    t = np.tanh(1.0)
    assert abs(y.data - (t + 4)) < 1e-12
    assert abs(x.grad - (3 * (1 - t * t) + 4)) < 1e-12
    assert abs(w.grad - 2 * (1 - t * t)) < 1e-12


def check_function(f: Function) -> None:
    """A Function that was accepted is listed, saved again, and run."""
    restore, arguments = f.__reduce__()
    again = restore(*arguments)
    assert str(again) == str(f)
    assert again.__reduce__()[1] == arguments
    if f.n_inputs > 50 or len(f.parameters) > 500 or len(arguments[0]) > 20_000:
        return  # takes long
    data = np.linspace(-1.0, 2.0, 3 * f.n_inputs).reshape(3, f.n_inputs)
    outputs = f(data)
    values, grads, parameter_grads = f.vjp(data)
    np.testing.assert_array_equal(values, outputs)
    assert grads.shape == data.shape
    assert parameter_grads.shape == (len(f.parameters),)
    f.jvp(data, data)
    f.jacobian(data)
    f.hessian(data[:1])
    f.backward(data)
