"""The rest of the calls: training, files, drawings, data."""

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from hostile.calls import Rows, a_function, numbers, read_only_row
from hostile.check import Call, Folder
from megagrad import Value, _checks, _files, data, gradient_check, nn, no_grad, optim, state
from megagrad.demo import datasets, scaling, training
from megagrad.optim import lr_scheduler
from megagrad.show import drawing, explanation, expression, graph, lecture

# --- optim ----------------------------------------------------------------------------------------


def optimizer(kind: Any = optim.Adam, **options: Any) -> Any:
    made = kind(numbers(), lr=0.5, **options)
    for value in made.param_groups[0]["params"]:
        value.grad = 0.25
    made.step()
    return made


def method(thing: Any, name: str, *args: Any, **more: Any) -> Call:
    watched = (thing, *(thing.param_groups[0]["params"] if hasattr(thing, "param_groups") else ()))
    return Call(getattr(thing, name), args, watched=watched, **more)


FLAGS = ("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay")


def optimizer_row(kind: Any, **options: Any) -> Callable[[], Call]:
    named = {**options, "maximize": True}
    return lambda: Call(kind, (numbers(),), dict(named), anything=FLAGS)


def option_row(kind: Any, option: str) -> Callable[[], Call]:
    """A step with an option that someone has set."""

    def row() -> Call:
        made = optimizer(kind)
        group = made.param_groups[0]

        def step(value: object) -> None:
            before, group[option] = group[option], value
            try:
                made.step()
            finally:
                group[option] = before

        is_free = option in FLAGS or option == "initial_accumulator_value"  # of the first step
        return Call(
            step,
            (group[option],),
            names=(option,),
            watched=(made, *group["params"]),
            anything=(option,) if is_free else (),
        )

    return row


def group_row(kind: Any) -> Callable[[], Call]:
    """A step of a group that is none."""

    def row() -> Call:
        made = optimizer(kind)
        groups = made.param_groups

        def step(group: object) -> None:
            made.param_groups = [group]
            try:
                made.step()
            finally:
                made.param_groups = groups

        return Call(step, (groups[0],), watched=(made, *groups[0]["params"]))

    return row


BETAS = {"betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1, "amsgrad": True, "lr": 0.1}
OPTIM: Rows = {
    "SGD": optimizer_row(
        optim.SGD, lr=0.1, momentum=0.9, dampening=0, weight_decay=0.1, nesterov=True
    ),
    "Adam": optimizer_row(optim.Adam, **BETAS),
    "AdamW": optimizer_row(optim.AdamW, **BETAS),
    "NAdam": optimizer_row(
        optim.NAdam, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1, momentum_decay=0.1
    ),
    "RMSprop": optimizer_row(
        optim.RMSprop, lr=0.1, alpha=0.9, eps=1e-8, weight_decay=0.1, momentum=0.9, centered=True
    ),
    "Adagrad": optimizer_row(
        optim.Adagrad, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.1, eps=1e-8
    ),
    "Optimizer.add_param_group": lambda: method(
        optimizer(), "add_param_group", {"params": [Value(5.0)]}
    ),
    "Optimizer.step": lambda: method(optimizer(), "step", lambda: 5.0, anything=("closure",)),
    "Optimizer.zero_grad": lambda: method(optimizer(), "zero_grad"),
    "Optimizer.state": read_only_row(optimizer, "state"),
    "Optimizer.state_dict": lambda: method(optimizer(), "state_dict"),
    "Optimizer.load_state_dict": lambda: method(
        optimizer(), "load_state_dict", optimizer().state_dict()
    ),
    "clip_grad_norm_": lambda: Call(
        optim.clip_grad_norm_, (numbers(), 1.0, 2.0, True), anything=("error_if_nonfinite",)
    ),
    "clip_grad_value_": lambda: Call(optim.clip_grad_value_, (numbers(), 1.0)),
    "a group": group_row(optim.SGD),
    **{
        f"{kind.__name__}'s {option}": option_row(kind, option)
        for kind in (optim.SGD, optim.AdamW, optim.NAdam, optim.RMSprop, optim.Adagrad)
        for option in optimizer(kind).param_groups[0]
    },
}


def entry_row(make: Callable[[], Any], *keys: Any) -> Callable[[], Call]:
    """Loading a state of which one entry is replaced."""

    def row() -> Call:
        made = make()
        saved = made.state_dict()

        def load(entry: object) -> None:
            inner = changed = copy_of(saved)
            for key in keys[:-1]:
                inner = inner[key]
            inner[keys[-1]] = entry
            made.load_state_dict(changed)

        inner = saved
        for key in keys:
            inner = inner[key]
        name = "/".join(map(str, keys))
        return Call(load, (inner,), names=(name,), watched=(made,), anything=(name,))

    return row


def copy_of(saved: Any) -> Any:
    if isinstance(saved, dict):
        return {key: copy_of(entry) for key, entry in saved.items()}
    return [copy_of(entry) for entry in saved] if isinstance(saved, list) else saved


def schedule(kind: Any, *settings: Any) -> Callable[[], Any]:
    return lambda: kind(optimizer(optim.SGD), *settings)


def sequence() -> Any:
    made = optimizer(optim.SGD)
    parts = [lr_scheduler.LinearLR(made), lr_scheduler.StepLR(made, 2)]
    return lr_scheduler.SequentialLR(made, parts, [3])


def sequence_call() -> Call:
    made = sequence()
    return Call(
        lr_scheduler.SequentialLR,
        (made.optimizer, list(made._schedulers), [3], -1),
        watched=(made.optimizer,),
    )


class Schedule(lr_scheduler.LRScheduler):
    """A schedule of one's own, whose rates are what it was given."""

    rates: Any = (1.0,)

    def get_lr(self) -> Any:
        return self.rates


def own_schedule() -> Call:
    made = Schedule(optimizer(optim.SGD))

    def step(rates: object) -> None:
        Schedule.rates = rates
        try:
            made.step()
        finally:
            Schedule.rates = (1.0,)

    return Call(step, ([0.5],), watched=(made,), anything=("rates",))


STEP_LR = schedule(lr_scheduler.StepLR, 3)
LINEAR_LR = schedule(lr_scheduler.LinearLR)
COSINE_LR = schedule(lr_scheduler.CosineAnnealingLR, 4)
SCHEDULES: Rows = {
    "StepLR": lambda: Call(lr_scheduler.StepLR, (optimizer(optim.SGD), 3, 0.5, -1)),
    "LinearLR": lambda: Call(lr_scheduler.LinearLR, (optimizer(optim.SGD), 0.5, 1.0, 5, -1)),
    "CosineAnnealingLR": lambda: Call(
        lr_scheduler.CosineAnnealingLR, (optimizer(optim.SGD), 5, 0.0, -1)
    ),
    "SequentialLR": sequence_call,
    "LRScheduler": lambda: Call(Schedule, (optimizer(optim.SGD), -1)),
    "LRScheduler's own rates": own_schedule,
    **{
        f"{owner}.{name}": lambda m=make, n=name: method(m(), n)
        for owner, make in {
            "LRScheduler": STEP_LR,
            "StepLR": STEP_LR,
            "LinearLR": LINEAR_LR,
            "CosineAnnealingLR": COSINE_LR,
            "SequentialLR": sequence,
        }.items()
        for name in ("get_lr", "step", "get_last_lr", "state_dict")
    },
    **{
        f"{owner}.load_state_dict": lambda m=make: method(m(), "load_state_dict", m().state_dict())
        for owner, make in {"LRScheduler": COSINE_LR, "SequentialLR": sequence}.items()
    },
    **{
        f"state of {make().__class__.__name__}, {key}": entry_row(make, key)
        for make in (STEP_LR, LINEAR_LR, COSINE_LR, sequence, optimizer)
        for key in make().state_dict()
    },
    **{
        f"state of Adam, {keys}": entry_row(optimizer, *keys)
        for keys in [
            ("state", 0),
            ("state", 1, "exp_avg"),
            ("state", 0, "step"),
            ("param_groups", 0),
            ("param_groups", 0, "params"),
            ("param_groups", 0, "betas"),
            ("param_groups", 0, "lr"),
        ]
    },
}

# --- files ----------------------------------------------------------------------------------------


def save_row(function: Callable[..., Any], *before: Any) -> Callable[[], Call]:
    def row() -> Call:
        folder = Folder()
        return Call(function, (*before, folder.path / "file"), watched=(folder,))

    return row


def content_row() -> Call:
    folder = Folder()
    return Call(
        _files.write,
        (folder.path / "file", b"content"),
        watched=(folder,),
        anything=("content",),
    )


def state_row() -> Call:
    folder = Folder()
    return Call(state.save, ({"a": 1.0}, folder.path / "file"), watched=(folder,))


def load_row(function: Callable[..., Any], content: bytes) -> Callable[[], Call]:
    def row() -> Call:
        folder = Folder()
        (folder.path / "file").write_bytes(content)
        return Call(function, (folder.path / "file",), watched=(folder,))

    return row


def saved(write: Callable[[Path], Any]) -> bytes:
    folder = Folder()
    write(folder.path / "file")
    return (folder.path / "file").read_bytes()


def csv_row() -> Call:
    call = load_row(datasets.read_csv, b"a,b\n1,x\n2,y\n")()
    return call._replace(args=(*call.args, "b"))


FILES: Rows = {
    "Function.save": save_row(a_function().save),
    "Function.load": load_row(type(a_function()).load, saved(a_function().save)),
    "save": state_row,
    "load": load_row(state.load, saved(lambda path: state.save({"a": 1.0}, path))),
    "write": content_row,
    "read_csv": csv_row,
}

# --- showing, and the rest ------------------------------------------------------------------------


def root() -> Value:
    return (Value(1.0, label="a") * 2.0 + Value(3.0)).tanh()


def bounds() -> dict[str, Any]:
    return {"parameters": [Value(1.0)], "depth": 3, "limit": 100}


def curves_row(function: Any) -> Callable[[], Call]:
    # random.Random takes whatever has a hash for a seed.
    return lambda: Call(function, (4, 0.1, 1), anything=("seed",))


def train(**arguments: Any) -> Any:
    return list(training.train(**arguments))


def train_row() -> Call:
    model = nn.MLP(2, [1])
    return Call(
        train,
        named={
            "model": model,
            "points": [[1.0, 2.0], [2.0, 1.0]],
            "labels": [-1, 1],
            "classes": 2,
            "epochs": 1,
            "learning_rate": 0.5,
            "penalty": 0.1,
        },
    )


def scaled() -> scaling.Scaling:
    return scaling.Scaling((1.0, 2.0), (0.5, 0.25))


def batches(**arguments: Any) -> Any:
    return list(islice(data.DataLoader(**arguments), 2))


def batches_row() -> Call:
    """Two batches, unshuffled: a hostile length is 2**40."""
    return Call(
        batches,
        named={
            "dataset": [1.0, 2.0, 3.0],
            "batch_size": 2,
            "collate_fn": None,
            "drop_last": False,
            "generator": Random(1),
        },
        anything=("dataset", "collate_fn", "drop_last", "generator"),
        allowed=(UserWarning,),  # NumPy's, of what is masked
    )


OTHERS: Rows = {
    "DataLoader": batches_row,
    "no_grad": lambda: Call(
        lambda function: type(no_grad(function)),
        (len,),
        names=("function",),
        anything=("function",),
    ),
    "draw_dot": lambda: Call(
        drawing.draw_dot,
        (root(), "svg", "LR"),
        {**bounds(), "collapsed": True},
        anything=("collapsed", "root"),
    ),
    "topological_order": lambda: Call(graph.topological_order, (root(),), anything=("root",)),
    "as_micrograd": lambda: Call(lambda: lecture.as_micrograd(graph.trace(root(), None, None))),
    "gradcheck": lambda: Call(
        partial(gradient_check.gradcheck, lambda *xs: sum(xs, Value(0.0))),
        ([0.5], [Value(1.0)]),
        {"eps": 1e-3, "atol": 1e-5, "rtol": 1e-5, "raise_exception": True},
        names=("inputs", "parameters"),
        allowed=(UserWarning,),
        anything=("inputs", "parameters", "raise_exception", "eps", "atol", "rtol"),
    ),
    "explain": lambda: Call(explanation.explain, (root(),), bounds()),
    "evaluate": lambda: Call(expression.evaluate, ("x * 2 + y", {"x": 1.0, "y": 2.0})),
    "moons": curves_row(datasets.moons),
    "circles": curves_row(datasets.circles),
    "spirals": curves_row(datasets.spirals),
    "positive_number": lambda: Call(_checks.positive_number, ("name", 1.0), anything=("name",)),
    "real_number": lambda: Call(
        partial(_checks.real_number, "name", at_least=0), (1.5,), names=("name",)
    ),
    "whole_number": lambda: Call(
        partial(_checks.whole_number, "name", at_least=0), (3,), names=("name",), anything=("name",)
    ),
    "trace": lambda: Call(graph.trace, (root(), 3, 100), anything=("root",)),
    "names_of": lambda: Call(graph.names_of, ([Value(1.0)],)),
}
