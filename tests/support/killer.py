"""A thread that kills processes while they work."""

import contextlib
import os
import signal
import threading
import time


def kill(pid):
    """End a process at once, if it has not ended; on Windows every signal that is sent does so."""
    with contextlib.suppress(OSError if os.name == "nt" else ProcessLookupError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


class Killer(threading.Thread):
    """Kills the processes soon after it starts, and knows whether that was in time."""

    def __init__(self, pids, delay=0.25):
        super().__init__()
        self.pids, self.delay = pids, delay
        self.is_over = threading.Event()
        self.was_in_time = None

    def run(self):
        time.sleep(self.delay)
        self.was_in_time = not self.is_over.is_set()
        for pid in self.pids:
            kill(pid)

    def __exit__(self, *error):
        self.is_over.set()
        self.join()

    def __enter__(self):
        self.start()
