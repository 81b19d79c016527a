"""Programs of tests that need a process of their own."""

import subprocess
import sys
import textwrap


def run(program, *options, timeout=120):
    """What a program does: its exit code, output and errors."""
    command = [sys.executable, *options, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def printed(program, *options):
    """The words that a program prints that ends well and without a warning."""
    code, output, errors = run(program, *options)
    assert (code, errors) == (0, ""), errors
    return output.split()
