"""no_grad: the numbers of the same computation, as leaves, on the thread that is within it."""

import copy
import gc
import operator
import pickle
import threading
import weakref

import numpy as np
import pytest

from megagrad import Value, _core, functional, nn, no_grad, optim, record, where


def is_leaf(value):
    return value._prev == set() and value._op == ""


COMPUTATIONS = {
    **{
        op.__name__: lambda x, y, op=op: [op(x, y), op(x, 2.0), op(2.0, y)]
        for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
    },
    "signs": lambda x, y: [-x, abs(y)],
    "maximum": lambda x, y: [x.maximum(y), x.clip(0, 1)],
    "unary": lambda x, y: [x.exp(), y.tanh(), x.log(), y.relu(), x.detach()],
    "parameter": lambda x, y: [(-x).leaky_relu(0.25)],
    "where": lambda x, y: [where(x.less(y), x, y)],
    "dot": lambda x, y: [functional.dot([x, y], [y, 2.0], x), functional.sum([x, y])],
    "linear": lambda x, y: functional.linear([x, 1.0], [[x, y], [y, y]], [x, 0.5]),
    "softmax": lambda x, y: [*functional.softmax([x, y]), functional.logsumexp([x, y])],
    "losses": lambda x, y: [
        functional.mse_loss([x, y], [y, 1.0]),
        functional.cross_entropy([x, y], 1),
        functional.huber_loss([x], [y]),
        functional.hinge([x, y], [1, -1]),
    ],
    "neuron": lambda x, y: [filled(nn.Neuron(2))([x, y])],
    "MLP": lambda x, y: filled(nn.MLP(2, [3, 2], activation="tanh"))([x, y]),
    "Linear": lambda x, y: filled(nn.Linear(2, 2))([x, y]).tolist(),
    "numpy": lambda x, y: [np.maximum(x, y), *np.exp([x, y]), np.sum([x, y])],
    "custom": lambda x, y: [Value(x.data * 2, (x,), (2.0,))],
}


def filled(module):
    for i, parameter in enumerate(module.parameters()):
        parameter.data = (-1) ** i * 0.25 + i / 8
    return module


@pytest.mark.parametrize("compute", COMPUTATIONS.values(), ids=COMPUTATIONS)
def test_the_numbers_are_the_same_and_results_are_leaves(compute):
    x, y = Value(0.5), Value(3.0)
    outside = compute(x, y)
    with no_grad():
        inside = compute(x, y)
    assert [v.data for v in inside] == [v.data for v in outside]
    assert all(map(is_leaf, inside))
    assert not any(map(is_leaf, outside))


def test_backward_ends_at_a_result():
    x = Value(3.0)
    with no_grad():
        y = x * x
    y.backward()
    assert (y.grad, x.grad) == (1.0, 0.0)
    (y * x).backward()
    assert (y.grad, x.grad) == (4.0, 9.0)


def test_operands_and_a_result_in_a_loop_are_freed():
    class Watched(Value):
        pass

    start = Watched(1.0)
    watch = weakref.ref(start)
    with no_grad():
        total = start * 2
        for _ in range(10):
            total = total + 1.0
        del start
        gc.collect()
        assert watch() is None
    assert total.data == 12.0


@pytest.mark.parametrize("name", ["less", "less_equal", "greater", "greater_equal"])
@pytest.mark.parametrize("other", [2.0, 3.0, 4.0, Value(2.0), Value(3.0), Value(4.0)])
def test_a_comparison_is_still_true_or_false(name, other):
    x = Value(3.0)
    expected = bool(getattr(x, name)(other))
    with no_grad():
        result = getattr(x, name)(other)
    assert bool(result) is expected
    assert result.data == float(expected)
    assert x not in result._prev
    assert other not in result._prev
    assert all(map(is_leaf, result._prev))
    assert bool(copy.deepcopy(result)) is bool(pickle.loads(pickle.dumps(result))) is expected


def test_an_operator_with_assignment_makes_a_new_value():
    """As everywhere: PyTorch would change the parameter, and with it a bias that a sum starts from."""
    p = before = Value(1.0)
    with no_grad():
        p += 1
    assert (p.data, before.data) == (2.0, 1.0)
    assert is_leaf(p)
    with no_grad():
        before.data -= 0.5
    assert before.data == 0.5


def test_it_may_be_nested_and_used_again():
    x = Value(1.0)
    context = no_grad()
    with context:
        with context, no_grad():
            assert is_leaf(x + 1)
        assert is_leaf(x + 1)
    assert not is_leaf(x + 1)
    with context:
        assert is_leaf(x + 1)
    assert not is_leaf(x + 1)


def test_an_exception_ends_it():
    x = Value(0.0)
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / x
    assert not is_leaf(x + 1)


def test_it_ends_where_it_began():
    with pytest.raises(RuntimeError, match="on the thread that it began on"):
        no_grad().__exit__(None, None, None)
    assert not is_leaf(Value(1.0) + 1)


@pytest.mark.parametrize("decorate", [no_grad, no_grad()], ids=["bare", "called"])
def test_a_decorator_keeps_the_functions_name_and_arguments(decorate):
    @decorate
    def measure(x, *, factor):
        """Says what it does."""
        return measure(x, factor=None) if factor else x * 2

    x = Value(3.0)
    assert is_leaf(measure(x, factor=2))
    assert (measure.__name__, measure.__doc__) == ("measure", "Says what it does.")
    assert not is_leaf(x * 2)


def test_a_decorated_method_is_one():
    class Model(nn.Module):
        def __init__(self):
            self.w = Value(2.0)

        @no_grad()
        def predict(self, x):
            return self.w * x

    result = Model().predict(3.0)
    assert is_leaf(result)
    assert result.data == 6.0


def test_what_cannot_be_decorated_is_refused():
    async def coroutine():
        pass

    async def items():
        yield 1

    for function in (coroutine, items):
        with pytest.raises(TypeError, match="no async one and no generator; use `with no_grad"):
            no_grad()(function)
    for other in (5, Value(1.0), nn.MLP):
        with pytest.raises(TypeError, match="no_grad must decorate a function, not "):
            no_grad(other)


def test_it_concerns_its_own_thread_only():
    x = Value(1.0)
    within, seen, done = threading.Event(), [], threading.Event()

    def other():
        within.wait(30)
        seen.append(is_leaf(x + 1))
        with no_grad():
            seen.append(is_leaf(x + 1))
        seen.append(is_leaf(x + 1))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        within.set()
        assert done.wait(30)
        assert is_leaf(x + 1)
    thread.join()
    assert seen == [False, True, False]
    assert not is_leaf(x + 1)


def test_a_graph_from_outside_stays_one():
    """Unfolded, copied, pickled, walked backward."""
    x, y = Value(2.0), Value(3.0)
    loss = functional.dot([x, y], [y, 4.0])
    mine = Value(6.0, (x,), (3.0,))
    with no_grad():
        assert {v.data for v in loss._prev} == {6.0, 12.0}
        copied = copy.deepcopy(loss)
        assert {v.data for v in copied._prev} == {6.0, 12.0}
        restored = pickle.loads(pickle.dumps(mine))
        assert [v.data for v in restored._children] == [2.0]
        loss.backward()
    assert (x.grad, y.grad) == (3.0, 6.0)


def test_training_steps_are_made_outside_and_measured_inside():
    model = filled(nn.MLP(2, [3, 1], activation="tanh"))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        loss = functional.mse_loss([model([1.0, 2.0])], [1.0])
        optimizer.zero_grad()
        loss.backward()
        with no_grad():
            optimizer.step()
            losses.append(functional.mse_loss([model([1.0, 2.0])], [1.0]).item())
    assert losses[2] < losses[1] < losses[0]


def test_a_rule_of_ones_own_is_dropped_with_the_operands():
    x = Value(3.0)
    outside = x * 2
    with no_grad():
        out = Value(9.0, (x,), "square", "mine")
        out._backward = lambda: pytest.fail("a leaf has no rule")
        outside._backward = lambda: setattr(x, "grad", 7.0)
    assert is_leaf(out)
    assert out.label == "mine"
    out.backward()
    outside.backward()
    assert x.grad == 7.0
    with no_grad(), pytest.raises(TypeError, match="_children must be Values"):
        Value(1.0, (1.0,))
    with no_grad(), pytest.raises(TypeError, match="_backward must be callable"):
        out._backward = 5


def test_record_inside_makes_the_program_that_it_makes_outside():
    w = Value(2.0)
    with no_grad():
        f = record(lambda x: (w * x).tanh() + x, 1)
        assert is_leaf(w * 2)
    g = record(lambda x: (w * x).tanh() + x, 1)
    assert str(f) == str(g)
    value, gradients = f.value_and_grad([0.5])
    assert (value, *gradients) == (g([0.5]), *g.value_and_grad([0.5])[1])


def test_inside_a_recorded_function_it_detaches():
    w = Value(2.0)

    def with_no_grad(x):
        with no_grad():
            scale = (x * w).exp()
        return scale * x

    f = record(with_no_grad, 1)
    g = record(lambda x: (x * w).exp().detach() * x, 1)
    for point in (0.25, 0.5):
        value, gradient = f.value_and_grad([point])
        assert (value, *gradient) == (g([point]), *g.value_and_grad([point])[1])
        assert value == pytest.approx(with_no_grad(Value(point)).data, rel=1e-15)


def test_inside_a_recorded_function_comparisons_stay_open():
    @no_grad()
    def larger(x, y):
        return x.greater(y)

    f = record(lambda x, y: where(larger(x, y), x, y * 2), 2)
    assert f([[3.0, 1.0], [1.0, 3.0]]).tolist() == [3.0, 6.0]

    def branches(x):
        with no_grad():
            return x if x.greater(0.0) else -x

    with pytest.raises(TypeError, match="frozen into the program"):
        record(branches, 1)


def test_an_exception_while_recording_leaves_no_mode_behind():
    with pytest.raises(ZeroDivisionError), no_grad():
        record(lambda x: 1 / Value(0.0), 1)
    assert not is_leaf(Value(1.0) + 1)
    with no_grad():
        with pytest.raises(KeyError):
            record(lambda x: {}["no"], 1)
        assert is_leaf(Value(1.0) + 1)


def test_a_thread_that_ends_within_it_does_not_concern_others():
    thread = threading.Thread(target=_core.enter_no_grad)
    thread.start()
    thread.join()
    assert not is_leaf(Value(1.0) + 1)
