"""Modules of ``nn`` and PyTorch's of the same names: made from the same settings, and the same state."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from megagrad import nn
from megagrad._checks import kind
from megagrad.module import Module, _is_state, _walk
from megagrad.torch_export import mlp

__all__ = ["from_module", "to_module"]

CONTAINERS = ("Sequential", "ModuleList")
# What PyTorch's module is made with besides, so that it computes what ours does.
MORE: dict[str, dict[str, Any]] = {"Softplus": {"threshold": 37.0}}
# Another setting that changes no number worth mentioning: Softplus's default threshold costs 2e-9.
AS_GOOD = {"threshold": 20}
HARMLESS = {"inplace", "training"}


def to_module(torch: Any, model: Module) -> Any:
    """Return PyTorch's module for one of ours, in float64, with its weights; what is tied stays tied."""
    theirs = _to(torch, "model", model, {}).double()
    arrays = ((name, found) for name, found in _walk(model, again=True) if _is_state(found))
    _tie(theirs, ((name, id(array)) for name, array in arrays))
    return theirs


def from_module(torch: Any, network: Any) -> Module:
    """Return our module for one of PyTorch's, with its weights; what is tied stays tied."""
    state = random.getstate()
    try:
        ours = _from(torch, "network", network, {})
    finally:
        random.setstate(state)
    _tie(ours, ((n, id(p)) for n, p in network.named_parameters(remove_duplicate=False)))
    return ours


def _to(torch: Any, name: str, model: Any, made: dict[int, Any]) -> Any:
    """Return PyTorch's module for one of ours. made: those there are, by id: a shared one stays one."""
    if id(model) not in made:
        made[id(model)] = _to_new(torch, name, model, made)
    return made[id(model)]


def _to_new(torch: Any, name: str, model: Any, made: dict[int, Any]) -> Any:
    if isinstance(model, nn.MLP | nn.Layer | nn.Neuron):
        return mlp.to_sequential(torch, model).train(model.training)
    if _is_ours(model, CONTAINERS):
        parts = [_to(torch, f"{name}[{place}]", part, made) for place, part in enumerate(model)]
        return _container(getattr(torch.nn, type(model).__name__), parts, model.training)
    if not _is_ours(model):
        raise TypeError(
            f"to_torch knows the modules of megagrad.nn, and subclasses of MLP, Layer and Neuron "
            f"that leave __call__ as it is; {name} is {kind(model)}. For a class of your own, write "
            "its PyTorch form and use load_state_dict()"
        )
    theirs = _their_blank(torch, model)
    try:
        theirs.load_state_dict({n: torch.as_tensor(part) for n, part in model.state_dict().items()})
    except RuntimeError as error:
        raise ValueError(f"{name}, {model}, has other weights than PyTorch's: {error}") from None
    return theirs.train(model.training)


def _from(torch: Any, name: str, theirs: Any, made: dict[int, Module]) -> Module:
    """Return our module for one of PyTorch's. made: those there are, by id: a shared one stays one."""
    if id(theirs) not in made:
        made[id(theirs)] = _from_new(torch, name, theirs, made)
    return made[id(theirs)]


def _from_new(torch: Any, name: str, theirs: Any, made: dict[int, Module]) -> Module:
    mlp.refuse_hooks(name, theirs)
    cls = _our_class(torch, theirs)
    if cls is None:
        raise ValueError(
            f"{name}, {theirs}, must be one of PyTorch's modules that megagrad.nn has. Write a class of "
            "your own with megagrad.nn, and call load_state_dict(network.state_dict())"
        )
    if cls.__name__ in CONTAINERS:
        parts = [_from(torch, f"{name}[{place}]", part, made) for place, part in enumerate(theirs)]
        container: Module = _container(cls, parts, theirs.training)
        return container
    if not mlp.has_numbers(theirs):
        raise ValueError(f"{name}, {theirs}, must have real numbers")
    try:
        ours: Module = cls(**{setting: _setting(theirs, setting) for setting in cls._settings})
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}, {theirs}, has a setting that megagrad.nn lacks: {error}"
        ) from None
    _refuse_other_settings(name, theirs, _their_blank(torch, ours))
    try:
        ours.load_state_dict(theirs.state_dict())
    except RuntimeError as error:
        raise ValueError(f"{name}, {theirs}, has weights that megagrad.nn lacks: {error}") from None
    ours.train(theirs.training)
    return ours


def _container(cls: Any, parts: list[Any], training: bool) -> Any:
    made = cls(parts) if cls.__name__ == "ModuleList" else cls(*parts)
    made.training = training  # its own: the parts have theirs
    return made


def _our_class(torch: Any, theirs: Any) -> Any:
    """Return our class of the same name; a Sequential's subclass that computes the same is one, too."""
    cls = type(theirs)
    if isinstance(theirs, torch.nn.Sequential) and cls.forward is torch.nn.Sequential.forward:
        cls = torch.nn.Sequential
    title = cls.__name__
    is_known = title in nn.__all__ and title != "Module" and cls is getattr(torch.nn, title, None)
    return getattr(nn, title) if is_known else None


def _is_ours(model: object, names: Iterable[str] | None = None) -> bool:
    title = type(model).__name__
    known = nn.__all__ if names is None else names
    is_one = (
        isinstance(model, Module) and type(model) is not Module and "forward" not in vars(model)
    )
    return is_one and title in known and type(model) is getattr(nn, title)


def _their_blank(torch: Any, ours: Module) -> Any:
    """Make PyTorch's module of the same settings, with no effect on what PyTorch draws next."""
    title = type(ours).__name__
    with torch.random.fork_rng(devices=[]):
        return getattr(torch.nn, title)(**ours._arguments(), **MORE.get(title, {})).double()


def _setting(theirs: Any, name: str) -> Any:
    """Return an argument that PyTorch's module was made with; a bias says only whether there is one."""
    if name != "bias":
        return getattr(theirs, name)
    bias = theirs.bias if hasattr(theirs, "bias") else theirs.in_proj_bias
    return bias if isinstance(bias, bool) else bias is not None


def _refuse_other_settings(name: str, theirs: Any, known: Any) -> None:
    """Refuse PyTorch's settings that ours lacks, unless they are at their defaults."""
    for key, setting in vars(theirs).items():
        if key.startswith("_") or key in HARMLESS or key not in vars(known):
            continue
        default = getattr(known, key)
        if isinstance(default, tuple) and isinstance(setting, int):
            setting = (setting,) * len(default)
        if setting not in (default, AS_GOOD.get(key, default)):
            raise ValueError(
                f"{name}, {theirs}, must have {key}={default}, as megagrad.nn has no other"
            )


def _tie(model: Any, names_and_ids: Iterable[tuple[str, int]]) -> None:
    """Make parameters one that have one id on the other side."""
    names = defaultdict(list)
    for name, one in names_and_ids:
        names[one].append(name)
    for first, *others in names.values():
        for name in others:
            setattr(_owner(model, name), name.rpartition(".")[2], _found(model, first))


def _owner(model: Any, name: str) -> Any:
    for part in name.split(".")[:-1]:
        model = getattr(model, part)
    return model


def _found(model: Any, name: str) -> Any:
    return getattr(_owner(model, name), name.rpartition(".")[2])
