"""Nothing that depends on an input is frozen in silence while record() runs."""

import copy
import gc
import math
import os
import pickle
import threading

import numpy as np
import pytest
from support.processes import printed
from support.trees import nodes_below

from megagrad import Function, Value, optim, record, where
from megagrad import functional as F

READS = {
    "data": lambda x: x * x.data,
    "grad": lambda x: x * x.grad,
    "of what is computed": lambda x: x * (x + 1).tanh().data,
    "of a sum": lambda x: x * F.sum([x, 1.0, 2.0]).data,
    "getter": lambda x: x * Value.data.__get__(x),
    "less": lambda x: x if x < 0 else -x,
    "greater": lambda x: x if x >= 0 else -x,
    "max": lambda x: max(x, 2 * x),
    "sorted": lambda x: sorted([Value(1.0), x]).pop(),
    "truth": lambda x: x if x.less(0) else -x,
    "np.where": lambda x: np.where(x.less(0), x, -x).item(),
    "np.maximum of an array": lambda x: np.maximum(np.array([x, x]), 0)[0],
    "float": lambda x: x * float(x),
    "int": lambda x: x * int(x),
    "round": lambda x: x * round(x),
    "floor": lambda x: x * math.floor(x),
    "local gradients": lambda x: x * (x * x)._local_grads[0],
    "backward": lambda x: (x * x).backward(),
    "chain rule": lambda x: (x * x)._backward(),
    "write": lambda x: setattr(x, "data", 1.0),
    "pickle": pickle.dumps,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("name", READS)
def test_reading_what_depends_on_an_input_is_refused(name):
    with pytest.raises(TypeError):
        record(READS[name], 1)
    assert Value(2.0).data == 2.0  # and the recording is over


def test_the_message_names_the_way_out():
    with pytest.raises(TypeError, match=r"where\(\), maximum\(\).*x\.less\(y\).*value_and_grad"):
        record(lambda x: x * x.data, 1)


def test_what_does_not_depend_on_an_input_can_be_read_and_all_be_printed():
    parameter = Value(3.0)

    def fn(x):
        assert all("nan" in text for text in (f"{x}", repr(x), str(x + 1)))
        y = parameter * 2
        y.backward()
        return x * y.data * parameter.grad if y > 1 and y.greater(1) else x

    assert record(fn, 1)([1.0]) == 12.0


def test_recordings_within_recordings_and_after_errors():
    kept = []

    def outer(x):
        kept.append(x)
        inner = record(lambda y: y * 2, 1)
        with pytest.raises(TypeError):
            record(lambda y: y * x.data, 1)
        with pytest.raises(ZeroDivisionError):
            record(lambda y: 1 / 0, 1)
        with pytest.raises(TypeError, match="frozen"):
            x.data  # noqa: B018
        return x * inner([2.0])

    assert record(outer, 1)([3.0]) == 12.0
    assert math.isnan(kept[0].data)


def test_recordings_on_threads():
    barrier = threading.Barrier(2)
    results = []

    def fn(x):
        barrier.wait()
        try:
            x.data  # noqa: B018
        except TypeError:
            results.append(True)
        barrier.wait()
        return x * 2

    threads = [threading.Thread(target=record, args=(fn, 1)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True, True]


def test_the_truth_of_comparisons():
    x = Value(1.0)
    assert not x.less(0)
    assert x.greater(0)
    assert x.less_equal(1)
    assert not x.greater_equal(2)
    assert Value(0.0)
    assert x - 1


def test_numpys_choices_are_ops():
    f = record(lambda a, b: [np.maximum(a, b), np.minimum(1.5, b), np.less(a, b) * 1.0], 2)
    assert f([1.0, 2.0]).tolist() == [2.0, 1.5, 1.0]
    assert f([2.0, 1.0]).tolist() == [2.0, 1.0, 0.0]
    x = Value(1.0)
    np.maximum(x, 1.0).backward()
    assert x.grad == 0.5
    assert (np.less(x, 3).data, np.greater(3, x).data) == (1.0, 1.0)
    assert isinstance(np.float64(3) > x, bool | np.bool_)


def test_numpys_clip_is_made_of_ops():
    f = record(lambda x: [np.clip(x, -1, 2), np.clip(x, 0, None), np.clip(x, None, a_max=1)], 1)
    assert f([[-3.0], [1.5], [5.0]]).tolist() == [[-1, 0, -3], [1.5, 1.5, 1], [2, 5, 1]]
    assert isinstance(np.clip(Value(3.0), 0, 1), Value)
    x = Value(1.0)
    np.sum(np.clip(x, 0, np.array([0.5, 1.0, 2.0]))).backward()
    assert x.grad == 1.5  # equal ones share the gradient
    for bad in (np.timedelta64(3, "ns"), np.ma.masked, [np.timedelta64(3, "ns")]):
        with pytest.raises(TypeError, match=r"unit|mask"):
            np.clip(x, bad, 9)
        with pytest.raises(TypeError, match=r"unit|mask"):
            np.maximum(x, bad)


def test_what_depends_on_an_input_has_no_error_yet():
    f = record(
        lambda x: [
            1 / x.greater(0),
            x.greater(0).log(),
            where(x.greater(0), x, 0.0).log(),
            where(x.less(700), x, 1000.0).exp(),
        ],
        1,
    )
    assert f([2.0]).tolist() == [1.0, 0.0, math.log(2), pytest.approx(math.exp(2))]
    with pytest.raises(ZeroDivisionError):
        record(lambda x: x + 1 / Value(0.0), 1)
    with pytest.raises(ZeroDivisionError):
        1 / Value(1.0).greater(2)


def test_a_function_of_inputs_cannot_be_called_or_saved_while_recording(tmp_path):
    def fn(use):
        def call(x):
            a = Value(1.0)
            use(Function([a], a * x, [x]))
            return x

        return call

    calls = [
        lambda f: f([1.0]),
        lambda f: f.vjp([1.0]),
        lambda f: f.jvp([1.0], [1.0]),
        lambda f: f.backward([1.0]),
        lambda f: f.value_and_grad([1.0]),
        lambda f: f.jacobian([1.0]),
        lambda f: f.hessian([1.0]),
        lambda f: f.hvp([1.0], [1.0]),
        lambda f: f.save(tmp_path / "f"),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="frozen"):
            record(fn(call), 1)
    record(fn(lambda f: f([1.0], params=[2.0])), 1)
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    "step",
    [
        lambda x: optim.SGD([x], lr=0.1).step(),
        lambda x: optim.Adam([x]).step(),
        lambda x: optim.clip_grad_norm_([x], 1.0),
        lambda x: optim.clip_grad_value_([x], 1.0),
    ],
)
def test_inputs_cannot_be_trained_while_recording(step):
    def fn(x):
        step(x)
        return x * 2

    with pytest.raises(TypeError, match="frozen"):
        record(fn, 1)


# --- constants ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: F.mse_loss([x], [0.5]),
        lambda x: F.softmax([x, 0.5])[0],
        lambda x: F.logsumexp([x, 0.5]),
        lambda x: F.binary_cross_entropy_with_logits([x], [0.5]),
        lambda x: F.hinge([x, 1.0], [1, -1]),
        lambda x: F.rms_norm([x, 0.5], [2.0, 3.0])[0],
        lambda x: F.dot([x, 2.0], [0.5, 3.0], 1.0),
        lambda x: F.sum([F.dot([2.0], [0.5]), x, F.sum([1, 2])]),
        lambda x: where(x.less(0), x, 5.0),
        lambda x: where(x.less(0), 5.0, x),
        lambda x: np.maximum(3.0, x),
        lambda x: np.clip(3.0, x, 4.0),
    ],
)
@pytest.mark.parametrize("copied", [lambda x: x, lambda x: pickle.loads(pickle.dumps(x))])
def test_plain_numbers_are_constants(fn, copied):
    x = Value(1.0)
    x, y = copied([x, fn(x)])
    before = Function([x], y)
    for node in nodes_below(y):
        assert isinstance(node._children, tuple)  # which makes leaves of numbers
    x, y = copied([x, y])
    after = Function([x], y)
    assert before.parameters == after.parameters == ()
    assert before([[0.5], [7.0]]).tolist() == after([[0.5], [7.0]]).tolist()


def test_labels_that_are_values_take_part():
    x, y = Value(0.5), Value(1.0)
    f = Function([x, y], F.hinge([x], [y]))
    assert f([[1.0, -1.0], [-3.0, -1.0]]).tolist() == [2.0, 0.0]
    assert record(lambda x, y: F.hinge([x], [y]), 2)([[1.0, -1.0], [-3.0, -1.0]]).tolist() == [2, 0]
    with pytest.raises(ValueError, match="labels of -1 and 1"):
        F.hinge([x], [Value(0.0)])


def test_numpys_choices_between_arrays_and_a_value_are_ops():
    f = record(lambda x: list(np.maximum(np.array([0.0, 3.0]), x)), 1)
    assert f([[-3.0], [1.5], [5.0]]).tolist() == [[0, 3], [1.5, 3], [5, 5]]
    f = record(lambda x: list(np.clip(np.array([0.0, 3.0]), x, 4)), 1)
    assert f([[-3.0], [1.5], [5.0]]).tolist() == [[0, 3], [1.5, 3], [4, 4]]


@pytest.mark.parametrize(
    "choose",
    [
        lambda x, y: np.maximum(np.array([x, y]), 0.0),
        lambda x, y: np.array([x, y]).clip(0, 1),
        lambda x, y: np.fmax(x, y),
        lambda x, y: np.where(x < y, x, y),
        lambda x, y: np.sort([x, y]),
        lambda x, y: np.max([x, y]),
        lambda x, y: np.argmax([x, y]),
        lambda x, y: np.array([x, y]) > 0,
        lambda x, y: np.float64(3) > x,
        lambda x, y: np.sign(x),
    ],
)
def test_what_numpy_would_choose_by_data_is_refused(choose):
    with pytest.raises(TypeError, match="frozen"):
        record(choose, 2)


def test_what_is_more_than_a_number_is_refused():
    span, date = np.timedelta64(3, "ns"), np.datetime64("2020-01-01")
    masked = np.ma.array([1.0, 2.0], mask=[0, 1])
    f = Function([x := Value(0.0)], x * 2)
    v = Value(1.0)
    for bad in (span, date, np.array(span), masked, np.ma.masked, np.ma.array(1.0, mask=True)):
        for door in (
            Value,
            lambda bad: v + bad,
            lambda bad: setattr(v, "data", bad),
            lambda bad: setattr(v, "grad", bad),
            lambda bad: v.maximum(bad),
            lambda bad: F.mean([v, bad]),
            lambda bad: F.sum([v, bad]),
            lambda bad: F.mse_loss([v], [bad]),
            lambda bad: f([bad]),
            lambda bad: f.jvp([1.0], [bad]),
            lambda bad: Value(1.0, (v,), (bad,)),
        ):
            with pytest.raises((TypeError, ValueError)):
                door(bad)
    for bad in (span, np.array([3], "m8[s]")):
        with pytest.raises(TypeError):
            bad + v
    with pytest.raises(TypeError, match="mask"):
        f(masked)
    assert v.data == 1.0


def test_comparisons_by_numpy_with_lists_are_of_data():
    assert np.greater(Value(2.0), [1, 3]).tolist() == [True, False]
    assert np.greater([1, 3], Value(2.0)).tolist() == [False, True]
    assert np.clip(Value(2.0), 0, 1, out=None).data == 1.0


@pytest.mark.parametrize("which", range(6))
def test_parameters_are_owned_before_the_collector_runs(which):
    """Whichever of its runs it is in which the graph is taken apart."""
    x = Value(0.0)
    weights = [Value(float(i)) for i in range(40)]
    out = F.dot(weights, [x * 1.0] * 40)
    weights.clear()
    runs, made = [], []

    def callback(phase, _):
        runs.append(phase)
        if len(runs) == 2 * which + 1:
            out.__init__(0.0)
            made.extend(Value(-1.0) for _ in range(50))  # where freed ones were

    gc.collect()
    threshold = gc.get_threshold()
    gc.callbacks.append(callback)
    gc.set_threshold(1, 1, 1)
    try:
        f = Function([x], out)
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(callback)
    assert [parameter.data for parameter in f.parameters] in ([0.0], [float(i) for i in range(40)])


def test_a_node_that_cannot_be_recorded_is_held_while_it_is_described():
    class Cuts(Value):
        @property
        def label(self):
            out.__init__(0.0)
            made.extend(Value(-1.0) for _ in range(50))
            return "cut"

    made = []
    x = Value(1.0)
    out = Cuts(2.0, (x,)) * 2
    out._children[0]._backward = lambda: None
    with pytest.raises(ValueError, match=r"Value\(data=2.0.* and label 'cut'"):
        Function([x], out)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_a_recording_of_another_thread_does_not_go_on_in_a_forked_process():
    program = """
    import os, threading
    from megagrad import Value, record
    inside, may_end = threading.Event(), threading.Event()
    kept = []
    def fn(x):
        kept.append(x)
        inside.set()
        may_end.wait(60)
        return x
    thread = threading.Thread(target=record, args=(fn, 1))
    thread.start()
    inside.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(0 if kept[0].data != 1.0 else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    may_end.set()
    thread.join()
    """
    assert printed(program, "-W", "ignore::DeprecationWarning") == ["0"]
