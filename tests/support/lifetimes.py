"""Objects whose ends are watched."""

from megagrad.engine import Value


def ended(reference):
    return reference() is None


class Marker:
    """Something to hang on a Value and watch."""


class Node(Value):
    """Subclass instances are always known to the collector."""
