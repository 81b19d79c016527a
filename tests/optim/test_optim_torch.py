"""PyTorch as the reference of the optimisers, where it is installed (the extra test-torch)."""

import copy
import math
import random

import pytest

from megagrad import Value, optim

torch = pytest.importorskip("torch")

COUNT = 70  # more than are gathered at once
STEPS = 1000

OPTIMISERS = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1, "nesterov": True}),
    ("SGD", {"lr": 0.01, "weight_decay": 0.1}),
    ("SGD", {"lr": 1e-4, "momentum": 0.5, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.3, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("Adam", {"lr": 0.001, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.0}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "betas": (0.3, 0.9), "eps": 1e-3, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("NAdam", {"lr": 0.001, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.001, "alpha": 0.5, "eps": 1e-3}),
    ("RMSprop", {"lr": 0.001, "alpha": 0.3, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.001, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.001, "centered": True, "weight_decay": 0.1, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.001, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "eps": 1e-3}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adagrad", {"lr": 0.01, "weight_decay": 0.1, "maximize": True}),
]


@pytest.fixture(autouse=True)
def doubles_throughout():
    """NAdam keeps its product of momenta in PyTorch's default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def problem():
    """Where the parameters begin, and a bowl's steepness and lowest point for each of them."""
    draw = random.Random(1)
    start = [draw.choice((-1, 1)) * draw.uniform(2, 3) for _ in range(COUNT)]
    steep = [draw.uniform(0.5, 2) for _ in range(COUNT)]
    lowest = [x * draw.uniform(1, 2) for x in start]  # so that no parameter comes near 0
    return start, steep, lowest


def same(actual, expected):
    return actual == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize(("name", "options"), OPTIMISERS, ids=str)
def test_a_thousand_steps(name, options):
    start, steep, lowest = problem()
    ours = [Value(x) for x in start]
    theirs = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    factors, targets = (torch.tensor(x, dtype=torch.float64) for x in (steep, lowest))
    optimizer = getattr(optim, name)(ours, **options)
    reference = getattr(torch.optim, name)([theirs], **options)
    noise = random.Random(2)
    for step in range(STEPS):
        jolt = noise.uniform(-0.1, 0.1)
        for value, factor, target in zip(ours, steep, lowest, strict=True):
            value.grad = factor * (value.data - target) + jolt
        theirs.grad = factors * (theirs.detach() - targets) + jolt
        optimizer.step()
        reference.step()
        assert same([value.data for value in ours], theirs.tolist()), step
    assert [value.data for value in ours] != start


def _two(parameters):
    return [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.1}]


STATES = [
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("AdamW", {"weight_decay": 0.1}),
    ("NAdam", {"momentum_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
]


class Pair:
    """Our optimiser and PyTorch's, of equal parameters in two groups."""

    def __init__(self, name, options):
        self.ours = [Value(1.0), Value(2.0), Value(3.0)]
        self.theirs = [torch.tensor(v.data, requires_grad=True) for v in self.ours]
        self.optimizer = getattr(optim, name)(_two(self.ours), **options)
        self.reference = getattr(torch.optim, name)(_two(self.theirs), **options)

    def step(self):
        for number, (value, tensor) in enumerate(zip(self.ours, self.theirs, strict=True)):
            value.grad = 0.5 * value.data - number
            tensor.grad = 0.5 * tensor.detach() - number
        self.optimizer.step()
        self.reference.step()

    def data(self):
        return [value.data for value in self.ours], [tensor.item() for tensor in self.theirs]


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize(("name", "options"), STATES, ids=str)
def test_state_dicts_have_pytorchs_form(name, options, steps):
    pair = Pair(name, options)
    for _ in range(steps):
        pair.step()
    state, expected = pair.optimizer.state_dict(), pair.reference.state_dict()
    assert list(state["state"]) == list(expected["state"])
    for number, row in expected["state"].items():
        assert state["state"][number] == pytest.approx({k: v.item() for k, v in row.items()})
    for group, their in zip(state["param_groups"], expected["param_groups"], strict=True):
        assert {key: their[key] for key in group} == group


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize(("name", "options"), STATES, ids=str)
def test_states_are_exchanged_with_pytorch(name, options, steps):
    pair = Pair(name, options)
    for _ in range(steps):
        pair.step()
    ours, theirs = copy.deepcopy((pair.optimizer.state_dict(), pair.reference.state_dict()))
    for row in ours["state"].values():
        row.update({key: torch.tensor(number) for key, number in row.items()})
    pair.optimizer.load_state_dict(theirs)
    pair.reference.load_state_dict(ours)
    for _ in range(5):
        pair.step()
        actual, expected = pair.data()
        assert same(actual, expected)


@pytest.mark.parametrize("order", [2.0, 1.0, 3.0, 0.5, 0.0, math.inf, -math.inf, "inf", -1.0])
@pytest.mark.parametrize("limit", [0.01, 1.0, 1e6])
@pytest.mark.parametrize("odd", [0.25, 0.0, math.inf, math.nan])
def test_clipping_by_norm(order, limit, odd):
    grads = [0.3, -1.5, 2.0, odd, -0.125]
    ours = [Value(0.0) for _ in grads]
    theirs = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in grads]
    for value, tensor, grad in zip(ours, theirs, grads, strict=True):
        value.grad = grad
        tensor.grad = torch.tensor(grad, dtype=torch.float64)
    norm = optim.clip_grad_norm_(ours, limit, norm_type=order)
    expected = torch.nn.utils.clip_grad_norm_(theirs, limit, norm_type=order)
    approx = {"rel": 1e-12, "abs": 0, "nan_ok": True}
    assert norm == pytest.approx(expected.item(), **approx)
    assert [v.grad for v in ours] == pytest.approx([t.grad.item() for t in theirs], **approx)


def test_clipping_by_value():
    grads = [0.3, -1.5, 2.0, math.inf, -math.inf, math.nan]
    ours = [Value(0.0) for _ in grads]
    theirs = torch.zeros(len(grads), dtype=torch.float64, requires_grad=True)
    theirs.grad = torch.tensor(grads, dtype=torch.float64)
    for value, grad in zip(ours, grads, strict=True):
        value.grad = grad
    optim.clip_grad_value_(ours, 1.25)
    torch.nn.utils.clip_grad_value_([theirs], 1.25)
    assert [v.grad for v in ours] == pytest.approx(theirs.grad.tolist(), nan_ok=True)


def warm_up_and_cosine(module, optimizer):
    warm_up = module.LinearLR(optimizer, start_factor=0.1, total_iters=20)
    cosine = module.CosineAnnealingLR(optimizer, T_max=130, eta_min=1e-3)
    return [module.SequentialLR(optimizer, [warm_up, cosine], milestones=[20])]


def three_in_turn(module, optimizer):
    parts = [
        module.StepLR(optimizer, 7, gamma=0.5),
        module.LinearLR(optimizer, 0.25, 0.75, total_iters=11),
        module.StepLR(optimizer, 9),
    ]
    return [module.SequentialLR(optimizer, parts, milestones=[30, 60])]


SCHEDULES = {
    "step": lambda m, o: [m.StepLR(o, step_size=30)],
    "step, one at a time": lambda m, o: [m.StepLR(o, 1, gamma=0.99)],
    "linear": lambda m, o: [m.LinearLR(o)],
    "linear, down": lambda m, o: [m.LinearLR(o, 0.9, 0.1, total_iters=100)],
    "cosine": lambda m, o: [m.CosineAnnealingLR(o, T_max=100)],
    "cosine, up and down": lambda m, o: [m.CosineAnnealingLR(o, T_max=7, eta_min=0.01)],
    "cosine, shortest": lambda m, o: [m.CosineAnnealingLR(o, T_max=1, eta_min=0.01)],
    "two at once": lambda m, o: [m.StepLR(o, 10, 0.9), m.CosineAnnealingLR(o, 50, 1e-3)],
    "in turn": warm_up_and_cosine,
    "three in turn": three_in_turn,
    "in turn, at once": lambda m, o: [
        m.SequentialLR(o, [m.StepLR(o, 3), m.CosineAnnealingLR(o, 40)], milestones=[0])
    ],
}


def two_groups(module, first, second):
    return module.SGD([{"params": [first]}, {"params": [second], "lr": 0.3}], lr=0.07)


# PyTorch warns when a schedule steps before its optimiser, and when a schedule calls its own step.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    optimizer = two_groups(optim, Value(1.0), Value(1.0))
    tensors = [torch.ones((), dtype=torch.float64, requires_grad=True) for _ in range(2)]
    reference = two_groups(torch.optim, *tensors)
    ours = SCHEDULES[name](optim.lr_scheduler, optimizer)
    theirs = SCHEDULES[name](torch.optim.lr_scheduler, reference)
    for step in range(400):
        rates = [group["lr"] for group in optimizer.param_groups]
        expected = [group["lr"] for group in reference.param_groups]
        # Near the end of a cosine a rate of 0 comes out as what rounding left.
        assert rates == pytest.approx(expected, rel=1e-12, abs=1e-16), step
        assert ours[-1].get_last_lr() == rates
        for scheduler in (*ours, *theirs):
            scheduler.step()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("last_epoch", [0, 3, 4, 8, 9, 16, 17, 18, 40, 2**52])
@pytest.mark.parametrize("name", ["step", "linear", "cosine", "two at once"])
def test_going_on_from_an_epoch(name, last_epoch):
    kinds = {
        "step": ("StepLR", 10),
        "linear": ("LinearLR", 0.5),
        "cosine": ("CosineAnnealingLR", 9),
    }
    kind, argument = kinds.get(name, ("StepLR", 4))
    optimizer = two_groups(optim, Value(1.0), Value(1.0))
    tensors = [torch.ones((), dtype=torch.float64, requires_grad=True) for _ in range(2)]
    reference = two_groups(torch.optim, *tensors)
    for group in (*optimizer.param_groups, *reference.param_groups):
        group["initial_lr"] = 0.9
    ours = getattr(optim.lr_scheduler, kind)(optimizer, argument, last_epoch=last_epoch)
    theirs = getattr(torch.optim.lr_scheduler, kind)(reference, argument, last_epoch=last_epoch)
    for _ in range(50):
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-12, abs=1e-16)
        ours.step()
        theirs.step()
