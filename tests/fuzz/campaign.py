#!/usr/bin/env python
"""Runs a target under libFuzzer, by atheris; see tests/fuzz/run.

FUZZ_TARGET=TARGET tests/fuzz/campaign.py [libFuzzer's options] CORPUS

The target is no argument, as merges start the program once more with the options alone.
"""

import os
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["megagrad.state"]):
    import megagrad.state  # noqa: F401

from fuzz.targets import run

target = os.environ["FUZZ_TARGET"]
atheris.Setup(sys.argv, lambda data: run(target, bytes(data)))
atheris.Fuzz()
