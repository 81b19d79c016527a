"""What some tests need, and are skipped without."""

import ctypes
import os
import signal
import sysconfig

import pytest

from megagrad.demo import picture

UNDER_ASAN = "asan" in os.environ.get("LD_PRELOAD", "")
UNDER_WINE = os.name == "nt" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
EMULATED = "QEMU_CPU" in os.environ  # as .ci/arm64 and .ci/old-x86 have it

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
needs_matplotlib = pytest.mark.skipif(
    not picture.matplotlib_is_installed(), reason="needs matplotlib"
)
needs_plain_memory = pytest.mark.skipif(
    UNDER_ASAN, reason="AddressSanitizer keeps what is freed, and its locks when a process forks"
)
needs_memory_limits = pytest.mark.skipif(EMULATED, reason="QEMU does not hand on limits of memory")
needs_closed_input = pytest.mark.skipif(
    EMULATED, reason="the program is an open file of QEMU's, in the place of the closed one"
)
needs_fork_beside_threads = pytest.mark.skipif(
    EMULATED, reason="QEMU keeps a lock of its own where other threads run as a process forks"
)
needs_pymalloc = pytest.mark.skipif(
    FREE_THREADED or os.environ.get("PYTHONMALLOC", "pymalloc") != "pymalloc",
    reason="measures Python's usual allocator",
)
