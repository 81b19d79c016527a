#!/usr/bin/env python
"""Runs a target under libFuzzer, by atheris; see tests/fuzz/run.

python tests/fuzz/campaign.py TARGET [libFuzzer's options] CORPUS
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["megagrad.state"]):
    import megagrad.state  # noqa: F401

from fuzz.targets import run

target = sys.argv.pop(1)
atheris.Setup(sys.argv, lambda data: run(target, bytes(data)))
atheris.Fuzz()
