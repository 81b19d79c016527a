"""Where the compiled Function looks for it: the code is in ``megagrad._files``."""

from megagrad._files import write

__all__ = ["write"]
