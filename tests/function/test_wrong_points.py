"""Numbers where points are wanted: the error says how to pass one point, and many."""

import numpy as np
import pytest

from megagrad import Value, record


@pytest.mark.parametrize(
    ("inputs", "one"), [(1, r"\[x\]"), (2, r"\[x, y\]"), (3, r"\[x, y, \.\.\.\]")]
)
def test_plain_numbers_are_told_how_to_pass_one_point_and_many(inputs, one):
    f = record(lambda *x: sum(x, Value(0.0)), inputs)
    help_text = f"not a plain number: pass {one} for one point, and \\[{one}, \\.\\.\\.\\] for many"
    for call in (f, f.value_and_grad, f.vjp, f.backward, f.jvp, f.jacobian, f.hessian, f.hvp):
        for numbers in ([3.0], [1, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0], [True]):
            with pytest.raises(ValueError, match=help_text):
                call(*numbers)
    for number in (np.float64(3.0), 3):
        with pytest.raises(ValueError, match=help_text):
            f(data=number)
    with pytest.raises(ValueError, match=rf"not \(9,\): pass {one} for one point"):
        f([1.0] * 9)
