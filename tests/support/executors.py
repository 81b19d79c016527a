"""Executors without processes: one that computes at once, one that loses work, one that waits."""

from concurrent.futures import BrokenExecutor, Executor, Future


class Here(Executor):
    """Computes at once, and remembers the chunks."""

    def __init__(self):
        self.chunks = []

    def submit(self, fn, /, *args, **kwargs):
        self.chunks.append(args)
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Losing(Here):
    """Loses what is submitted under these numbers: at odd ones later, at even ones at once."""

    def __init__(self, lost):
        super().__init__()
        self.lost = lost
        self.count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count - 1 not in self.lost:
            return super().submit(fn, *args, **kwargs)
        if self.count % 2:
            raise BrokenExecutor("refused")
        future = Future()
        future.set_exception(BrokenExecutor("lost"))
        return future


class Waiting(Executor):
    """Never gets to a chunk, except that the first one may have failed."""

    def __init__(self, error=None):
        self.error = error
        self.futures = []

    def submit(self, fn, /, *args, **kwargs):
        self.futures.append(Future())
        if self.error is not None and len(self.futures) == 1:
            self.futures[0].set_exception(self.error)
        return self.futures[-1]
