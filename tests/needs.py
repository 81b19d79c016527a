"""What some tests need, and are skipped without."""

import ctypes
import os
import signal

import pytest

from megagrad import picture

UNDER_ASAN = "asan" in os.environ.get("LD_PRELOAD", "")
UNDER_WINE = os.name == "nt" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
needs_matplotlib = pytest.mark.skipif(
    not picture.matplotlib_is_installed(), reason="needs matplotlib"
)
needs_plain_memory = pytest.mark.skipif(
    UNDER_ASAN, reason="AddressSanitizer keeps what is freed, and its locks when a process forks"
)
needs_pymalloc = pytest.mark.skipif(
    os.environ.get("PYTHONMALLOC", "pymalloc") != "pymalloc", reason="measures Python's allocator"
)
