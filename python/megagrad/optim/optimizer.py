"""What the optimisers share: parameter groups, steps, and states that can be saved."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from megagrad._checks import kind, real_number, whole_number
from megagrad._core import AdagradRule, AdamRule, NAdamRule, RMSpropRule, SGDRule
from megagrad.engine import Value

__all__ = ["Optimizer", "Parameters"]

Parameters: TypeAlias = Iterable[Value | dict[str, Any]]
_Rule: TypeAlias = SGDRule | AdamRule | NAdamRule | RMSpropRule | AdagradRule
_Row: TypeAlias = Mapping[str, float]


class Optimizer(ABC):
    """The base class of the optimisers.

    params: the Values to optimise, or dicts, each of which is a parameter group: ``'params'`` has
    the group's Values, other keys its own options. defaults: the options of groups that do not say
    otherwise.

    ``param_groups`` lists the groups, as dicts with all options; what is changed there, such as
    ``optimizer.param_groups[0]['lr'] = 0.01``, holds from the next step on. A group's ``'params'``
    is a tuple, and stays it: use ``add_param_group`` to optimise more Values.

    Raises TypeError if params holds what is neither a Value nor a group, or an option is of the
    wrong type; ValueError if there are no parameters, one occurs twice, one was computed from
    others, or an option is out of its range.
    """

    _rule: ClassVar[type[_Rule]]

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        """See the class."""
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._rules: list[_Rule] = []
        for group in _groups(params):
            self.add_param_group(group)

    @abstractmethod
    def _check(self, group: dict[str, Any]) -> None:
        """Check a group's options, and give them the types that the rule expects."""

    def _columns_at_first(self, group: dict[str, Any]) -> dict[str, list[float]]:  # noqa: ARG002
        """What is remembered before the first step: for each name, a number for each parameter."""
        return {}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimise more Values: a dict with ``'params'`` and the options that are not the defaults.

        Raises what the class raises, and KeyError without ``'params'``. After an error nothing has
        changed.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"a parameter group must be a dict, not {kind(param_group)}")
        if "params" not in param_group:
            raise KeyError("a parameter group needs its Values under the key 'params'")
        known = {id(value) for group in self.param_groups for value in group["params"]}
        values = _checked_parameters(param_group["params"], known)
        group = {"params": values, **self.defaults, **_options(param_group)}
        self._check(group)
        rule = self._rule(values, self._columns_at_first(group))
        self.param_groups.append(group)
        self._rules.append(rule)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter once, by its gradient.

        closure: computes the loss and its gradients anew, if given. Returns what the closure
        returns, else None. Raises ValueError if param_groups lost or got groups, or a group's params
        were replaced, and TypeError if an option was set to something of the wrong type.
        """
        loss = None if closure is None else closure()
        for rule, group in self._updates():
            rule.step(group)
        return loss

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for rule in self._rules:
            rule.zero_grad()

    @property
    def state(self) -> dict[Value, dict[str, float]]:
        """What is remembered of each parameter: a copy, which ``load_state_dict`` can put back."""
        return {
            value: row
            for rule, group in self._updates()
            for value, row in zip(group["params"], _rows(rule), strict=False)
        }

    def state_dict(self) -> dict[str, Any]:
        """Return all that a later ``load_state_dict`` needs to go on bit for bit, in plain Python.

        The format is PyTorch's, with floats in the place of tensors: under ``'state'`` what is
        remembered of each parameter, by its number; under ``'param_groups'`` the options of the
        groups, with the parameters' numbers.
        """
        state: dict[int, dict[str, float]] = {}
        groups = []
        first = 0
        for rule, group in self._updates():
            numbers = list(range(first, first + len(group["params"])))
            first += len(numbers)
            state.update(zip(numbers, _rows(rule), strict=False))
            groups.append({**_options(group), "params": numbers})
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict()`` returned, of an optimiser of the same class and groups.

        Options that the state does not have are set to their defaults. Make schedulers before: they
        set the learning rate.

        Raises KeyError if ``'state'`` or ``'param_groups'`` is missing, ValueError if the number of
        groups or of their parameters differs, or something else than this class remembers is there,
        and TypeError for what is not a number where one should be. After an error nothing has
        changed.
        """
        saved_groups, rows = _parts(state_dict)
        pairs = list(self._updates())
        if len(saved_groups) != len(pairs):
            raise ValueError(
                f"the state has {len(saved_groups)} parameter groups, "
                f"the {type(self).__name__} has {len(pairs)}"
            )
        numbers = _numbers(saved_groups, [len(group["params"]) for _, group in pairs])
        groups, rules = [], []
        for saved, (_, group), listed in zip(saved_groups, pairs, numbers, strict=True):
            loaded = {"params": group["params"], **self.defaults, **_options(saved)}
            self._check(loaded)
            groups.append(loaded)
            columns = _columns(rows, listed) or self._columns_at_first(loaded)
            rules.append(self._rule(group["params"], columns))
        if rows:
            raise ValueError(
                f"the state has an entry for {next(iter(rows))!r}, "
                "which none of its parameter groups lists (JSON turns the numbers into strings)"
            )
        self.param_groups, self._rules = groups, rules

    def _updates(self) -> Iterator[tuple[_Rule, dict[str, Any]]]:
        if len(self._rules) != len(self.param_groups):
            raise ValueError(
                f"param_groups has {len(self.param_groups)} groups where there were "
                f"{len(self._rules)}: add groups with add_param_group(), and take none out"
            )
        return zip(self._rules, self.param_groups, strict=True)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, with what the rules remember in their place."""
        return {**vars(self), "_rules": [rule.columns() for rule in self._rules]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what ``__getstate__`` returned."""
        vars(self).update(state)
        self._rules = [
            self._rule(group["params"], columns)
            for group, columns in zip(self.param_groups, state["_rules"], strict=True)
        ]

    def __repr__(self) -> str:
        """Return the class with each group's options, such as ``SGD(2 parameters, lr=0.1, …)``."""
        groups = [
            ", ".join(
                [f"{len(group['params'])} parameters"]
                + [f"{name}={option!r}" for name, option in _options(group).items()]
            )
            for group in self.param_groups
        ]
        return f"{type(self).__name__}({'; '.join(groups)})"


def _groups(params: Parameters) -> list[dict[str, Any]]:
    if isinstance(params, Value | dict) or not isinstance(params, Iterable):
        hint = "; use its parameters()" if hasattr(params, "parameters") else ""
        raise TypeError(f"params must be a list of Values or of dicts, not {kind(params)}{hint}")
    listed: list[Any] = list(params)
    if not listed:
        raise ValueError("params must have at least one parameter, got none")
    return listed if isinstance(listed[0], dict) else [{"params": listed}]


def _checked_parameters(params: object, known: set[int]) -> tuple[Value, ...]:
    """Return a group's parameters; known: the ids of those of other groups."""
    if isinstance(params, Value):
        params = [params]
    if isinstance(params, set | frozenset) or not isinstance(params, Iterable):
        raise TypeError(f"'params' must be a list of Values, in a fixed order, not {kind(params)}")
    values = tuple(params)
    seen: set[int] = set()
    for index, value in enumerate(values):
        _check_parameter(index, value)
        if id(value) in seen:
            raise ValueError(f"parameter {index}, {value!r}, occurs twice in its group")
        if id(value) in known:
            raise ValueError(f"parameter {index}, {value!r}, is in another group already")
        seen.add(id(value))
    return values


def _check_parameter(index: int, value: object) -> None:
    if not isinstance(value, Value):
        raise TypeError(f"parameter {index} must be a Value, not {kind(value)}")
    if value._children:
        raise ValueError(
            f"parameter {index}, {value!r}, was computed from others (by {value._op!r}): only "
            "Values that were not can be optimised"
        )


def _options(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: option for name, option in group.items() if name != "params"}


def _rows(rule: _Rule) -> Iterator[dict[str, float]]:
    """What a rule remembers, a dict for each parameter; nothing before the first step."""
    columns = rule.columns()
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _parts(state_dict: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], dict[Any, _Row]]:
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"a state must be a dict, not {kind(state_dict)}")
    for name in ("state", "param_groups"):
        if name not in state_dict:
            raise KeyError(f"the state has no {name!r}")
    state, groups = state_dict["state"], state_dict["param_groups"]
    if not isinstance(state, Mapping) or not all(isinstance(r, Mapping) for r in state.values()):
        raise TypeError("'state' must be a dict of dicts")
    if not isinstance(groups, list | tuple) or not all(isinstance(g, Mapping) for g in groups):
        raise TypeError("'param_groups' must be a list of dicts")
    return groups, dict(state)


def _numbers(saved_groups: Sequence[Mapping[str, Any]], counts: list[int]) -> list[list[int]]:
    """The numbers of the parameters of each saved group, which are to be so many."""
    seen: set[int] = set()
    numbers = []
    for saved, count in zip(saved_groups, counts, strict=True):
        listed = saved.get("params")
        if not isinstance(listed, list | tuple):
            raise TypeError("a saved parameter group must list its numbers under 'params'")
        if len(listed) != count:
            raise ValueError(f"a saved group has {len(listed)} parameters where there are {count}")
        numbers.append([whole_number("a parameter's number", number, 0) for number in listed])
        for number in numbers[-1]:
            if number in seen:
                raise ValueError(f"the saved parameter groups list {number} twice")
            seen.add(number)
    return numbers


def _columns(rows: dict[Any, _Row], numbers: list[int]) -> dict[str, list[float]]:
    """Take the rows with these numbers out of `rows`; return a list of numbers for each name."""
    if not any(number in rows for number in numbers):
        return {}
    columns: dict[str, list[float]] = {name: [] for name in rows.get(numbers[0], {})}
    for number in numbers:
        row = rows.pop(number, {})
        if row.keys() != columns.keys():
            raise ValueError(
                f"the state has {list(row)} of parameter {number!r} and {list(columns)} of "
                f"{numbers[0]!r}: all parameters of a group need the same"
            )
        for name, entry in row.items():
            columns[name].append(real_number(f"state[{number!r}][{name!r}]", entry))
    return columns
