"""The command line, ``python -m megagrad`` or ``megagrad`` for short: a file a command."""

__all__: list[str] = []
