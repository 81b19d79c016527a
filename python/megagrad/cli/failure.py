"""What ends a command without a result."""

__all__ = ["Failure"]


class Failure(Exception):
    """What stands in the way, in one line for the user."""
