"""Recorded programs: what is computed, for which arguments, and what is refused."""

import copy
import locale
import math
import pickle
import random

import numpy as np
import pytest
from support.op_table import apply

import megagrad
from megagrad import Function, Value, nn, record, where
from megagrad._core import instruction_sets, ops, use_instruction_set

RNG = np.random.default_rng(7)


@pytest.fixture
def hinge():
    """A network's margin loss, with inputs x0, x1 and the label."""
    random.seed(3)
    model = nn.MLP(2, [5, 4, 1], activation="tanh")
    x0, x1, y = Value(0), Value(0), Value(0)
    return Function([x0, x1, y], (1 - y * model([x0, x1])).relu(), model.parameters()), model


def eager(model, data):
    """The losses, and the gradients by the parameters of their sum."""
    losses = [(1 - float(y) * model([float(a), float(b)])).relu() for a, b, y in data]
    model.zero_grad()
    sum(losses).backward()
    return [loss.data for loss in losses], [p.grad for p in model.parameters()]


def labelled(count):
    data = RNG.normal(size=(count, 3))
    data[:, 2] = np.sign(data[:, 2])
    return data


def test_a_network_computes_what_the_engine_does(hinge):
    f, model = hinge
    data = labelled(300)
    losses, grads = eager(model, data)
    for name in instruction_sets():
        use_instruction_set(name)
        outputs, input_grads, parameter_grads = f.vjp(data)
        np.testing.assert_allclose(outputs, losses, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(parameter_grads, grads, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(f(data), outputs)
        np.testing.assert_array_equal(f.value_and_grad(data)[1], input_grads)
    use_instruction_set(instruction_sets()[0])
    model.zero_grad()
    np.testing.assert_array_equal(f.backward(data, 0.5), f(data))
    np.testing.assert_allclose([2 * p.grad for p in model.parameters()], grads, rtol=1e-12)


def test_arrays_of_any_shape_are_taken_row_by_row():
    pixels = np.array([[Value(0), Value(0)], [Value(0), Value(0)]])
    by_rows = Function(pixels, pixels.T * [[1.0, 10.0], [100.0, 1000.0]])
    assert by_rows([2, 3, 4, 5]).tolist() == [2.0, 40.0, 300.0, 5000.0]
    assert record(lambda a, b: np.array([[a, b], [b, a * b]]), 2)([2, 3]).tolist() == [2, 3, 3, 6]
    with pytest.raises(TypeError, match=r"outputs\[2\] must be a Value, not 'int'"):
        Function(pixels, np.array([[pixels[0, 0], pixels[0, 0]], [7, pixels[0, 0]]]))


def test_shapes(hinge):
    f, _ = hinge
    count = len(f.parameters)
    assert (f.n_inputs, f.n_outputs, count) == (3, 1, 15 + 24 + 5)
    for n in (0, 1, 7, 200):
        outputs, input_grads, parameter_grads = f.vjp(labelled(n))
        assert (outputs.shape, input_grads.shape, parameter_grads.shape) == ((n,), (n, 3), (count,))
        assert f.jacobian(labelled(n)).shape == (n, 3)
        assert f.hessian(labelled(n)).shape == (n, 3, 3)
        assert f.hvp(labelled(n), labelled(n)).shape == (n, 3)
    point = labelled(1)[0]
    assert isinstance(f(point), float)
    value, grad = f.value_and_grad(point)
    assert (value, grad.shape) == (f(point), (3,))
    pair = record(lambda x, y: [x * y, x + y], 2)
    assert pair([2.0, 3.0]).tolist() == [6.0, 5.0]
    assert pair.jacobian([[2.0, 3.0]]).tolist() == [[[3.0, 2.0], [1.0, 1.0]]]
    assert pair.hessian([2.0, 3.0]).shape == (2, 2, 2)


def test_results_do_not_depend_on_threads_or_company(hinge):
    f, _ = hinge
    data = labelled(5 * f.stripe + 77)
    together = f.vjp(data, threads=1)
    for threads in (2, 3, 5):
        for ours, theirs in zip(f.vjp(data, threads=threads), together, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for cut in (f.stripe, 3 * f.stripe):
        np.testing.assert_array_equal(np.concatenate([f(data[:cut]), f(data[cut:])]), together[0])
    for i in (0, 1, 130, len(data) - 1):
        value, grad = f.value_and_grad(data[i])
        assert value == together[0][i]
        np.testing.assert_array_equal(grad, together[1][i])


@pytest.mark.parametrize("row", ops(), ids=lambda row: row.name)
def test_every_op_as_the_engine_has_it(row):
    """First derivatives as backward's, second ones as differences of the first."""
    bounds = [tuple(map(float, part.split(":"))) for part in row.domain.split()][: row.arity]
    data = np.array([[RNG.uniform(*bound) for bound in bounds] for _ in range(40)])
    leaves = [Value(math.nan) for _ in bounds]
    f = Function(leaves, apply(row, *leaves))
    outputs, grads = f.value_and_grad(data)
    for point, output, grad in zip(data.tolist(), outputs, grads, strict=True):
        operands = [Value(x) for x in point]
        node = apply(row, *operands)
        node.backward()
        assert output == pytest.approx(node.data, rel=1e-14)
        assert grad == pytest.approx([x.grad for x in operands], rel=1e-12, abs=1e-14)
    for i in range(row.arity):
        step = np.zeros(row.arity)
        step[i] = 1e-6
        slopes = (f.jacobian(data + step) - f.jacobian(data - step)) / 2e-6
        smooth = np.abs(slopes) < 1e3  # not across a kink
        np.testing.assert_allclose(
            np.where(smooth, f.hessian(data)[:, i], 0),
            np.where(smooth, slopes, 0),
            rtol=1e-5,
            atol=1e-6,
        )


def test_jvp_and_vjp_are_transposes():
    f = record(lambda x, y: [(x * y).tanh(), x / (2 + y.sin()), x**2.0], 2)
    data, tangents, seeds = (RNG.normal(size=(50, k)) for k in (2, 2, 3))
    moved = f.jvp(data, tangents)[1]
    grads = f.vjp(data, seeds)[1]
    np.testing.assert_allclose((moved * seeds).sum(1), (grads * tangents).sum(1), rtol=1e-12)
    np.testing.assert_allclose(
        np.einsum("nki,ni->nk", f.jacobian(data), tangents), moved, rtol=1e-12, atol=1e-14
    )


def test_parameters_are_read_at_each_call_or_given():
    w, b, x = Value(2.0), Value(1.0), Value(0.0)
    f = Function([x], w * x + b)
    assert f.parameters == (w, b)
    assert f([3.0]) == 7.0
    w.data = 10.0
    assert f([3.0]) == 31.0
    assert f([3.0], params=[1.0, 0.5]) == 3.5
    assert f.vjp([[3.0], [4.0]], params=[1.0, 0.5])[2].tolist() == [7.0, 2.0]
    g = Function([x], w * x + b, [b])
    w.data = -1.0
    assert g.parameters == (b,)
    assert g([3.0]) == 31.0


def test_what_depends_on_parameters_alone_is_computed_once_a_call():
    w, x = Value(3.0), Value(0.0)
    f = Function([x], w * x + 0.5 * (w * w))
    listing = str(f).splitlines()
    assert listing.index("once a call:") < listing.index("for every point:")
    assert f.vjp([[1.0], [2.0]])[2].tolist() == [3.0 + 2 * 3.0]


def test_listings_are_the_same_in_every_locale():
    x = Value(0.0)
    f = Function([x], 0.1 * x + 1234567.5)
    expected = str(f)
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "de_DE.UTF-8")
        text = str(f)
    except locale.Error:
        pytest.skip("this system has no German")
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    assert text == expected
    assert "1234567.5 + x0*0.1" in text


def test_plain_operators_sum_and_neurons_are_the_same_program():
    neuron = nn.Neuron(3, nonlin=False)
    xs = [Value(0.0) for _ in range(3)]
    by_nn = Function(xs, neuron(xs))
    by_sum = Function(xs, sum((w * x for w, x in zip(neuron.w, xs, strict=True)), neuron.b))
    by_hand = Function(
        xs, neuron.w[0] * xs[0] + neuron.w[1] * xs[1] + neuron.w[2] * xs[2] + neuron.b
    )
    for f in (by_nn, by_sum, by_hand):
        assert (f.counts["recorded"], f.counts["fused"], f.counts["instructions"]) == (6, 5, 1)


def test_counts_add_up():
    f = record(lambda x: (x.exp() + x.exp()) * (Value(2.0) * 1) + (3 * Value(1.0)), 1, [])
    counts = f.counts
    gone = sum(counts[name] for name in ("folded", "merged", "dropped", "fused"))
    assert counts["recorded"] - gone == counts["instructions"]
    assert counts["merged"] == 1
    assert counts["folded"] == 2


def test_where_keeps_the_choice_open():
    f = record(lambda x, y: where(x.less(y), 2 * x, y.log()), 2)
    outputs, grads = f.value_and_grad([[1.0, 2.0], [3.0, 1.0], [-5.0, -1.0]])
    assert outputs.tolist() == [2.0, 0.0, -10.0]
    assert grads.tolist() == [[2.0, 0.0], [0.0, 1.0], [2.0, 0.0]]
    x, infinite = Value(1.0), Value(math.inf)
    chosen = where(True, x, infinite)
    chosen.backward()
    assert (chosen.data, x.grad, infinite.grad) == (1.0, 1.0, 0.0)
    assert math.copysign(1, where(1.0, -0.0, 5.0).data) == -1


def test_a_rule_of_the_users_own_cannot_be_recorded():
    x = Value(2.0)
    own = Value(4.0, (x,), "square", "mine")
    own._backward = lambda: None
    with pytest.raises(ValueError, match=r"_op 'square' and label 'mine'"):
        Function([x], own + 1)


@pytest.mark.parametrize(
    ("inputs", "outputs", "error", "message"),
    [
        ("x", "x", TypeError, r"inputs must be a list of Values"),
        ("[1.0]", "x", TypeError, r"inputs\[0\] must be a Value, not 'float'"),
        ("[x, x]", "x", ValueError, r"inputs\[1\] is the same Value as inputs\[0\]"),
        ("[x * 2]", "x", ValueError, r"inputs\[0\] must be a leaf"),
        ("[x]", "[]", ValueError, "at least one Value"),
        ("[x]", "3.0", TypeError, "outputs must be a list of Values"),
        ("[x]", "x, [x]", ValueError, r"parameters\[0\] is the same Value as inputs\[0\]"),
    ],
)
def test_what_is_no_graph_is_refused(inputs, outputs, error, message):
    with pytest.raises(error, match=message):
        eval(f"Function({inputs}, {outputs})", {"Function": Function, "x": Value(1.0)})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f([1.0]), ValueError, r"data must have shape \(n, 2\) or \(2,\), not \(1,\)"),
        (lambda f: f([[[1.0, 2.0]]]), ValueError, r"\(n, 2\)"),
        (lambda f: f([1j, 2]), TypeError, "data must be real numbers, not complex128"),
        (lambda f: f(["a", "b"]), TypeError, "data must be real numbers"),
        (lambda f: f([Value(1.0), 2.0]), TypeError, "data must be real numbers, not object"),
        (lambda f: f([1, 2], threads=0), ValueError, "threads must be from 1"),
        (lambda f: f([1, 2], params=[1.0]), ValueError, r"params must have shape \(0,\)"),
        (lambda f: f.vjp([[1, 2]], [1.0, 2.0]), ValueError, r"seeds must have shape \(1,\)"),
        (lambda f: f.jvp([1, 2], None), TypeError, "tangents must be real numbers"),
        (lambda f: f.hvp([1, 2], [1.0]), ValueError, r"v must have shape \(2,\)"),
        (lambda f: f(), TypeError, "needs an argument 'data'"),
        (lambda f: f([1, 2], speed=3), TypeError, "has no argument 'speed'"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(record(lambda x, y: x * y, 2))


def test_numbers_of_any_kind_are_converted():
    f = record(lambda x, y: x - 2 * y, 2)
    want = f(np.arange(8.0).reshape(4, 2))
    whole = np.arange(8).reshape(4, 2)
    read_only = np.arange(8.0).reshape(4, 2)
    read_only.flags.writeable = False
    misaligned = np.frombuffer(b"x" + np.arange(8.0).tobytes(), np.uint8)[1:].view(float)
    for data in (
        whole.tolist(),
        whole,
        whole.astype(np.float32),
        whole.astype(">f8"),
        np.asfortranarray(whole.astype(float)),
        np.arange(16.0).reshape(4, 4)[:, ::2] / 2,
        read_only,
        misaligned.reshape(4, 2),
    ):
        np.testing.assert_array_equal(f(data), want)


def test_record_takes_arguments_or_a_list():
    assert record(lambda x, y: x + y, 2)([1.0, 2.0]) == 3.0
    assert record(lambda xs: xs[0] + xs[1], 2)([1.0, 2.0]) == 3.0
    assert record(nn.MLP(2, [1]), 2).n_inputs == 2
    with pytest.raises(TypeError, match="fn must take 3 Values"):
        record(lambda x, y: x, 3)
    with pytest.raises(ValueError, match="n_inputs must be at least 0"):
        record(lambda: Value(1.0), -1)


def test_copies_pickles_and_files(hinge, tmp_path):
    f, model = hinge
    data = labelled(20)
    want = f.vjp(data)
    g, again = pickle.loads(pickle.dumps((f, model)))
    again.parameters()[0].data += 1.0  # shared with g, as it was with f
    assert not np.array_equal(g(data), want[0])
    assert copy.copy(f).parameters == f.parameters
    f.save(tmp_path / "f.mg")
    for other in (copy.copy(f), copy.deepcopy(f), Function.load(tmp_path / "f.mg")):
        assert str(other) == str(f)
        for ours, theirs in zip(other.vjp(data), want, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_broken_file_is_refused(tmp_path):
    path = tmp_path / "f.mg"
    weight, bias = Value(0.75), Value(0.25)
    record(lambda x, y: (weight * x * y).tanh() + 2 * x + bias, 2).save(path)
    content = path.read_bytes()
    for i in range(len(content)):
        flipped = content[:i] + bytes([content[i] ^ 1 << i % 8]) + content[i + 1 :]
        for broken in (content[:i], flipped):
            path.write_bytes(broken)
            with pytest.raises(ValueError, match="not a saved"):
                Function.load(path)


def test_extremes_follow_ieee():
    f = record(lambda x: [x.log(), 1 / x, x.exp()], 1)
    out = f([[0.0], [-1.0], [1000.0], [math.inf]])
    assert out[0].tolist() == [-math.inf, math.inf, 1.0]
    assert math.isnan(out[1][0])
    assert out[2][2] == math.inf
    assert out[3].tolist() == [math.inf, 0.0, math.inf]


def test_outputs_may_be_leaves_and_come_twice():
    x, w = Value(0.0), Value(4.0)
    f = Function([x], [x, w, x])
    assert f([[1.0], [2.0]]).tolist() == [[1.0, 4.0, 1.0], [2.0, 4.0, 2.0]]
    _, grads, parameter_grads = f.vjp([[1.0], [2.0]], [[1, 10, 100], [2, 20, 200]])
    assert (grads.tolist(), parameter_grads.tolist()) == ([[101.0], [202.0]], [30.0])
    nothing = Function([], w * w)
    assert nothing(np.empty((3, 0))).tolist() == [16.0] * 3
    assert nothing.vjp(np.empty((3, 0)))[2].tolist() == [24.0]


def test_it_is_where_the_documentation_says():
    assert megagrad.Function is Function
    assert megagrad.record is record


def test_a_number_is_no_path(tmp_path):
    """open() takes one for a file that someone else has opened, and closes it afterwards."""
    f = record(lambda x: x * 2, 1)
    with (tmp_path / "mine").open("w") as mine:
        for call in (f.save, Function.load):
            with pytest.raises(TypeError, match=r"not '?int"):
                call(mine.fileno())
        mine.write("still open")


def test_a_label_that_is_no_text():
    x = Value(1.0, label="\ud800")
    y = x * 2
    y.label = "\ud800"
    with pytest.raises(ValueError, match=r"inputs\[0\] must be a leaf.*label '\\ud800'"):
        Function([y], y)


def test_iterables_that_change_what_came_before():
    x, y = Value(1.0), Value(2.0)

    def parameters():
        x.__init__(3.0, (y,), (1.0,))
        yield y

    with pytest.raises(ValueError, match=r"inputs\[0\] must be a leaf"):
        Function([x], y * 2, parameters())


@pytest.mark.parametrize("threads", [2**64, -(2**64), 0, 4097])
def test_a_number_of_threads_that_is_out_of_range(threads):
    with pytest.raises(ValueError, match="threads must be from 1 to 4096"):
        record(lambda x: x * 2, 1)([1.0], threads=threads)


def test_what_numpy_refuses_is_named():
    f = record(lambda x, y: x * y, 2)
    with pytest.raises(ValueError, match="inhomogeneous") as caught:
        f([[1.0], [1.0, 2.0]])
    assert caught.value.__notes__ == ["while NumPy made an array of data"]
    with pytest.raises(TypeError, match="threads must be an integer or None, not 'str'"):
        f([1.0, 2.0], threads="1")


@pytest.mark.parametrize(
    ("power", "text"), [(0, "outputs: 1"), (1, "outputs: x0"), (2, "x0 * x0"), (-1, "1 / x0")]
)
def test_powers_that_are_something_simpler(power, text):
    f = record(lambda x: x**power, 1)
    assert text in str(f)
    value, grad, _ = f.vjp([4.0])
    assert (value, grad[0]) == (4.0**power, power * 4.0 ** (power - 1))
