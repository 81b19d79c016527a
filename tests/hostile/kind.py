"""What a hostile argument is."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Sabotage(Exception):
    """What hostile objects raise."""


class Hostile(NamedTuple):
    """A hostile argument.

    make: makes it anew for each call. plain: what it may count as; a call that takes it has to give
    what it gives for one of these. lies: about its class, and so may pass for what it is not.
    """

    make: Callable[[], Any]
    plain: tuple[Any, ...] = ()
    lies: bool = False


def slot(**members: Any) -> Callable[[], Any]:
    """An object of a class with these members, anew for each call."""
    return lambda: type("Member", (), members)()


def raises(name: str) -> Any:
    """A member that raises; what Python reads without a call is a property."""

    def method(self: object, *args: object, **named: object) -> Any:
        raise Sabotage(name)

    is_attribute = name in ("__class__", "__dict__") or "_interface" in name or "_struct" in name
    return property(method) if is_attribute else method


def returns(result: object) -> Any:
    return lambda self, *args, **named: result
