"""What some tests need, and are skipped without."""

import signal

import pytest

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
