"""megagrad.functional: every function is its loop over Values, to the last bit."""

import inspect
import math
import numbers
import random
import statistics

import numpy as np
import pytest
from support.loss_loops import (
    binary_cross_entropy,
    hinge,
    log_softmax,
    logsumexp,
    mean,
    mse_loss,
    rms_norm,
    softmax,
    weighted_rms_norm,
)

from megagrad import functional as F
from megagrad.engine import Value

SIZES = [1, 2, 3, 7, 27]


OF_ONE = {
    "sum": (F.sum, sum),
    "mean": (F.mean, mean),
    "logsumexp": (F.logsumexp, logsumexp),
    "softmax": (F.softmax, softmax),
    "log_softmax": (F.log_softmax, log_softmax),
    "rms_norm": (F.rms_norm, rms_norm),
}
OF_TWO = {
    "dot": (F.dot, lambda w, x: sum(a * b for a, b in zip(w, x, strict=True))),
    "weighted rms_norm": (F.rms_norm, weighted_rms_norm),
    "mse_loss": (F.mse_loss, mse_loss),
    "hinge": (F.hinge, hinge),
    "bce": (F.binary_cross_entropy_with_logits, binary_cross_entropy),
}
OF_ARRAYS = {"mse_loss", "bce"}  # which take rows, too


def drawn(size, seed):
    rng = random.Random(seed)
    return [rng.uniform(-3, 3) for _ in range(size)]


def labels(size, seed):
    rng = random.Random(seed)
    return [float(rng.choice([-1, 1])) for _ in range(size)]


def outputs_of(result):
    return result if isinstance(result, list) else [result]


def compare(bulk, loop, *numbers):
    """Both on Values of their own: the same outputs to the last bit, and the same gradients."""
    slopes = random.Random(9)
    results = []
    for function in (bulk, loop):
        slopes.seed(9)
        operands = [[Value(x) for x in xs] for xs in numbers]
        outputs = outputs_of(function(*operands))
        sum(slopes.uniform(-1, 1) * out for out in outputs).backward()
        results.append(([out.data for out in outputs], [x.grad for xs in operands for x in xs]))
    assert results[0][0] == results[1][0]
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_one_sequence(name, size):
    compare(*OF_ONE[name], drawn(size, 1))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", OF_TWO)
def test_functions_of_two_sequences(name, size):
    compare(*OF_TWO[name], drawn(size, 1), labels(size, 2) if name == "hinge" else drawn(size, 2))


@pytest.mark.parametrize("size", SIZES)
def test_cross_entropy_is_the_negative_logarithm_of_the_probability(size):
    numbers = drawn(size, 4)
    for target in range(size):
        compare(
            lambda xs, target=target: F.cross_entropy(xs, target),
            lambda xs, target=target: -log_softmax(xs)[target],
            numbers,
        )


FORMS = {
    "list": list,
    "tuple": tuple,
    "generator": lambda xs: (x for x in xs),
    "object array": lambda xs: np.array(xs, dtype=object),
    "iterator": iter,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_input(form):
    numbers = drawn(4, 5)
    for bulk, _ in OF_ONE.values():
        compare(lambda xs, bulk=bulk: bulk(FORMS[form](xs)), bulk, numbers)
    for name, (bulk, _) in OF_TWO.items():
        other = labels(4, 6) if name == "hinge" else drawn(4, 6)
        compare(
            lambda xs, ys, bulk=bulk: bulk(FORMS[form](xs), FORMS[form](ys)), bulk, numbers, other
        )


def test_arrays_of_truth():
    scores, labels = [Value(1.0), Value(-2.0)], np.array([1, -1])
    ours = F.binary_cross_entropy_with_logits(scores, labels == 1)
    assert ours.data == F.binary_cross_entropy_with_logits(scores, [1, 0]).data
    assert F.dot(scores, labels == 1).data == 1.0


@pytest.mark.parametrize("dtype", [float, np.float32, int])
def test_arrays_of_numbers(dtype):
    xs = [Value(1.0), Value(2.0), Value(4.0)]
    array = np.array([3, 5, 6], dtype=dtype)
    out = F.dot(xs, array)
    out.backward()
    assert out.data == 37.0
    assert [x.grad for x in xs] == [3.0, 5.0, 6.0]
    assert F.mean(array).data == 14 / 3
    assert F.mse_loss(xs, array).data == (4 + 9 + 4) / 3
    assert F.softmax(array)[1].data == pytest.approx(
        math.exp(-1) / (1 + math.exp(-1) + math.exp(-3))
    )


def test_plain_numbers_give_leaves():
    for out in (F.dot([1.0, 2], [3, 4.0]), F.sum([5, 6.0])):
        assert (out.data, out._op, out._children) == (11.0, "", ())
    assert F.sum([]).data == 0.0
    assert F.sum([], 2.5).data == 2.5
    start = Value(2.0)
    assert F.sum([], start) is start


def test_a_start_and_a_bias():
    b = Value(0.5)
    out = F.sum([1.0, Value(2.0)], start=b) + F.dot([Value(1.0)], x=[2.0], bias=b)
    out.backward()
    assert (out.data, b.grad) == (6.0, 2.0)


def test_far_out_nothing_overflows_or_vanishes():
    far = [Value(1000.0), Value(-1000.0), Value(999.0)]
    assert F.logsumexp(far).data == pytest.approx(1000 + math.log1p(math.exp(-1)))
    assert [p.data for p in F.softmax(far)][1] == 0.0
    assert F.log_softmax(far)[1].data == pytest.approx(-2000 - math.log1p(math.exp(-1)))
    loss = F.cross_entropy(far, 1)
    loss.backward()
    assert loss.data == pytest.approx(2000 + math.log1p(math.exp(-1)))
    assert [x.grad for x in far] == pytest.approx([1 / (1 + math.exp(-1)), -1, 1 / (1 + math.e)])
    bce = F.binary_cross_entropy_with_logits(far, [1, 0, 1])
    assert bce.data == 0.0
    assert F.rms_norm([Value(0.0), Value(0.0)])[0].data == 0.0
    assert F.softmax([Value(-math.inf), Value(0.0)])[0].data == 0.0
    assert F.logsumexp([math.inf, 0.0]).data == math.inf


def test_losses_are_those_of_their_definitions():
    rng = random.Random(8)
    scores = [rng.uniform(-2, 2) for _ in range(20)]
    signs = [rng.choice([-1, 1]) for _ in scores]
    expected = statistics.fmean(max(0, 1 - y * s) for s, y in zip(scores, signs, strict=True))
    assert F.hinge(scores, signs).data == pytest.approx(expected)
    odds = [1 / (1 + math.exp(-s)) for s in scores]
    surprise = [-math.log(p if y > 0 else 1 - p) for p, y in zip(odds, signs, strict=True)]
    outcomes = [y > 0 for y in signs]
    loss = F.binary_cross_entropy_with_logits(scores, outcomes)
    assert loss.data == pytest.approx(statistics.fmean(surprise))


class TestErrors:
    @pytest.mark.parametrize("name", OF_TWO)
    def test_lengths_that_differ(self, name):
        function = OF_TWO[name][0]
        with pytest.raises(ValueError, match=r"needs as many .*got [23] .* and [23] "):
            function([Value(1.0), 1.0, 1.0], [1.0, 1.0])

    @pytest.mark.parametrize("name", [name for name in OF_ONE if name != "sum"])
    def test_nothing_in_one_sequence(self, name):
        for nothing in ([], (), iter([]), np.array([])):
            with pytest.raises(ValueError, match="needs at least one"):
                OF_ONE[name][0](nothing)

    @pytest.mark.parametrize("name", OF_TWO)
    def test_nothing_in_two_sequences(self, name):
        with pytest.raises(ValueError, match="at least one"):
            OF_TWO[name][0]([], [])

    @pytest.mark.parametrize("foreign", ["1", None, 1j, [1.0], object(), np.zeros(2)])
    def test_foreign_items(self, foreign):
        for function, _ in OF_ONE.values():
            with pytest.raises(
                TypeError, match=r"needs Values and real numbers, but \w+\[1\] is a"
            ):
                function([Value(1.0), foreign])
        for name, (function, _) in OF_TWO.items():
            if name in OF_ARRAYS and isinstance(foreign, list | np.ndarray):
                continue
            with pytest.raises(
                TypeError, match=r"needs Values and real numbers, but \w+\[0\] is a"
            ):
                function([foreign], [1.0])
            with pytest.raises(
                TypeError, match=r"needs Values and real numbers, but \w+\[0\] is a"
            ):
                function([1.0], [foreign])

    @pytest.mark.parametrize("foreign", [1.0, None, Value(1.0), object(), np.float64(1.0)])
    def test_what_is_no_sequence(self, foreign):
        for function, _ in OF_ONE.values():
            with pytest.raises(
                TypeError, match="needs a sequence of Values and real numbers as xs"
            ):
                function(foreign)
        with pytest.raises(TypeError, match=r"dot\(\) needs a sequence .* as w, not"):
            F.dot(foreign, [1.0])
        with pytest.raises(TypeError, match=r"dot\(\) needs a sequence .* as x, not"):
            F.dot([1.0], foreign)

    def test_a_foreign_start(self):
        with pytest.raises(
            TypeError, match=r"sum\(\) needs a Value or a real number to start from"
        ):
            F.sum([1.0], "0")
        with pytest.raises(
            TypeError, match=r"dot\(\) needs a Value or a real number to start from"
        ):
            F.dot([1.0], [1.0], [1.0])

    def test_a_start_of_none(self):
        with pytest.raises(TypeError, match="as start, not None"):
            F.sum([1.0], None)

    def test_an_int_that_is_too_large(self):
        with pytest.raises(OverflowError):
            F.sum([Value(1.0), 10**400])
        with pytest.raises(OverflowError):
            F.dot([1], [1], 10**400)

    def test_an_exception_of_an_iterator_reaches_the_caller(self):
        def broken():
            yield Value(1.0)
            raise LookupError("gone")

        for function, _ in OF_ONE.values():
            with pytest.raises(LookupError, match="gone"):
                function(broken())

    @pytest.mark.parametrize(
        ("args", "kwargs", "message"),
        [
            ((), {}, "needs an argument 'w'"),
            (([1.0],), {}, "needs an argument 'x'"),
            (([1.0], [1.0], 0, 0), {}, "takes at most 3 arguments, got 4"),
            (([1.0], [1.0]), {"start": 0}, "has no argument 'start'"),
            (([1.0], [1.0]), {"w": [1.0]}, "got 'w' twice"),
        ],
    )
    def test_arguments(self, args, kwargs, message):
        with pytest.raises(TypeError, match=message):
            F.dot(*args, **kwargs)

    @pytest.mark.parametrize("target", [3, -1, 10**30])
    def test_a_class_that_is_not_there(self, target):
        with pytest.raises(IndexError, match="needs a target from 0 to 2, got"):
            F.cross_entropy([1.0, 2.0, 3.0], target)

    @pytest.mark.parametrize("target", [1.0, "1", None, Value(1.0)])
    def test_a_class_that_is_no_index(self, target):
        with pytest.raises(TypeError, match="needs the index of a class, an int, as target, not a"):
            F.cross_entropy([1.0, 2.0, 3.0], target)

    def test_labels_of_a_hinge(self):
        with pytest.raises(ValueError, match=r"needs labels of -1 and 1, got 0\.0"):
            F.hinge([1.0, 2.0], [1, 0])


def test_names_and_documentation():
    for name in F.__all__:
        function = getattr(F, name)
        assert function.__name__ == name
        assert len(function.__doc__.splitlines()) > 2
        assert inspect.signature(function).parameters


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.mean(), r"mean\(\) needs an argument 'xs'"),
        (lambda: F.softmax([1.0], 2), r"softmax\(\) takes at most 1 arguments, got 2"),
        (
            lambda: F.mse_loss([1.0], [1.0], target=[2.0]),
            r"mse_loss\(\) got multiple values for argument 'target'",
        ),
        (lambda: F.hinge([1.0], label=[1]), r"hinge\(\) has no argument 'label'"),
        (
            lambda: F.rms_norm([1.0], None, "1"),
            r"rms_norm\(\)'s eps must be a real number, not 'str'",
        ),
    ],
)
def test_wrong_calls_are_named(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_a_list_that_grows_while_it_is_read_comes_to_an_end():
    class Grows:
        def __float__(self):
            xs.append(self)
            return 1.0

    numbers.Real.register(Grows)
    xs = [Grows(), Value(2.0)]
    assert F.mean(xs).data == 1.5
    assert len(xs) == 3


def test_the_first_of_two_wrong_arguments_is_the_error():
    class Raises:
        def __iter__(self):
            raise ArithmeticError("first")

    with pytest.raises(ArithmeticError, match="first"):
        F.dot(Raises(), np.ones((1, 2)))
