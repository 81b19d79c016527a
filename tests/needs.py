"""What some tests need, and are skipped without."""

import os
import signal

import pytest

from megagrad import picture

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
needs_matplotlib = pytest.mark.skipif(
    not picture.matplotlib_is_installed(), reason="needs matplotlib"
)
