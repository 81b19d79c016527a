"""Objects whose methods run the engine on the very things that are being worked on."""

import copy
import gc
import numbers
import pickle

import numpy as np
import pytest

from megagrad import Function, Value, functional, nn, optim, where
from megagrad.optim import lr_scheduler


class World:
    """A model, its training, and lists that calls are working on."""

    def __init__(self):
        self.model = nn.MLP(2, [3, 1], activation="tanh")
        self.values = [Value(0.5), Value(-1.0), Value(2.0)]
        self.root = functional.dot(self.values, [1.0, 2.0, 3.0]).tanh() * self.values[0]
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.1)
        self.scheduler = lr_scheduler.StepLR(self.optimizer, 2)
        self.xs = []
        x, y = Value(1.0), Value(2.0)
        self.f = Function([x, y], (x * y + self.values[0]).tanh())
        self.data = np.ones((3, 2))
        self.memo = {}


def clear_everything(world):
    world.xs.clear()
    world.values = world.root = world.model = world.f = None
    gc.collect()


def make_anew(world):
    for value in [*world.values, world.root]:
        value.__init__(7.0, (Value(1.0), Value(2.0)), (1.0, 2.0))


def make_its_own_child(world):
    world.root.__init__(7.0, (world.root, *world.values))
    world.root.__init__(7.0)


def swap_lists(world):
    world.xs[:] = [Value(1.0)] * (len(world.xs) // 2)
    for neuron in world.model.layers[0].neurons:
        neuron.w = [Value(1.0)]
        neuron.__dict__.pop("b", None)
    world.model.layers.pop()


def grow(world):
    if len(world.xs) < 1000:
        world.xs.extend([Value(1.0)] * 50)


def fold_and_unfold(world):
    again = functional.dot(world.values, world.values)
    assert len(again._children) == 2
    assert world.root._prev


def load_states(world):
    world.optimizer.load_state_dict(world.optimizer.state_dict())
    world.scheduler.load_state_dict(world.scheduler.state_dict())
    world.model.load_state_dict(world.model.state_dict())


def swap_dicts(world):
    for value in world.values:
        value.__dict__ = {"x": Value(1.0)}
    gc.collect()


ACTIONS = {
    "backward": lambda world: world.root.backward(),
    "clear": clear_everything,
    "make anew": make_anew,
    "its own child": make_its_own_child,
    "swap lists": swap_lists,
    "grow": grow,
    "unfold": fold_and_unfold,
    "load states": load_states,
    "swap dicts": swap_dicts,
    "step": lambda world: (world.optimizer.step(), world.scheduler.step()),
    "zero": lambda world: (world.optimizer.zero_grad(), world.model.zero_grad()),
    "add a group": lambda world: world.optimizer.add_param_group({"params": [Value(1.0)]}),
    "forget groups": lambda world: world.optimizer.param_groups.clear(),
    "record": lambda world: Function(world.values, world.root),
    "replay": lambda world: (world.f(world.data), world.f.backward(world.data)),
    "copy": lambda world: (copy.deepcopy(world.root), copy.copy(world.root)),
    "pickle": lambda world: pickle.loads(pickle.dumps(world.root)),
    "set data": lambda world: [setattr(value, "data", 3.0) for value in world.values],
    "clear a memo": lambda world: world.memo.clear(),
    "collect": lambda world: gc.collect(),
}


class Trap:
    """A number, text and list whose every method acts on a world, and then works."""

    def __init__(self, world, action):
        self.spring = lambda: ACTIONS[action](world) if world.model is not None else None

    def __float__(self):
        self.spring()
        return 0.5

    def __index__(self):
        self.spring()
        return 1

    def __bool__(self):
        self.spring()
        return True

    def __iter__(self):
        self.spring()
        yield Value(1.0)
        self.spring()
        yield self
        yield Value(2.0)

    def __array__(self, dtype=None, copy=None):
        self.spring()
        return np.ones((3, 2))

    def __mul__(self, other):
        self.spring()
        return 0.5

    __add__ = __radd__ = __sub__ = __rsub__ = __rmul__ = __mul__

    def __call__(self, *values):
        self.spring()
        return values[0] if values else None

    def __deepcopy__(self, memo):
        self.spring()
        memo.clear()
        return self

    def __getstate__(self):
        self.spring()
        return {}

    def __repr__(self):
        self.spring()
        return "Trap()"

    def __del__(self):
        self.spring()


class Registered(Trap):
    """One that Python takes for a real number."""


numbers.Real.register(Registered)


class Name(str):
    """An attribute's name that acts when it is compared."""

    __slots__ = ("spring",)

    def __hash__(self):
        self.spring()
        return hash(str(self))

    def __eq__(self, other):
        self.spring()
        return str.__eq__(self, other)


def with_list(call):
    def use(world, trap):
        world.xs = [Value(1.0), trap, Value(2.0), trap]
        return call(world.xs, world)

    return use


def attribute_names(world, trap):
    value = world.values[0]
    value.x = 5
    name = Name("x")
    name.spring = trap.spring
    getattr(value, name)
    setattr(value, name, 6)
    hasattr(value, name)
    delattr(value, name)


def closure(world, trap):
    world.values[0]._backward = lambda: trap.spring()
    world.root._backward = lambda: trap.spring()
    (world.root * 2).backward()


def finalizer(world, trap):
    class Dies(Value):
        def __del__(self):
            trap.spring()

    value = Dies(1.0)
    value.x = Dies(2.0)
    result = (value * world.root).tanh()
    del value
    return result


def groups(world, trap):
    for option in ("lr", "eps", "weight_decay", "amsgrad", "maximize"):
        world.optimizer.param_groups[0][option] = trap
    world.optimizer.param_groups[0]["betas"] = (trap, trap)
    world.optimizer.step()


def reduced(world, trap):
    world.root.x = trap
    return world.root.__reduce_ex__(4)


def copied(world, trap):
    world.values[0].x = trap
    return world.root.__deepcopy__(world.memo)


def neuron_activation(world, trap):
    for neuron in world.model.layers[0].neurons:
        neuron.activation = trap
    return world.model([1.0, 2.0])


def neuron_weights(world, trap):
    world.model.layers[0].neurons[1].w = [trap, trap]
    world.model.layers[0].neurons[0].nonlin = trap
    return world.model([1.0, 2.0])


CALLS = {
    "Value": lambda world, trap: Value(trap),
    "children": lambda world, trap: Value(1.0, trap),
    "local gradients": lambda world, trap: Value(1.0, world.values, [trap, trap, trap]),
    "init": lambda world, trap: world.root.__init__(trap, world.values, [trap, trap, trap]),
    "init with itself": lambda world, trap: world.root.__init__(1.0, [world.root], [trap]),
    "data": lambda world, trap: setattr(world.root, "data", trap),
    "grad": lambda world, trap: setattr(world.root, "grad", trap),
    "operator": lambda world, trap: (world.root + trap, trap * world.root, world.root**trap),
    "elu": lambda world, trap: world.root.elu(trap),
    "where": lambda world, trap: where(trap, trap, world.root),
    "sum": with_list(lambda xs, world: functional.sum(xs)),
    "sum from": lambda world, trap: functional.sum(world.values, trap),
    "dot": with_list(lambda xs, world: functional.dot(xs, xs)),
    "dot with others": with_list(lambda xs, world: functional.dot([1.0, 2.0, 3.0, 4.0], xs)),
    "dot from": lambda world, trap: functional.dot(world.values, world.values, trap),
    "mean": with_list(lambda xs, world: functional.mean(xs)),
    "softmax": with_list(lambda xs, world: functional.softmax(xs)),
    "rms_norm": with_list(lambda xs, world: functional.rms_norm(xs, xs)),
    "mse_loss": with_list(lambda xs, world: functional.mse_loss(xs, xs)),
    "iterators": lambda world, trap: functional.sum(trap),
    "cross_entropy": lambda world, trap: functional.cross_entropy(world.values, trap),
    "Function": lambda world, trap: Function(trap, world.root, trap),
    "Function of outputs": lambda world, trap: Function(world.values, trap, trap),
    "data of points": lambda world, trap: world.f(trap),
    "params": lambda world, trap: world.f(world.data, trap),
    "threads": lambda world, trap: world.f.vjp(world.data, threads=trap),
    "seeds": lambda world, trap: world.f.vjp(world.data, trap),
    "tangents": lambda world, trap: world.f.hvp(world.data, trap),
    "network": with_list(lambda xs, world: world.model(xs[:2])),
    "network of an iterator": lambda world, trap: world.model(trap),
    "activation": neuron_activation,
    "weights": neuron_weights,
    "options": groups,
    "clipping": lambda world, trap: optim.clip_grad_norm_(world.values, trap, trap),
    "group": lambda world, trap: world.optimizer.add_param_group({"params": trap}),
    "optimizer": lambda world, trap: optim.SGD(trap, lr=trap),
    "state": lambda world, trap: world.model.load_state_dict(
        dict.fromkeys(world.model.state_dict(), trap)
    ),
    "schedule": lambda world, trap: lr_scheduler.LinearLR(world.optimizer, trap, trap, trap),
    "deepcopy": copied,
    "reduce": reduced,
    "names": attribute_names,
    "closure": closure,
    "finalizer": finalizer,
}


@pytest.fixture(autouse=True)
def old_objects_are_not_collected():
    """Traps collect often, and what other tests have left is not their concern."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("kind", [Trap, Registered])
@pytest.mark.parametrize("action", ACTIONS)
def test_engines_that_are_used_while_they_work(kind, action):
    for name, call in CALLS.items():
        world = World()
        trap = kind(world, action)
        # What comes of it depends on what the action took away; that it ends, in what Python code
        # can handle, and that the engine goes on, must not.
        try:
            call(world, trap)
        except SystemError:  # of C code that forgot an error, or raised two
            raise
        except Exception:  # noqa: BLE001, S110
            pass
        world.model = None  # no trap springs any more
        x = Value(3.0)
        (x * x + 1.0).backward()
        assert x.grad == 6.0, name
    gc.collect()
